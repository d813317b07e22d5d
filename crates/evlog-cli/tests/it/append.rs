//! What goes in.

use crate::common::{Sandbox, eventually, lines};

#[test]
fn lines_come_back_as_they_were() {
    let sandbox = Sandbox::new();
    for (topic, input, output) in [
        ("a", "one\ntwo\n", "one\ntwo\n"),
        ("b", "one\ntwo", "one\ntwo\n"),
        ("c", "", ""),
        ("d", "\n", "\n"),
        ("e", "\n\n\na\n\n", "\n\n\na\n\n"),
        ("f", "carriage\r\nreturn\r\n", "carriage\r\nreturn\r\n"),
    ] {
        sandbox.feed(&format!("append {topic}"), input).code(0).silent();
        assert_eq!(sandbox.run(&format!("read {topic}")).code(0).silent().text(), output, "{input:?}");
    }
}

#[test]
fn arbitrary_bytes_come_back_whatever_the_delimiter() {
    // Every byte in every neighbourhood of a multiplicative walk, so that all delimiters meet all bytes.
    let input: Vec<u8> =
        (0..4096_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!((0..=255).all(|byte| input.contains(&byte)));
    let sandbox = Sandbox::new();
    for byte in 0..=255_u8 {
        let mut input = input.clone();
        input.push(byte);
        let words = format!("b{byte} --delim \\x{byte:02x}");
        sandbox.feed(&format!("append {words}"), input.clone()).code(0).silent();
        assert_eq!(sandbox.run(&format!("read {words}")).code(0).silent().out, input, "delimiter {byte}");
    }
    sandbox.feed("append none --delim none", input.clone()).code(0);
    assert_eq!(sandbox.run("read none --delim none").code(0).out, input);
    assert_eq!(sandbox.run("read none --format raw").code(0).out, input);
    assert_eq!(sandbox.run("info none --json").json()[0]["events"], 1);
}

#[test]
fn without_a_delimiter_an_empty_input_is_an_empty_event() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t --delim none", "").code(0);
    assert_eq!(sandbox.run("info t --json").json()[0]["events"], 1);
    assert_eq!(sandbox.run("read t").text(), "\n");
}

#[test]
fn words_are_events() {
    let sandbox = Sandbox::new();
    sandbox.run("append t one two").code(0).silent();
    let mut command = sandbox.command("append t --");
    command.args(["--three", "", "four words in one", "line\nbreak"]);
    crate::common::run(command, "not read").code(0).silent();
    let payloads: Vec<_> =
        sandbox.run("read t --json").json().iter().map(|line| line["payload"].clone()).collect();
    assert_eq!(payloads, ["one", "two", "--three", "", "four words in one", "line\nbreak"]);
}

#[test]
fn a_file_is_an_input() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("lines"), "from\na file\n").expect("a file");
    sandbox.feed("append t -f lines", "not read\n").code(0).silent();
    sandbox.feed("append t --file -", "from stdin\n").code(0).silent();
    assert_eq!(sandbox.run("read t").text(), "from\na file\nfrom stdin\n");
}

