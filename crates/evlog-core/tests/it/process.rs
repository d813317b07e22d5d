//! Parts of tests that need a process of their own: other limits, another user, another view of the file system.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the ignored test `role` of this very binary in a new process, started by the command `wrapped`, which may be
/// empty. `place` is handed to it.
pub(crate) fn run(wrapped: &[&str], role: &str, place: &Path) -> Output {
    command(wrapped, role, place).output().unwrap()
}

/// As [`run`], and the role must succeed.
pub(crate) fn expect(wrapped: &[&str], role: &str, place: &Path) {
    let output = run(wrapped, role, place);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{role}:\n{out}\n{err}");
}

pub(crate) fn command(wrapped: &[&str], role: &str, place: &Path) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut words = wrapped.iter().map(std::ffi::OsStr::new).collect::<Vec<_>>();
    words.push(own.as_os_str());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command.args(["--exact", role, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("EVLOG_TEST_PLACE", place).stdin(Stdio::null());
    command
}

/// In a role: the place that was handed over.
pub(crate) fn place() -> std::path::PathBuf {
    std::env::var_os("EVLOG_TEST_PLACE").expect("a role is played only when another test asks for it").into()
}

/// Whether this machine lets us be root of a namespace of our own, with mounts of our own; says so where not.
pub(crate) fn has_namespaces() -> bool {
    let works = Command::new("unshare").args(["-rm", "true"]).output().is_ok_and(|out| out.status.success());
    if !works {
        println!("skipped: no mount namespaces here (unshare -rm)");
    }
    works
}

/// The words that start a command in a shell with a preparation before it.
pub(crate) fn after(preparation: &str) -> Vec<String> {
    ["sh", "-c", &format!("{preparation} && exec \"$@\""), "sh"].map(str::to_owned).to_vec()
}
