//! Everything that is refused: with which exit code, and saying what.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::common::{Sandbox, run};

#[test]
fn wrong_words_are_wrong_usage() {
    let sandbox = Sandbox::with_events(3);
    for (words, hint) in [
        ("", "Usage"),
        ("frobnicate", "frobnicate"),
        ("append", "<TOPIC>"),
        ("read", "<TOPIC>"),
        ("read t u", "u"),
        ("read t --frobnicate", "--frobnicate"),
        ("read t --from", "--from"),
        ("read t --from yesterday", "no place in a topic"),
        ("read t --from --to", "no place in a topic"),
        ("read t --from +1", "no place in a topic"),
        ("read t --from 1.5", "no place in a topic"),
        ("read t --from @noon", "no place in a topic"),
        ("read t --from @-5", "no place in a topic"),
        ("read t --from 18446744073709551616", "no place in a topic"),
        ("read t --to now", "no place in a topic"),
        ("read t -n -1", "-1"),
        ("read t -n many", "many"),
        ("read t -n 18446744073709551616", "18446744073709551616"),
        ("last t -n x", "x"),
        ("read t --format xml", "raw, text, json, hex"),
        ("read t --format {offset}", "{offset}"),
        ("read t --format {", "brace"),
        ("read t --json --format hex", "--format"),
        ("read t --json --delim ;", "--delim"),
        ("read t --format json --delim none", "--delim"),
        ("read t --delim ab", "one byte"),
        ("append t --delim \\q x", "escape"),
        ("append t --batch 0 x", "0"),
        ("append t --batch 1048577 x", "1048577"),
        ("append t --batch -1 x", "-1"),
        ("append t -f file x", "--file"),
        ("topics -q -v", "--quiet"),
        ("topics --color sometimes", "sometimes"),
        ("topics -o nonsense=1", "there is no option \"nonsense\"; there are durability"),
        ("topics -o batch_size", "KEY=VALUE"),
        ("topics -o batch_size=0", "batch_size"),
        ("topics -o segment_bytes=64M", "64MiB"),
        ("topics -o recovery=yes", "tolerant or strict"),
        ("dump", "<FILE>"),
        ("completions", "<SHELL>"),
    ] {
        let said = sandbox.run(words).code(2).complains(hint);
        assert!(said.out.is_empty(), "{words}: {}", said.text());
    }
    assert_eq!(sandbox.run("read t").text(), "0\n1\n2\n", "nothing was changed");
}

#[test]
fn names_that_are_none_are_wrong_usage_and_touch_nothing() {
    let sandbox = Sandbox::new();
    let too_long = "n".repeat(201);
    let cases: [(&[u8], &str); 11] = [
        (b"", "it is empty"),
        (b".", "byte 0 is '.'"),
        (b"..", "byte 0 is '.'"),
        (b"../x", "byte 0 is '.'"),
        (b"a/b", "byte 1 is '/'"),
        (b"/abs", "byte 0 is '/'"),
        (b"a b", "byte 1 is ' '"),
        (b"a\x1b[31m", "byte 1 is 0x1b"),
        ("caf\u{e9}".as_bytes(), "byte 3 is 0xc3"),
        (b"a\xff", "byte 1 is 0xff"),
        (too_long.as_bytes(), "it has 201 bytes"),
    ];
    for (name, hint) in cases {
        for words in ["append", "read", "last", "info", "verify", "history"] {
            let mut command = sandbox.command(words);
            command.arg("--").arg(std::ffi::OsStr::from_bytes(name));
            let said = run(command, "x\n").code(2).complains(hint);
            assert!(!said.err.contains('\x1b'), "the name does not steer the terminal");
        }
    }
    assert!(!sandbox.store().exists());
}

#[test]
fn what_is_not_there_is_told_apart_from_what_fails() {
    let sandbox = Sandbox::new();
    for words in ["read t", "last t", "topics", "info", "info t", "verify", "verify t", "history t"] {
        let said = sandbox.run(words).code(7).complains("there is no store in store");
        assert!(said.out.is_empty());
    }
    assert!(!sandbox.store().exists(), "reading makes nothing");
    sandbox.run("append t a b c").code(0);
    for words in ["read u", "last u", "info u", "verify u", "history u", "verify t u"] {
        sandbox.run(words).code(7).complains("there is no topic u in store");
    }
    assert_eq!(sandbox.run("topics").text(), "t\n");
    sandbox.run("read t --from 4").code(7).complains("position 4").complains("gets 3");
    sandbox.run("dump nowhere").code(3).complains("cannot open nowhere: No such file");
}

