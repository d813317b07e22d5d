//! Ctrl-C and SIGTERM.

use rustix::process::Signal;

use crate::common::{Sandbox, eventually};

#[test]
fn a_signal_commits_the_batch_in_hand_whole() {
    for signal in [Signal::INT, Signal::TERM] {
        let sandbox = Sandbox::new();
        let mut append = sandbox.start("append t --batch 10 --print-positions -o batch_timeout_ms=60000");
        append.write("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
        assert_eq!((0..10).map(|_| append.line()).collect::<String>(), "0123456789");
        append.write("10\n11\n12\n13\n14\nhalf a li");
        eventually("the command reads", || append.unread() == 0);
        append.signal(signal);
        let said =
            append.wait().code(130).complains("interrupted; appended to t: 15 events, at positions 0..15");
        assert_eq!(said.lines(), ["10", "11", "12", "13", "14"]);
        assert_eq!(sandbox.run("read t").code(0).silent().lines().len(), 15);
        let info = sandbox.run("info t --json").code(0).silent().json();
        assert_eq!(info[0]["recovery"]["found"], "closed");
    }
}

#[test]
fn a_signal_ends_a_command_that_reads() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", "0123456789abcdef\n".repeat(100_000)).code(0);
    for signal in [Signal::INT, Signal::TERM] {
        // It stands still once the pipe is full.
        let mut read = sandbox.start("read t");
        read.line();
        read.signal(signal);
        read.wait().code(130).silent();
    }
}

#[test]
fn an_append_of_a_long_input_stops_soon() {
    let sandbox = Sandbox::new();
    let mut append = sandbox.start("append t --batch 1 --sync --print-positions -f lines");
    drop(append.line());
    append.close_input();
    append.wait().code(3);

    std::fs::write(sandbox.path().join("lines"), "x\n".repeat(10_000_000)).expect("a file");
    let mut append = sandbox.start("append t --batch 1 --sync --print-positions -f lines");
    assert_eq!(append.line(), "0");
    append.signal(Signal::INT);
    let said = append.wait().code(130);
    let count = 1 + said.lines().len();
    assert!(count < 9_000_000, "it did not finish first");
    let info = sandbox.run("info t --json").code(0).json();
    assert_eq!(info[0]["events"], count, "exactly those whose positions were put out");
}
