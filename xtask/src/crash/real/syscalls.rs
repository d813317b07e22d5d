//! `cargo xtask crash faults`: system calls of a writer fail by `strace`, each in turn, with each error that it knows.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use super::ledger::{By, Ledger, Survives};
use super::writer::Mode;
use super::{Process, folder_on_disk, program};
use crate::crash::span;
use crate::process::{self, Failure};

/// How long it goes on.
#[derive(Args)]
pub(crate) struct Faults {
    /// How long it may take: 90s, 5m, 1h. What is left of the sweep then is left out.
    #[arg(long, default_value = "60s", value_parser = span)]
    budget: Duration,
    /// Decides the order of the sweep.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// So often a writer appends in the life in which something fails, and before it.
const APPENDS: u64 = 30;
const FIRST_APPENDS: u64 = 3;

/// The calls that can fail, and how. A call has different names on different machines; `strace` passes over those with a
/// question mark that it does not know.
const FAULTS: [(&str, &[&str]); 9] = [
    ("?pwrite64,?pwritev,?pwritev2", &["EIO", "ENOSPC", "EDQUOT", "EFBIG", "EINTR"]),
    ("?pread64,?preadv,?preadv2", &["EIO", "EINTR"]),
    ("?fdatasync", &["EIO", "ENOSPC"]),
    ("?fsync", &["EIO", "ENOSPC"]),
    ("?rename,?renameat,?renameat2", &["EIO", "ENOSPC"]),
    ("?unlink,?unlinkat", &["EIO", "EACCES"]),
    ("?ftruncate", &["EIO", "ENOSPC"]),
    ("?openat,?openat2", &["EMFILE", "EACCES", "EIO"]),
    ("?mkdir,?mkdirat", &["ENOSPC", "EACCES"]),
];

/// One call that fails.
struct Case {
    mode: Mode,
    calls: &'static str,
    error: &'static str,
    nth: u64,
    is_sticky: bool,
}

impl Case {
    fn injection(&self) -> String {
        let Case { calls, error, nth, is_sticky, .. } = self;
        format!("inject={calls}:error={error}:when={nth}{}", if *is_sticky { "+" } else { "" })
    }
}

/// Sweeps.
///
/// # Errors
/// Where something that was promised is not there; where `strace` cannot be run.
pub(crate) fn run(asked: &Faults) -> Result<(), Failure> {
    check_strace()?;
    let begin = Instant::now();
    let mut cases = Vec::new();
    for mode in [Mode::Append, Mode::Segments, Mode::Trim] {
        list(mode, &mut cases)?;
    }
    fastrand::Rng::with_seed(asked.seed).shuffle(&mut cases);
    let mut hits: BTreeMap<&str, u64> = BTreeMap::new();
    let mut done = 0;
    for case in &cases {
        if begin.elapsed() >= asked.budget {
            break;
        }
        attempt(case).map_err(|error| format!("{} {}: {error}", case.mode.name(), case.injection()))?;
        *hits.entry(case.calls).or_default() += 1;
        done += 1;
    }
    println!("{done} of {} faults in {:.1} s", cases.len(), begin.elapsed().as_secs_f64());
    for (calls, count) in hits {
        println!("{count:>8}  {calls}");
    }
    Ok(())
}

/// Counts the calls of a second life in which nothing fails, and lists a fault for each of them.
fn list(mode: Mode, cases: &mut Vec<Case>) -> Result<(), Failure> {
    let folder = folder_on_disk()?;
    let log = folder.path().join("calls");
    for (calls, errors) in FAULTS {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={calls}"), "-o"]).arg(&log);
        let store = folder.path().join(calls);
        Process::start(&store, mode, 1, Some(FIRST_APPENDS))?.wait()?;
        Process::start_by(with_program(strace)?, &store, mode, 2, Some(APPENDS))?.wait()?;
        let count = std::fs::read_to_string(&log)?.lines().filter(|line| line.contains('(')).count() as u64;
        for nth in 1..=count {
            for &error in errors {
                for is_sticky in [false, true] {
                    // The system interrupts nothing for ever.
                    if !(is_sticky && error == "EINTR") {
                        cases.push(Case { mode, calls, error, nth, is_sticky });
                    }
                }
            }
        }
    }
    Ok(())
}

fn with_program(mut strace: Command) -> Result<Command, Failure> {
    strace.arg(program()?);
    Ok(strace)
}

/// A first life that ends well, one in which the call fails, and a look at what is there.
fn attempt(case: &Case) -> Result<(), Failure> {
    let folder = folder_on_disk()?;
    let mut ledger = Ledger::default();
    let first = Process::start(folder.path(), case.mode, 1, Some(FIRST_APPENDS))?.wait()?;
    ledger.note(1, &first, Survives::Written)?;
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &case.injection()]);
    let second =
        Process::start_by(with_program(strace)?, folder.path(), case.mode, 2, Some(APPENDS))?.wait()?;
    // What a failed sync has dropped from the cache is excused, so only what was synced binds.
    ledger.note(2, &second, Survives::Synced)?;
    for by in [By::Reader, By::Writer] {
        ledger.check(folder.path(), case.mode, by)?;
    }
    Ok(())
}

/// Whether `strace` is there and may be used.
///
/// # Errors
/// Where it is not, with what to do.
fn check_strace() -> Result<(), Failure> {
    process::run(Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]))
        .map_err(|error| format!("{error}; install strace, and allow this machine to trace processes").into())
}