#[test]
fn a_position_below_the_start_names_the_start() {
    let sandbox = Sandbox::new();
    let line = "x".repeat(1000) + "\n";
    sandbox.feed("append t --batch 1 -o segment_bytes=8KiB", line.repeat(20)).code(0);
    std::fs::remove_file(&sandbox.segments("t")[0]).expect("a segment");
    let start = sandbox.run("info t --json -q").code(0).json()[0]["start"].as_u64().expect("a number");
    assert!(start > 0);
    sandbox.run("read t --from 0").code(7).complains(&format!("starts at {start}"));
    assert_eq!(sandbox.run("read t").code(0).lines().len() as u64, 20 - start);
    assert_eq!(sandbox.run("read t --from -100").code(0).lines().len() as u64, 20 - start);
}

#[test]
fn inputs_that_cannot_be_read_are_errors_and_make_no_topic() {
    let sandbox = Sandbox::new();
    sandbox.run("append t -f nowhere").code(3).complains("cannot open nowhere").complains("No such file");
    assert!(!sandbox.store().exists());
    sandbox.run("append t -f .").code(3).complains("cannot read .").complains("directory");
}

#[test]
fn stores_that_cannot_be_made_are_errors() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.store(), "a file").expect("a file");
    sandbox.run("append t x").code(3).complains("store");
    sandbox.run("topics").code(3).complains("cannot list store");
    sandbox.run("append t x --dir a/b/c").code(3).complains("cannot make the store a/b/c");
    assert_eq!(std::fs::read(sandbox.store()).expect("still a file"), b"a file");
}

#[test]
fn foreign_things_are_refused_and_left_alone() {
    let sandbox = Sandbox::with_events(3);
    let elsewhere = sandbox.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    symlink(&elsewhere, sandbox.store().join("t-link")).expect("a link");
    std::fs::create_dir(sandbox.store().join("t-empty")).expect("a folder");
    for words in [
        "read link",
        "info link",
        "verify link",
        "append link x",
        "read empty",
        "append empty x",
        "verify empty",
    ] {
        let said = sandbox.run(words);
        assert_eq!(said.code, Some(4), "{words}: {}", said.err);
    }
    assert_eq!(elsewhere.read_dir().expect("a folder").count(), 0);
    assert_eq!(sandbox.store().join("t-empty").read_dir().expect("a folder").count(), 0);

    let segment = sandbox.last_segment("t");
    for bytes in [&b"SQLite format 3\0"[..], b"\x7fELF", b"x", b""] {
        std::fs::write(&segment, bytes).expect("a file");
        for words in ["read t", "info t", "verify t", "append t x", "history t"] {
            let said = sandbox.run(words);
            assert_eq!(said.code, Some(4), "{words}, {bytes:?}: {}", said.err);
        }
        assert_eq!(std::fs::read(&segment).expect("a file"), bytes);
    }
}

#[test]
fn a_pipe_in_place_of_a_segment_is_not_waited_for() {
    let sandbox = Sandbox::with_events(3);
    let segment = sandbox.last_segment("t");
    std::fs::remove_file(&segment).expect("a segment");
    rustix::fs::mkfifoat(rustix::fs::CWD, &segment, rustix::fs::Mode::RWXU).expect("a pipe");
    for words in ["read t", "verify t", "append t x", &format!("dump {}", segment.display())] {
        sandbox.run(words).code(4).complains("regular file");
    }
}

#[test]
fn files_that_are_no_segments_are_not_dumped() {
    let sandbox = Sandbox::with_events(3);
    std::fs::write(sandbox.path().join("other"), "text").expect("a file");
    sandbox.run("dump other").code(4).complains("other");
    sandbox.run("dump store").code(4).complains("store");
}

#[test]
fn an_unknown_version_is_refused() {
    let sandbox = Sandbox::with_events(3);
    let segment = sandbox.last_segment("t");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    for copy in [0, 2048] {
        bytes[copy + 12] = 99;
        let crc = evlog_core::checksum(&bytes[copy + 12..copy + 128]);
        bytes[copy + 8..copy + 12].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(&segment, &bytes).expect("a segment");
    for words in ["read t", "append t x", "verify t", "info t"] {
        sandbox.run(words).code(4).complains("format version 99");
    }
    assert_eq!(std::fs::read(&segment).expect("a segment"), bytes);
}
