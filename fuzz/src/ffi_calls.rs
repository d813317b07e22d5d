//! Bytes as calls of the C interface, with handles of every kind of wrongness. A test of evlog-ffi replays the inputs of
//! this target.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a call that was given up may go on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the calls, with stores in a folder of their own.
///
/// # Panics
/// Where a call does what the header does not say, where threads are left behind, and where there is no folder to be had.
pub fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for the stores");
    let before = threads();
    evlog::player::play(bytes, folder.path());
    // What a limit has cut short goes on for a while. Only then is it known what leaks.
    let begun = Instant::now();
    while threads() > before {
        assert!(begun.elapsed() < PATIENCE, "{} threads are left behind", threads() - before);
        sleep(Duration::from_micros(100));
    }
}

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
