//! What comes out.

use std::time::Duration;

use crate::common::{Sandbox, run};

#[test]
fn places_name_the_same_events_everywhere() {
    let sandbox = Sandbox::with_events(10);
    for (words, events) in [
        ("read t", "0123456789"),
        ("read t --from oldest --to end", "0123456789"),
        ("read t --from 7", "789"),
        ("read t --to 3", "012"),
        ("read t --from 3 --to 5", "34"),
        ("read t --from 5 --to 3", ""),
        ("read t --from -2", "89"),
        ("read t --from -100", "0123456789"),
        ("read t --from -5 --to -3", "56"),
        ("read t --from end", ""),
        ("read t --from 10", ""),
        ("read t --from @-1h", "0123456789"),
        ("read t --from @2999-01-01T00:00:00Z", ""),
        ("read t --to @-1h", ""),
        ("read t --to @2999-01-01T00:00:00Z", "0123456789"),
        ("read t -n 3", "012"),
        ("read t --from 4 --limit 2", "45"),
        ("read t -n 0", ""),
        ("read t --reverse", "9876543210"),
        ("read t --reverse -n 2", "98"),
        ("read t --reverse --from 3 --to 6", "543"),
        ("last t", "9"),
        ("last t -n 3", "789"),
        ("last t -n 0", ""),
        ("last t -n 99", "0123456789"),
    ] {
        let said = sandbox.run(words).code(0).silent();
        assert_eq!(said.lines().concat(), events, "{words}");
    }
}

#[test]
fn an_empty_topic_is_no_error() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", "").code(0);
    for words in
        ["read t", "read t --reverse", "last t", "read t --from -5", "read t --from @-1h", "read t --json"]
    {
        assert_eq!(sandbox.run(words).code(0).silent().text(), "", "{words}");
    }
}

#[test]
fn json_is_a_line_for_each_event() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", b"text \"quoted\"\n\xff\xfe\n".to_vec()).code(0);
    for words in ["read t --json", "--json read t", "read t --format json", "last t -n 2 --json"] {
        let said = sandbox.run(words).code(0).silent();
        let lines = said.json();
        assert_eq!(lines.len(), 2, "{words}");
        assert_eq!((&lines[0]["topic"], &lines[0]["position"]), (&"t".into(), &0.into()));
        assert_eq!(
            (&lines[0]["payload"], &lines[1]["payload_base64"]),
            (&"text \"quoted\"".into(), &"//4=".into())
        );
        assert!(lines[0]["timestamp"].is_i64());
        let keys = |line: &serde_json::Value| line.as_object().expect("an object").len();
        assert_eq!((keys(&lines[0]), keys(&lines[1])), (4, 4));
        assert!(said.text().starts_with("{\"topic\":\"t\",\"position\":0,\"timestamp\":"), "in this order");
    }
}

#[test]
fn formats() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", "hi\nyou\n").code(0);
    for (words, output) in [
        ("--format text", "hi\nyou\n"),
        ("--format raw", "hiyou"),
        ("--format raw --delim ;", "hi;you;"),
        ("--format text --delim none", "hiyou"),
        ("--format hex", "6869\n796f75\n"),
        ("--format {position}={payload}", "0=hi\n1=you\n"),
        ("--format {topic}/{position}:{size}\\t{{{hex}}} --delim none", "t/0:2\t{6869}t/1:3\t{796f75}"),
    ] {
        assert_eq!(sandbox.run(&format!("read t {words}")).code(0).silent().text(), output, "{words}");
        assert_eq!(sandbox.run(&format!("last t -n 2 {words}")).code(0).silent().text(), output, "{words}");
    }
}

#[test]
fn the_folder_comes_from_the_option_or_else_from_the_environment() {
    let sandbox = Sandbox::with_events(2);
    let evlog = || {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("evlog"));
        command.current_dir(sandbox.path()).env_remove("EVLOG_DIR");
        command
    };
    let mut by_environment = evlog();
    by_environment.env("EVLOG_DIR", "store").args(["read", "t"]);
    assert_eq!(run(by_environment, "").code(0).text(), "0\n1\n");
    let mut option_wins = evlog();
    option_wins.env("EVLOG_DIR", "nowhere").args(["read", "t", "-d", "store"]);
    assert_eq!(run(option_wins, "").code(0).text(), "0\n1\n");
    let mut by_default = evlog();
    by_default.args(["append", "t", "x"]);
    run(by_default, "").code(0);
    assert!(sandbox.path().join("evlog-data/t-t").is_dir());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", "0123456789abcdef\n".repeat(100_000)).code(0);
    for words in ["read t", "read t --json", "read t --reverse", "read t --format hex"] {
        let mut read = sandbox.start(words);
        assert!(!read.line().is_empty());
        read.close_output();
        read.wait().code(0).silent();
    }
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let sandbox = Sandbox::with_events(5);
    for words in ["read t", "topics", "info", "verify", "history t", "completions bash"] {
        let mut command = sandbox.command(words);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = command.stdout(full).output().expect("the command runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words}: {error}");
        assert!(error.contains("cannot write to the standard output"), "{words}: {error}");
    }
}

#[test]
fn a_slow_output_that_does_not_block_is_waited_for() {
    use std::io::Read;
    let sandbox = Sandbox::new();
    let input = "0123456789abcdef\n".repeat(20_000);
    sandbox.feed("append t", input.clone()).code(0);
    let (mut from, to) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
    to.set_nonblocking(true).expect("a socket that does not block");
    let mut child =
        sandbox.command("read t").stdout(std::os::fd::OwnedFd::from(to)).spawn().expect("a command");
    std::thread::sleep(Duration::from_millis(100));
    let mut output = String::new();
    from.read_to_string(&mut output).expect("all of the output");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert!(output == input, "{} bytes of {}", output.len(), input.len());
}

#[test]
fn topics_are_listed_by_name() {
    let sandbox = Sandbox::new();
    for topic in ["b", "a.x", "B", "_"] {
        sandbox.run(&format!("append {topic} x")).code(0);
    }
    std::fs::create_dir(sandbox.store().join("other")).expect("a folder");
    std::fs::write(sandbox.store().join("t-file"), "").expect("a file");
    let said = sandbox.run("topics").code(0).complains("t-file is no folder");
    assert_eq!(said.text(), "B\n_\na.x\nb\n");
    assert_eq!(sandbox.run("topics --json -q").code(0).silent().lines()[2], r#"{"topic":"a.x"}"#);
}
