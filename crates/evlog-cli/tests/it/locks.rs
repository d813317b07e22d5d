//! Two processes at once, crashes, and folders that cannot be written.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::{Running, Said, Sandbox, run};

/// A writer that holds topic `t` with two events in it.
fn holder(sandbox: &Sandbox) -> Running {
    let mut holder = sandbox.start("append t --batch 1 --print-positions");
    holder.write("a\nb\n");
    assert_eq!((holder.line(), holder.line()), ("0".to_owned(), "1".to_owned()));
    holder
}

#[test]
fn a_topic_has_one_writer() {
    let sandbox = Sandbox::new();
    let mut first = holder(&sandbox);
    sandbox.run("append t x").code(5).complains("locked");
    sandbox.run("append u x").code(0).silent();
    first.write("c\n");
    assert_eq!(first.line(), "2");
    first.close_input();
    first.wait().code(0);
    sandbox.run("append t x").code(0).silent();
    assert_eq!(sandbox.run("read t").text(), "a\nb\nc\nx\n");
}

#[test]
fn readers_need_not_wait_for_a_writer_and_say_nothing_of_what_it_has_not_finished() {
    let sandbox = Sandbox::new();
    let mut writer = holder(&sandbox);
    let before = std::fs::read(sandbox.last_segment("t")).expect("a segment");
    for words in ["read t", "last t", "info", "verify", "history t"] {
        let began = Instant::now();
        sandbox.run(words).code(0).silent();
        assert!(began.elapsed() < Duration::from_millis(900), "{words} waited for the lock");
    }
    let after = std::fs::read(sandbox.last_segment("t")).expect("a segment");
    assert!(after.starts_with(&before[..before.len() - 4096.min(before.len())]), "readers write nothing");
    writer.close_input();
    writer.wait().code(0);
}

#[test]
fn the_lock_goes_with_its_process() {
    let sandbox = Sandbox::new();
    let writer = holder(&sandbox);
    writer.signal(Signal::KILL);
    writer.wait();
    sandbox.run("append t c").code(0);
    assert_eq!(sandbox.run("read t").code(0).silent().text(), "a\nb\nc\n");
}

#[test]
fn reading_recovers_what_a_crash_left() {
    for words in ["read t", "last t -n 5", "info t --json", "history t"] {
        let sandbox = Sandbox::new();
        sandbox.crash_writer(5);
        let said = sandbox.run(words).code(0).silent();
        if words.starts_with("info") {
            let info = &said.json()[0];
            assert_eq!((&info["events"], &info["durable_end"]), (&5.into(), &5.into()));
            assert_eq!(info["recovery"]["found"], "unclean");
            assert!(info["recovery"]["rewritten_bytes"].as_u64() > Some(0));
        } else if !words.starts_with("history") {
            assert_eq!(said.lines().concat(), "01234");
        }
        let again = sandbox.run("info t --json").code(0).silent().json();
        assert_eq!(again[0]["recovery"]["found"], "closed", "{words} closed it");
    }
}

#[test]
fn read_only_writes_nothing_and_names_what_is_not_proven() {
    let sandbox = Sandbox::new();
    sandbox.crash_writer(5);
    let before = contents(&sandbox.store());
    for words in ["read t --read-only", "last t -n 5 --read-only"] {
        let said = sandbox.run(words).code(0).complains("positions 0..5 of t are not proven");
        assert_eq!(said.lines().concat(), "01234");
    }
    sandbox.run("info --read-only").code(0).complains("not proven");
    sandbox.run("history t --read-only").code(0).complains("not proven");
    sandbox.run("verify").code(0);
    sandbox.run("read t --read-only -q").code(0).silent();
    assert_eq!(contents(&sandbox.store()), before);
}

#[test]
fn where_nothing_can_be_written_reading_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.crash_writer(5);
    forbid_writing(sandbox.path());
    let before = contents(&sandbox.store());
    let said = run_as_stranger(&sandbox, "read t").code(0).complains("positions 0..5 of t are not proven");
    assert_eq!(said.lines().concat(), "01234");
    run_as_stranger(&sandbox, "info").code(0);
    run_as_stranger(&sandbox, "verify").code(0);
    run_as_stranger(&sandbox, "append t x").code(3).complains("ermission denied");
    run_as_stranger(&sandbox, "append u x").code(3).complains("ermission denied");
    assert_eq!(contents(&sandbox.store()), before);
}

#[test]
fn what_may_not_be_looked_at_is_an_error() {
    let sandbox = Sandbox::with_events(3);
    forbid_writing(sandbox.path());
    set_mode(&sandbox.store().join("t-t"), 0);
    run_as_stranger(&sandbox, "read t").code(3).complains("ermission denied");
    run_as_stranger(&sandbox, "verify").code(3).complains("ermission denied");
    set_mode(&sandbox.store().join("t-t"), 0o755);
}

/// Every file below `folder`, with its bytes.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in folder.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.clone(), std::fs::read(path).expect("a file")));
        }
    }
    found.sort();
    found
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
}

/// Lets everybody look, and nobody but the superuser write.
fn forbid_writing(folder: &Path) {
    for entry in folder.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            forbid_writing(&path);
        } else {
            set_mode(&path, 0o444);
        }
    }
    set_mode(folder, 0o555);
}

/// Runs the command as somebody to whom permissions apply.
fn run_as_stranger(sandbox: &Sandbox, words: &str) -> Said {
    let mut command = sandbox.command(words);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    run(command, "x\n")
}
