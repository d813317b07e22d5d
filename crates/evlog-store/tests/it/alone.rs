//! Tests that need a process for themselves: to be the only thing in it, or to be killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Tells a process for which test it was started.
const TEST: &str = "EVLOG_TEST_ALONE";
/// Tells it in which folder to work.
const FOLDER: &str = "EVLOG_TEST_FOLDER";

/// The folder to work in, where this process was started by [`start`] for this test.
pub(crate) fn folder_of_child(test: &str) -> Option<PathBuf> {
    let is_child = std::env::var_os(TEST).is_some_and(|name| name == test);
    is_child.then(|| std::env::var_os(FOLDER).map(PathBuf::from)).flatten()
}

/// Starts a process that runs this test and nothing else. What it has to say comes out of its standard error.
pub(crate) fn start(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(TEST, test)
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs this test in a process of its own, in which `work` is done, and returns what that says. `None` in that
/// process: there the work has been done and all is said.
pub(crate) fn run(test: &str, work: impl FnOnce(&Path) -> String) -> Option<String> {
    if let Some(folder) = folder_of_child(test) {
        say(&format!("{SAID}{}", work(&folder)));
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = start(test, folder.path()).wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{test}: {}\n{stderr}", output.status);
    let answer = stderr.lines().find_map(|line| line.strip_prefix(SAID));
    Some(answer.unwrap_or_else(|| panic!("{test} was not run: is that its name?\n{stderr}")).to_owned())
}

/// Says something to the process that has started this one.
#[expect(clippy::print_stderr, reason = "its standard error is how a child talks")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// What stands before the words of the child, as others may talk too.
const SAID: &str = "said: ";

/// A figure of this process out of `/proc/self/status`, such as `VmRSS`, in KiB.
pub(crate) fn kib_of_this_process(figure: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}
