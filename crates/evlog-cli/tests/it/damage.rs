//! Damaged files: what is lost is named, all else is served, and nothing is changed.

use std::io::Write;
use std::path::Path;

use crate::common::{Sandbox, lines};

/// Flips one bit of the first place where `needle` stands.
fn damage(file: &Path, needle: &[u8]) {
    let mut bytes = std::fs::read(file).expect("a segment");
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("the bytes are there");
    bytes[at] ^= 1;
    std::fs::write(file, bytes).expect("a segment");
}

fn append_bytes(file: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().append(true).open(file).expect("a segment");
    file.write_all(bytes).expect("more bytes");
}

/// Ten events `event 0` … in batches of two, one of them damaged.
fn with_damaged_event() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = lines(0..10, "event ");
    sandbox.feed("append t --batch 2", lines).code(0);
    damage(&sandbox.last_segment("t"), b"event 5");
    sandbox
}

#[test]
fn a_damaged_event_costs_itself() {
    let sandbox = with_damaged_event();
    let before = std::fs::read(sandbox.last_segment("t")).expect("a segment");
    let said = sandbox.run("read t").code(4).complains("damage: t: position 5 is lost: damaged payload in ");
    let rest: Vec<_> =
        (0..10).filter(|number| *number != 5).map(|number| format!("event {number}")).collect();
    assert_eq!(said.lines(), rest);
    let mut reversed = sandbox.run("read t --reverse").code(4).complains("position 5 is lost").lines();
    reversed.reverse();
    assert_eq!(reversed, rest);
    sandbox.run("read t -q").code(4).complains("position 5 is lost");
    sandbox.run("read t --to 5").code(0).silent();
    sandbox.run("read t --from 6").code(0).silent();
    sandbox.run("last t -n 5").code(4);
    sandbox.run("last t -n 4").code(0).silent();
    assert_eq!(std::fs::read(sandbox.last_segment("t")).expect("a segment"), before);
}

