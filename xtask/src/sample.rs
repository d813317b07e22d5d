//! `cargo xtask sample`: JSON lines of real data, as many bytes as asked for.
//!
//! A line describes a file of this machine: its path, size, mode and time of change. So lines differ in length, repeat
//! words as real events do, and hold what names of files hold. When the files are through they come again with the
//! next number of the pass, so that every line is unique.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use walkdir::WalkDir;

use crate::process::Failure;

/// What `sample` is asked for.
#[derive(Args)]
pub(crate) struct Sample {
    /// At least so many bytes: whole lines, the last of which reaches or passes them.
    #[arg(long)]
    bytes: u64,
    /// Where to write them, instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes the lines; a reader who has enough and goes away is no failure.
///
/// # Errors
/// Where the file cannot be written or this machine has no files to describe.
pub(crate) fn run(asked: &Sample) -> Result<(), Failure> {
    let written = match &asked.out {
        Some(path) => write(asked.bytes, File::create(path)?),
        None => write(asked.bytes, io::stdout().lock()),
    };
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// Writes lines until `bytes` are reached; returns how many bytes that were.
///
/// # Errors
/// Those of `out`; `NotFound` where there is no file to describe.
pub(crate) fn write(bytes: u64, out: impl Write) -> io::Result<u64> {
    write_lines(bytes, &folders(), BufWriter::with_capacity(1 << 20, out))
}

/// Where real files are: what the system has, then the sources of other crates, then those of the compiler.
fn folders() -> Vec<PathBuf> {
    let home = |name: &str| std::env::var_os("HOME").map(|home| Path::new(&home).join(name));
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| home(".cargo"));
    let found = [Some("/usr".into()), cargo.map(|cargo| cargo.join("registry")), home(".rustup")];
    found.into_iter().flatten().filter(|folder| folder.is_dir()).collect()
}

fn write_lines(bytes: u64, folders: &[PathBuf], mut out: impl Write) -> io::Result<u64> {
    let mut written = 0;
    // The first pass reads the disk and keeps what later passes say again.
    let mut seen = Vec::new();
    for entry in folders.iter().flat_map(|folder| WalkDir::new(folder).sort_by_file_name()) {
        if written >= bytes {
            break;
        }
        // What vanishes meanwhile, or may not be read, is not described.
        let Ok(entry) = entry else { continue };
        let Ok(found) = entry.metadata() else { continue };
        let rest = description(entry.path(), &found);
        written += write_line(&mut out, 0, &rest)?;
        seen.push(rest);
    }
    if bytes == 0 {
        return Ok(0);
    }
    if seen.is_empty() {
        return Err(io::Error::new(ErrorKind::NotFound, format!("no files to describe below {folders:?}")));
    }
    for (pass, rest) in (1..).flat_map(|pass| seen.iter().map(move |rest| (pass, rest))) {
        if written >= bytes {
            break;
        }
        written += write_line(&mut out, pass, rest)?;
    }
    out.flush()?;
    Ok(written)
}

/// All of a line but its beginning, which names the pass.
fn description(path: &Path, found: &Metadata) -> String {
    let path = json!(path.to_string_lossy());
    format!(
        "\"path\":{path},\"size\":{},\"mode\":{},\"mtime\":{}}}\n",
        found.size(),
        found.mode(),
        found.mtime()
    )
}

fn write_line(out: &mut impl Write, pass: u64, rest: &str) -> io::Result<u64> {
    let start = format!("{{\"pass\":{pass},");
    out.write_all(start.as_bytes())?;
    out.write_all(rest.as_bytes())?;
    Ok((start.len() + rest.len()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two files below a fresh folder, one with a name that JSON must escape.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a\"b"), "12345").unwrap();
        std::fs::write(folder.path().join("c"), "").unwrap();
        folder
    }

    fn lines(bytes: u64) -> (Vec<serde_json::Value>, u64) {
        let folder = folder();
        let mut out = Vec::new();
        let written = write_lines(bytes, &[folder.path().to_owned()], &mut out).unwrap();
        assert_eq!(written, out.len() as u64);
        let text = String::from_utf8(out).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), written)
    }

    #[test]
    fn lines_are_unique_and_describe_the_files() {
        let (lines, written) = lines(2_000);
        assert!(lines.len() > 6, "three a pass: {lines:?}");
        assert!((2_000..2_200).contains(&written), "{written}");
        assert!(lines[1]["path"].as_str().unwrap().ends_with("/a\"b"));
        assert_eq!((&lines[1]["pass"], &lines[1]["size"]), (&json!(0), &json!(5)));
        assert_eq!((&lines[4]["pass"], &lines[4]["path"]), (&json!(1), &lines[1]["path"]));
        let unique: std::collections::BTreeSet<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(unique.len(), lines.len());
    }

    #[test]
    fn only_whole_lines_and_as_few_as_needed() {
        assert_eq!(lines(0).1, 0);
        assert_eq!(lines(1).0.len(), 1);
        let (_, first) = lines(1);
        assert_eq!(lines(first).0.len(), 1);
        assert_eq!(lines(first + 1).0.len(), 2);
    }

    #[test]
    fn nothing_to_describe_is_an_error() {
        let error = write_lines(1, &["/no/such/folder".into()], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