#[test]
fn batches_have_as_many_events_as_asked() {
    let sandbox = Sandbox::new();
    let lines = lines(0..25, "");
    sandbox.feed("append t --batch 10", lines.clone()).code(0);
    sandbox.feed("append u -o batch_size=7", lines.clone()).code(0);
    sandbox.feed("append v -o batch_size=7 --batch 20", lines).code(0);
    let counts = |topic: &str| -> Vec<u64> {
        let file = sandbox.last_segment(topic).display().to_string();
        let dump = sandbox.run(&format!("dump {file} --json")).code(0).json();
        dump.iter()
            .filter(|line| line["kind"] == "events")
            .map(|line| line["events"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(counts("t"), [10, 10, 5]);
    assert_eq!(counts("u"), [7, 7, 7, 4]);
    assert_eq!(counts("v"), [20, 5]);
}

#[test]
fn large_lines_make_smaller_batches_unless_the_user_counts_on_them() {
    let sandbox = Sandbox::new();
    let lines = vec![b'x'; 10 << 20];
    let input: Vec<u8> = (0..8).flat_map(|_| [&lines[..], b"\n"].concat()).collect();
    sandbox.feed("append t", input.clone()).code(0).silent();
    assert_eq!(sandbox.run("info t --json").json()[0]["events"], 8);
    sandbox.feed("append u --batch 8", input).code(2).complains("too large");
    assert_eq!(sandbox.run("info u --json").json()[0]["events"], 0, "none of the batch");
}

#[test]
fn positions_are_put_out_once_each_batch_is_there() {
    let sandbox = Sandbox::with_events(3);
    let mut append = sandbox.start("append t --batch 2 --print-positions -o batch_timeout_ms=60000");
    append.write("a\nb\nc\n");
    assert_eq!((append.line(), append.line()), ("3".to_owned(), "4".to_owned()));
    append.write("d\n");
    assert_eq!((append.line(), append.line()), ("5".to_owned(), "6".to_owned()));
    append.write("e\n");
    append.close_input();
    assert_eq!(append.wait().code(0).silent().text(), "7\n");
    let json = sandbox.run("append t --print-positions --json x").code(0);
    assert_eq!(json.text(), "{\"topic\":\"t\",\"position\":8}\n");
}

#[test]
fn with_sync_a_batch_is_durable_when_its_positions_come() {
    let sandbox = Sandbox::new();
    let mut append = sandbox.start("append t --batch 1 --sync --print-positions -o batch_timeout_ms=60000");
    append.write("a\nb\n");
    assert_eq!((append.line(), append.line()), ("0".to_owned(), "1".to_owned()));
    // The second batch tells readers elsewhere that everything before it is durable.
    let seen = sandbox.run("info t --json").code(0).json();
    assert_eq!((&seen[0]["durable_end"], &seen[0]["end"]), (&1.into(), &2.into()));
    append.close_input();
    append.wait().code(0);
}

#[test]
fn what_comes_slowly_is_appended_and_seen_without_waiting_for_a_full_batch() {
    let sandbox = Sandbox::new();
    let mut append = sandbox.start("append t -o batch_timeout_ms=50");
    for (input, seen) in
        [("a\nb\n", "a\nb\n"), ("c\nhalf a li", "a\nb\nc\n"), ("ne\n", "a\nb\nc\nhalf a line\n")]
    {
        append.write(input);
        eventually("events of a living writer", || sandbox.run("read t").text() == seen);
    }
    append.close_input();
    append.wait().code(0).silent();
}

#[test]
fn closing_the_output_stops_the_positions_and_not_the_appending() {
    let sandbox = Sandbox::new();
    let mut append = sandbox.start("append t --batch 1 --print-positions");
    append.write("first\n");
    append.line();
    append.close_output();
    for _ in 0..100 {
        append.write("more\n");
    }
    append.close_input();
    append.wait().code(0).silent();
    assert_eq!(sandbox.run("info t --json").json()[0]["events"], 101);
}

#[test]
fn an_event_that_is_too_large_takes_its_batch_along_and_nothing_else() {
    let sandbox = Sandbox::new();
    let said = sandbox.feed("append t --batch 2 -o max_event_bytes=5", "a\nbb\ncc\n123456\nd\n").code(2);
    said.complains("event 4 of the standard input has more than 5 bytes")
        .complains("before the error appended to t: 2 events, at positions 0..2");
    assert_eq!(sandbox.run("read t").text(), "a\nbb\n");
    sandbox
        .run("append t -o max_event_bytes=5 12345 123456")
        .code(2)
        .complains("event 2 on the command line");
    assert_eq!(sandbox.run("read t").text(), "a\nbb\n");
}

#[test]
fn timestamps_are_now() {
    let micros = || std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_micros() as i64;
    let sandbox = Sandbox::new();
    let before = micros();
    sandbox.run("append t a").code(0);
    let time = sandbox.run("read t --json").json()[0]["timestamp"].as_i64().expect("a number");
    assert!((before..=micros()).contains(&time), "{time}");
}

#[test]
fn quiet_and_verbose() {
    let sandbox = Sandbox::new();
    sandbox.run("append t a b").code(0).silent();
    sandbox.run("append t a -v").code(0).complains("appended to t: 1 event, at positions 2..3");
    sandbox.run("append t a -q").code(0).silent();
}

#[test]
fn segments_are_as_large_as_asked() {
    let sandbox = Sandbox::new();
    let lines = "x".repeat(1000) + "\n";
    sandbox.feed("append t --batch 1 -o segment_bytes=16KiB", lines.repeat(50)).code(0);
    assert!(sandbox.segments("t").len() >= 4, "{:?}", sandbox.segments("t"));
    assert_eq!(sandbox.run("read t").text(), lines.repeat(50));
    sandbox.run("append t x -o segment_bytes=1KiB").code(2).complains("segment_bytes");
}

#[test]
fn a_store_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with_events(1);
    let mode = |path: &std::path::Path| path.metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox.store()), 0o700);
    assert_eq!(mode(&sandbox.store().join("lock")), 0o600);
    assert_eq!(mode(&sandbox.store().join("t-t")), 0o700);
    assert_eq!(mode(&sandbox.last_segment("t")), 0o600);
}

#[test]
fn a_full_disk_is_an_error_that_costs_nothing_that_was_there() {
    let sandbox = Sandbox::with_events(3);
    let line = "x".repeat(1000) + "\n";
    // The file may grow to 64 KiB.
    let command = sandbox.command("append t --batch 1 --print-positions -v");
    let mut limited = std::process::Command::new("bash");
    limited.current_dir(sandbox.path()).args(["-c", "ulimit -f 64; exec \"$0\" \"$@\""]);
    limited.arg(command.get_program()).args(command.get_args());
    let said = crate::common::run(limited, line.repeat(100)).code(3).complains("no room to write");
    let count = said.lines().len();
    assert!((30..64).contains(&count), "{count}");
    let said = said
        .complains(&format!("before the error appended to t: {count} events, at positions 3..{}", 3 + count));
    assert_eq!(said.lines().last().map(String::as_str), Some((2 + count).to_string().as_str()));
    assert_eq!(sandbox.run("read t").code(0).silent().text(), "0\n1\n2\n".to_owned() + &line.repeat(count));
    sandbox.run("append t y").code(0).silent();
    assert_eq!(sandbox.run("last t").code(0).text(), "y\n");
}
