//! Commands that drop events, and options that do.

use crate::common::{Sandbox, lines};

/// A topic of several segments.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.feed("-o segment_bytes=8KiB append t --batch 10", lines(0..1_000, "line ")).code(0);
    assert!(sandbox.segments("t").len() > 3);
    sandbox
}

#[test]
fn trim_drops_whole_files_and_asks_first() {
    let sandbox = sandbox();
    sandbox.run("trim t --before 500").code(2).complains("--yes").complains("drop positions 0..");
    sandbox.run("trim t --before 500 --dry-run").code(0).complains("dry run");
    assert_eq!(sandbox.run("read t -n 1").code(0).text(), "line 0\n");
    sandbox.run("trim t --before 500 -y").code(0).silent();
    let start = sandbox.run("--json info t").code(0).json()[0]["start"].as_u64().expect("a start");
    assert!(start > 300 && start <= 500, "{start}");
    sandbox.run("read t --from 0").code(7).complains(&start.to_string());
    sandbox.run("trim nothing --before 1 -y").code(7);
    sandbox.run("trim t -y").code(2).complains("--before");
}

#[test]
fn rm_removes_a_topic_and_asks_first() {
    let sandbox = sandbox();
    sandbox.run("rm t").code(2).complains("--yes");
    sandbox.run("rm t --dry-run").code(0).complains("positions 0..1000");
    assert_eq!(sandbox.run("topics").code(0).text(), "t\n");
    sandbox.run("rm t -y").code(0).silent();
    assert_eq!(sandbox.run("topics").code(0).text(), "");
    sandbox.run("rm t -y").code(7);
    assert_eq!(sandbox.run("append t x --print-positions").code(0).text(), "0\n");
}

#[test]
fn what_another_process_writes_is_not_dropped() {
    let sandbox = Sandbox::with_events(1);
    let mut writer = sandbox.start("append t --batch 1 --print-positions");
    writer.write("1\n");
    writer.line();
    sandbox.run("rm t -y").code(5);
    sandbox.run("trim t --before end -y").code(5);
    writer.close_input();
    writer.wait().code(0);
}

#[test]
fn append_keeps_what_its_options_keep() {
    let sandbox = Sandbox::new();
    sandbox.feed("-o wrap=4x64KiB append t --batch 100", lines(0..50_000, "some words in line ")).code(0);
    let bytes: u64 = sandbox.segments("t").iter().map(|path| path.metadata().expect("a file").len()).sum();
    assert!(bytes <= 256 << 10, "{bytes}");
    let info = sandbox.run("--json info t").code(0).json();
    assert_eq!(info[0]["end"], 50_000);
    assert!(info[0]["start"].as_u64() > Some(40_000), "{}", info[0]["start"]);
}

#[test]
fn an_expected_position_decides() {
    let sandbox = Sandbox::new();
    sandbox.run("append t a --expect 0").code(0).silent();
    sandbox.run("append t b --expect 0").code(6).complains("ends at 1, not at 0");
    sandbox.run("append t b --expect 1").code(0).silent();
    assert_eq!(sandbox.run("read t").code(0).text(), "a\nb\n");
}
