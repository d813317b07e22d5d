//! The command: lines of a file into a topic, and out of it into a pipe.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use evlog_benches::payload::Payloads;

use super::figures::fresh;
use super::goals::Judgement;
use super::programs;
use super::scale::Scale;
use super::statistics::{Spread, ratio};
use crate::process::{self, Failure};
use crate::workspace;

/// Bytes of a line, its end included: as long as W4's events of which the rate is compared.
const LINE: usize = 1024;

/// Bytes a second, of all rounds.
pub(super) struct Rates {
    append: Spread,
    read: Spread,
}

/// Appends and reads a file of as many lines as W4 has events.
pub(super) fn measure(scale: &Scale, folder: &Path) -> Result<Rates, Failure> {
    process::run(workspace::cargo().args(["build", "--release", "--package", "evlog-cli"]))?;
    let evlog = programs::target().join("release/evlog");
    let fresh_folder = fresh(folder)?;
    let lines = fresh_folder.path().join("lines");
    write_lines(&lines, scale.unawaited())?;
    let (mut appended, mut read) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        eprintln!("round {} of {}: the command", round + 1, scale.rounds);
        let store = fresh_folder.path().join(format!("store-{round}"));
        process::run(&mut Command::new("sync"))?;
        appended.push(append(&evlog, &store, &lines)?);
        read.push(read_back(&evlog, &store, &lines)?);
        fs::remove_dir_all(&store)?;
    }
    let spread = |rates: Vec<f64>| Spread::of(rates).ok_or("no rounds");
    Ok(Rates { append: spread(appended)?, read: spread(read)? })
}

fn write_lines(path: &Path, count: u64) -> Result<(), Failure> {
    let payloads = Payloads::letters(LINE - 1);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for number in 0..count {
        file.write_all(payloads.nth(number))?;
        file.write_all(b"\n")?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
fn append(evlog: &Path, store: &PathBuf, lines: &Path) -> Result<f64, Failure> {
    let mut command = Command::new(evlog);
    command.arg("--dir").arg(store).args(["--quiet", "append", "measured", "--file"]).arg(lines);
    let began = Instant::now();
    process::run(&mut command)?;
    Ok(fs::metadata(lines)?.len() as f64 / began.elapsed().as_secs_f64())
}

/// Reads everything through a pipe; what comes out is as long as the file, or it is an error.
#[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
fn read_back(evlog: &Path, store: &PathBuf, lines: &Path) -> Result<f64, Failure> {
    let mut command = Command::new(evlog);
    command.arg("--dir").arg(store).args(["read", "measured"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut pipe = child.stdout.take().ok_or("there is no pipe")?;
    let mut piece = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        match pipe.read(&mut piece)? {
            0 => break,
            length => bytes += length as u64,
        }
    }
    let took = began.elapsed();
    let status = child.wait()?;
    let wanted = fs::metadata(lines)?.len();
    if !status.success() || bytes != wanted {
        return Err(
            format!("evlog read gave {bytes} bytes instead of {wanted} and ended with {status}").into()
        );
    }
    Ok(bytes as f64 / took.as_secs_f64())
}

/// Whether the command is as fast as it must be; `library` is W4's rate with events of 1,024 bytes.
pub(super) fn judge(rates: &Rates, library: Option<f64>) -> Vec<Judgement> {
    #[expect(clippy::cast_precision_loss, reason = "a kibibyte")]
    let share = library.map(|events| rates.append.median / (events * LINE as f64));
    let words = |share: f64| format!("{} W4 ({:.0} MB/s)", ratio(share), rates.append.median / 1e6);
    vec![
        Judgement {
            row: "evlog append".into(),
            goal: "≥ 0.70 × the library's W4".into(),
            measured: share.map_or_else(|| format!("{:.0} MB/s", rates.append.median / 1e6), words),
            met: share.map(|share| share >= 0.7),
        },
        Judgement {
            row: "evlog read".into(),
            goal: "≥ 1000 MB/s into a pipe".into(),
            measured: format!("{:.0} MB/s", rates.read.median / 1e6),
            met: Some(rates.read.median >= 1e9),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_judged_by_the_library() {
        let spread = |median| Spread { median, least: median, most: median };
        let rates = Rates { append: spread(512e6), read: spread(0.9e9) };
        let judged = judge(&rates, Some(1e6));
        assert_eq!((judged[0].met, judged[0].measured.as_str()), (Some(false), "0.50 × W4 (512 MB/s)"));
        assert_eq!(judged[1].met, Some(false));
        assert_eq!(judge(&rates, Some(0.5e6))[0].met, Some(true));
        assert_eq!(judge(&rates, None)[0].met, None);
    }

    #[test]
    fn a_file_has_as_many_lines_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        write_lines(&path, 3).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.len() == LINE - 1));
    }
}
