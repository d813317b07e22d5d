//! What is different on a terminal, and what is not.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::{Sandbox, eventually};

/// A terminal: what a program writes to the second comes out of the first.
fn terminal() -> (OwnedFd, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("a terminal");
    let name = ptsname(&ours, Vec::new()).expect("its name").into_string().expect("text");
    let theirs = File::options().read(true).write(true).open(name).expect("its other end");
    (ours, theirs)
}

/// All that was written to a terminal whose other end is closed by now.
fn written(ours: OwnedFd) -> String {
    let mut bytes = Vec::new();
    // Once the last writer is gone, reading a terminal is an error.
    let _ = File::from(ours).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn errors_on_terminal(mut command: Command) -> (Option<i32>, String) {
    let (ours, theirs) = terminal();
    command.env_remove("NO_COLOR").env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.stderr(theirs).status();
    drop(command);
    (status.expect("the command runs").code(), written(ours))
}

#[test]
fn payloads_do_not_steer_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", b"red \x1b[31m\xff\n".to_vec()).code(0);
    for (words, shown) in [
        ("read t", "red \\u{1b}[31m\\xff\r\n"),
        ("last t --format {payload}", "red \\u{1b}[31m\\xff\r\n"),
        ("read t --format raw", "red \x1b[31m\u{fffd}"),
    ] {
        let (ours, theirs) = terminal();
        let mut command = sandbox.command(words);
        assert_eq!(command.stdout(theirs).status().expect("the command runs").code(), Some(0));
        drop(command);
        assert_eq!(written(ours), shown, "{words}");
    }
    assert_eq!(sandbox.run("read t").out, b"red \x1b[31m\xff\n", "a pipe gets the bytes");
}

#[test]
fn errors_have_colours_on_a_terminal_or_on_demand() {
    let sandbox = Sandbox::new();
    let red = "\x1b[1m\x1b[31merror:\x1b[0m";
    for (words, has_colours) in
        [("topics", true), ("topics --color always", true), ("topics --color never", false)]
    {
        let (code, error) = errors_on_terminal(sandbox.command(words));
        assert_eq!((code, error.starts_with(red)), (Some(7), has_colours), "{words}: {error:?}");
        assert!(has_colours || error.starts_with("error: "), "{error:?}");
    }
    assert!(sandbox.run("topics").err.starts_with("error: "));
    assert!(sandbox.run("topics --color always").err.starts_with(red));
}

/// Runs a command that puts out 200,000 lines for somebody who takes his time, so that it takes longer than half a
/// second. `errors` is where its errors go.
fn run_slowly(mut command: Command, errors: impl Into<Stdio>) {
    let child = command.env("TERM", "xterm").stdout(Stdio::piped()).stderr(errors).spawn();
    let mut child = child.expect("the command starts");
    let mut pipe = child.stdout.take().expect("an output");
    let mut waiting = 0;
    eventually("the pipe is full, and the command waits", || {
        let before = std::mem::replace(&mut waiting, rustix::io::ioctl_fionread(&pipe).expect("a pipe"));
        waiting > 0 && waiting == before
    });
    std::thread::sleep(Duration::from_millis(600));
    let mut output = Vec::new();
    pipe.read_to_end(&mut output).expect("all of it");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert_eq!(output.len(), 17 * 200_000);
}

#[test]
fn long_commands_show_how_far_they_are_on_a_terminal_only() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", "0123456789abcdef\n".repeat(200_000)).code(0);
    let on_terminal = |words: &str| {
        let (ours, theirs) = terminal();
        run_slowly(sandbox.command(words), theirs);
        written(ours)
    };
    let bar = on_terminal("read t");
    assert!(bar.contains("/200,000"), "{bar:?}");
    assert_eq!(on_terminal("read t -q"), "");

    let file = sandbox.path().join("errors");
    run_slowly(sandbox.command("read t"), File::create(&file).expect("a file"));
    assert_eq!(std::fs::read(&file).expect("a file"), b"", "no terminal");

    sandbox.feed("append short", "0123456789abcdef\n".repeat(40_000)).code(0);
    let (_, quick) = errors_on_terminal(sandbox.command("read short"));
    assert_eq!(quick, "", "done within half a second");
}