#[test]
fn in_json_a_gap_is_a_line() {
    let said = with_damaged_event().run("read t --json").code(4).silent();
    let lines = said.json();
    assert_eq!(lines.len(), 10);
    assert_eq!(said.lines()[5], r#"{"topic":"t","gap":{"from":5,"to":6,"reason":"payload"}}"#);
    assert_eq!(lines[6]["position"], 6);
}

#[test]
fn verify_names_the_positions_and_says_no() {
    let sandbox = with_damaged_event();
    sandbox.run("append u x").code(0);
    let said = sandbox.run("verify").code(1).silent();
    let lines = said.lines();
    assert!(lines[0].starts_with("t: damaged in 1 place, 9 events whole"), "{lines:?}");
    assert!(lines[1].starts_with("  position 5 is lost: damaged payload in "), "{lines:?}");
    assert!(lines[2].starts_with("u: ok, 1 event whole"), "{lines:?}");
    let json = &sandbox.run("verify t --json").code(1).silent().json()[0];
    assert_eq!(json["ok"], false);
    let place = &json["damage"][0];
    assert_eq!((&place["from"], &place["to"], &place["reason"]), (&5.into(), &6.into(), &"payload".into()));
    assert_eq!(
        place["file"],
        sandbox.last_segment("t").strip_prefix(sandbox.path()).unwrap().to_str().unwrap()
    );
    assert!(place["offset"].as_u64() > Some(4096) && place["length"] == 7);
    sandbox.run("verify u").code(0);
}

#[test]
fn a_damaged_batch_costs_itself() {
    let sandbox = Sandbox::new();
    let lines = lines(0..10, "event ");
    sandbox.feed("append t --batch 2 --sync", lines).code(0);
    let file = sandbox.last_segment("t");
    let dump = sandbox.run(&format!("dump {} --json", file.display())).json();
    let offset = dump[2]["offset"].as_u64().expect("an offset") as usize;
    let mut bytes = std::fs::read(&file).expect("a segment");
    bytes[offset + 20] ^= 1;
    std::fs::write(&file, &bytes).expect("a segment");

    let said = sandbox.run("read t --json").code(4).silent();
    assert_eq!(said.lines()[2], r#"{"topic":"t","gap":{"from":2,"to":4,"reason":"header"}}"#);
    assert_eq!(said.lines().len(), 9);
    sandbox.run("verify").code(1);
    let verdicts = |words: &str| -> Vec<String> {
        let lines = sandbox.run(&format!("dump {} {words}", file.display())).code(0).silent().json();
        lines[1..].iter().map(|line| line["verdict"].as_str().expect("a word").to_owned()).collect()
    };
    assert_eq!(verdicts("--json"), ["good", "no batch", "good", "good", "good", "good"]);

    // A flipped bit in a payload leaves the batch in its place.
    damage(&file, b"event 8");
    assert_eq!(verdicts("--json"), ["good", "no batch", "good", "good", "damaged", "good"]);
    let table = sandbox.run(&format!("dump {}", file.display())).code(0).text();
    assert!(table.contains(" damaged  events") && table.contains(" no batch -"), "{table}");
}

#[test]
fn a_write_that_was_never_finished_is_no_damage() {
    let sandbox = Sandbox::with_events(5);
    append_bytes(&sandbox.last_segment("t"), b"a write that broke off");
    let said = sandbox
        .run("verify")
        .code(0)
        .complains("22 bytes of a write that was never finished stay behind the end of t");
    assert!(said.text().starts_with("t: ok, 5 events"), "{}", said.text());
    assert_eq!(sandbox.run("verify --json -q").code(0).silent().json()[0]["leftover_bytes"], 22);
    assert_eq!(sandbox.segments("t").len(), 1, "verify writes nothing");

    let read = sandbox
        .run("read t")
        .code(0)
        .complains("22 bytes of a write that was never finished stay behind the end of t");
    assert_eq!(read.lines().concat(), "01234");
    let history = sandbox.run("history t --json").code(0).silent().json();
    assert_eq!((&history[1]["cause"], &history[1]["leftover_bytes"]), (&"recovered".into(), &22.into()));
    sandbox.run("append t 5").code(0).silent();
    assert_eq!(sandbox.run("read t").code(0).silent().lines().concat(), "012345");
    sandbox.run("verify").code(0).silent();
}

#[test]
fn room_written_ahead_is_blank() {
    let sandbox = Sandbox::with_events(5);
    append_bytes(&sandbox.last_segment("t"), &[0; 800]);
    let dump = sandbox.run(&format!("dump {} --json", sandbox.last_segment("t").display())).code(0).json();
    let last = dump.last().expect("a line");
    assert_eq!(
        (&last["verdict"], &last["length"], &last["position"]),
        (&"blank".into(), &800.into(), &5.into())
    );
    sandbox.run("verify").code(0).silent();
}

#[test]
fn a_missing_segment_is_a_gap() {
    let sandbox = Sandbox::new();
    let line = "x".repeat(1000) + "\n";
    sandbox.feed("append t --batch 1 -o segment_bytes=8KiB", line.repeat(20)).code(0);
    let list = sandbox.run("info t --segments --json").json()[0]["segment_list"].clone();
    std::fs::remove_file(&sandbox.segments("t")[1]).expect("a segment");
    let said = sandbox.run("read t --json").code(4);
    let gap = said.json().into_iter().find_map(|line| line.get("gap").cloned()).expect("a gap");
    assert_eq!((&gap["from"], &gap["to"]), (&list[1]["start"], &list[1]["end"]));
    assert_eq!(gap["reason"], "missing-segment");
    let info = &sandbox.run("info t --json").code(0).json()[0];
    let missing = list[1]["end"].as_u64().unwrap() - list[1]["start"].as_u64().unwrap();
    assert_eq!(info["gaps"][0], gap);
    assert_eq!(info["events"], 20 - missing);
    assert!(sandbox.run("info t").code(0).text().contains("damaged in 1 place"));
    sandbox.run("verify").code(1);
}

#[test]
fn strict_recovery_refuses_what_tolerant_recovery_reports() {
    let sandbox = Sandbox::new();
    let lines = lines(0..10, "event ");
    sandbox.feed("append t --batch 2 --sync", lines).code(0);
    let file = sandbox.last_segment("t");
    let mut bytes = std::fs::read(&file).expect("a segment");
    let dump = sandbox.run(&format!("dump {} --json", file.display())).json();
    bytes[dump[2]["offset"].as_u64().expect("an offset") as usize + 20] ^= 1;
    // Without its close it is judged when it is opened.
    bytes.truncate(bytes.len() - 96);
    std::fs::write(&file, &bytes).expect("a segment");
    sandbox.run("append t x -o recovery=strict").code(4).complains("strict");
    assert_eq!(std::fs::read(&file).expect("a segment"), bytes, "strict changes nothing");
    sandbox.run("append t x").code(0);
    assert_eq!(sandbox.run("read t").code(4).lines().len(), 9);
}

#[test]
fn a_topic_that_cannot_be_opened_does_not_hide_the_others() {
    let sandbox = with_damaged_event();
    sandbox.run("append z x").code(0);
    std::fs::create_dir(sandbox.store().join("t-a")).expect("a folder");
    std::fs::create_dir(sandbox.store().join("t-b")).expect("a folder");
    let lines = sandbox.run("verify").code(4).complains("t-a").complains("t-b").lines();
    assert!(lines[0].starts_with("t: damaged") && lines[2].starts_with("z: ok"), "{lines:?}");
    let lines = sandbox.run("info").code(4).complains("t-a").complains("t-b").lines();
    assert!(lines[1].starts_with("t ") && lines[2].starts_with("z "), "{lines:?}");
    assert_eq!(sandbox.run("info --json").code(4).json().len(), 2);
}
