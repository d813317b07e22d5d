//! The committed inputs of the fuzz targets: few and small, and they go through all the code that any known input does.

use std::path::{Path, PathBuf};

use super::build::Build;
use super::toolchain::Toolchain;
use crate::process::Failure;
use crate::workspace;

/// Makes the committed inputs anew.
///
/// # Errors
/// Where nothing can be built, and where a golden log cannot be read.
pub(super) fn make(toolchain: &Toolchain, targets: &[&'static str]) -> Result<(), Failure> {
    let build = Build::of_workspace(toolchain);
    build.make(targets)?;
    let segments = golden_segments()?;
    for target in targets {
        let golden = emptied(&build.learned(target).with_extension("golden"))?;
        for (number, bytes) in segments.iter().flat_map(|segment| parts(target, segment)).enumerate() {
            std::fs::write(golden.join(format!("{number:04}")), bytes)?;
        }
        let merged = emptied(&build.learned(target).with_extension("merged"))?;
        let corpus = build.corpus(target);
        std::fs::create_dir_all(build.learned(target))?;
        std::fs::create_dir_all(&corpus)?;
        // Where several will do, those are taken that come first.
        build.merge(target, &merged, &[golden, corpus.clone(), build.learned(target)])?;
        emptied(&corpus)?;
        let (mut count, mut size) = (0, 0);
        for file in std::fs::read_dir(&merged)? {
            let file = file?;
            size += std::fs::copy(file.path(), corpus.join(file.file_name()))?;
            count += 1;
        }
        // What was learned is known now; each run would begin with reading all of it.
        std::fs::remove_dir_all(build.learned(target))?;
        println!("{target:14}  {count:>4} inputs, {size:>7} bytes");
    }
    Ok(())
}

/// The folder, empty.
fn emptied(folder: &Path) -> Result<PathBuf, Failure> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

/// What a target can take of a segment.
fn parts(target: &str, segment: &[u8]) -> Vec<Vec<u8>> {
    let page = segment.len().min(4096);
    match target {
        "open_segment" => vec![segment.to_vec()],
        "decode_header" => vec![segment[..page].to_vec()],
        "decode_batch" => {
            let starts: Vec<usize> =
                (page..segment.len()).step_by(8).filter(|&at| segment[at..].starts_with(b"EVB1")).collect();
            let ends = starts.iter().skip(1).copied().chain([segment.len()]);
            starts.iter().zip(ends).map(|(&from, to)| segment[from..to].to_vec()).collect()
        }
        _ => Vec::new(),
    }
}

/// The bytes of all segments of the golden logs.
fn golden_segments() -> Result<Vec<Vec<u8>>, Failure> {
    let mut segments = Vec::new();
    for file in workspace::files()?.iter().filter(|file| file.starts_with("crates/evlog-core/tests/golden/"))
    {
        let page = std::fs::read_to_string(workspace::root().join(file))?;
        segments.extend(segments_in(&page).ok_or_else(|| format!("{file} is no golden log"))?);
    }
    if segments.is_empty() { Err("there are no golden logs".into()) } else { Ok(segments) }
}

/// The segments that a page shows: a title with the number of bytes, then lines with those that are not zero.
fn segments_in(page: &str) -> Option<Vec<Vec<u8>>> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for line in page.lines() {
        if let Some((_, length)) = line.strip_suffix(" bytes").and_then(|title| title.split_once(".seg, ")) {
            segments.push(vec![0; length.parse().ok()?]);
        } else if let Some((at, rest)) = line.split_once("  ").filter(|(at, _)| at.len() == 4) {
            let at = usize::from_str_radix(at, 16).ok()?;
            let hex = rest.get(..47).unwrap_or(rest).split_whitespace();
            let bytes: Vec<u8> =
                hex.map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<_, _>>().ok()?;
            segments.last_mut()?.get_mut(at..at + bytes.len())?.copy_from_slice(&bytes);
        }
    }
    Some(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_logs_are_read_as_their_bytes() {
        let page = "# About.\n\n== 0-0.seg, 20 bytes\n# header\n0000  45 56 00 ff 45 56 00 ff 45 56 00 ff 45 56 00 fe  \
                    EV..EV..EV..EV..\n0010  01 02 03                                         ...\n\n== read\nrefused\n";
        let segments = segments_in(page).unwrap();
        assert_eq!(segments.len(), 1);
        assert_eq!(segments[0][12..], [0x45, 0x56, 0, 0xFE, 1, 2, 3, 0]);
        assert_eq!(segments_in("0000  45 56  EV"), None);
    }

    #[test]
    fn every_golden_segment_begins_with_its_magic_word_or_is_damaged() {
        let segments = golden_segments().unwrap();
        let whole = segments.iter().filter(|segment| segment.starts_with(b"EVLOGSEG")).count();
        assert!(whole * 2 > segments.len(), "{whole} of {}", segments.len());
    }
}
