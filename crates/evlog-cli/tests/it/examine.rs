//! `info`, `history`, `verify` and `dump` on stores in good order.

use crate::common::Sandbox;

#[test]
fn info_has_its_fields_in_their_order() {
    let sandbox = Sandbox::with_events(24);
    sandbox.run("append t 24").code(0);
    let said = sandbox.run("info t --json").code(0).silent();
    let info = &said.json()[0];
    assert_eq!((&info["topic"], &info["start"], &info["end"]), (&"t".into(), &0.into(), &25.into()));
    assert_eq!(
        (&info["durable_end"], &info["events"], &info["segments"]),
        (&25.into(), &25.into(), &1.into())
    );
    assert_eq!(info["bytes"], sandbox.last_segment("t").metadata().expect("a file").len());
    assert_eq!(info["gaps"], serde_json::json!([]));
    assert_eq!(info["recovery"]["found"], "closed");
    let events = sandbox.run("read t --json").json();
    assert_eq!(info["oldest_timestamp"], events[0]["timestamp"]);
    assert_eq!(info["newest_timestamp"], events[24]["timestamp"]);
    assert_ne!(info["oldest_timestamp"], info["newest_timestamp"]);
    let order = [
        "topic",
        "start",
        "end",
        "durable_end",
        "events",
        "bytes",
        "segments",
        "oldest_timestamp",
        "newest_timestamp",
        "gaps",
        "recovery",
    ];
    let places: Vec<_> =
        order.iter().map(|field| said.text().find(&format!("\"{field}\":")).expect(field)).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn info_of_an_empty_topic_has_no_times() {
    let sandbox = Sandbox::new();
    sandbox.feed("append t", "").code(0);
    let info = &sandbox.run("info --json").code(0).silent().json()[0];
    assert!(info["oldest_timestamp"].is_null() && info["newest_timestamp"].is_null());
    assert_eq!(info["events"], 0);
}

#[test]
fn info_lists_topics_and_their_segments() {
    let sandbox = Sandbox::new();
    let line = "x".repeat(1000) + "\n";
    sandbox.feed("append a --batch 1 -o segment_bytes=8KiB", line.repeat(20)).code(0);
    sandbox.run("append b x").code(0);
    let lines = sandbox.run("info").code(0).silent().lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("TOPIC") && lines[1].starts_with("a ") && lines[2].starts_with("b "),
        "{lines:?}"
    );
    let segments = sandbox.segments("a").len();
    assert_eq!(sandbox.run("info a --segments").code(0).lines().len(), 2 + segments);
    let info = &sandbox.run("info a --segments --json").code(0).json()[0];
    let list = info["segment_list"].as_array().expect("a list");
    assert_eq!(list.len(), segments);
    assert_eq!(list[0]["end"], list[1]["start"]);
    assert_eq!(list[segments - 1]["end"], 20);
    assert!(sandbox.run("info a --json").json()[0].get("segment_list").is_none());
}

#[test]
fn history_tells_why_each_segment_was_begun() {
    let sandbox = Sandbox::new();
    let line = "x".repeat(1000) + "\n";
    sandbox.feed("append t --batch 1 -o segment_bytes=8KiB", line.repeat(10)).code(0);
    let history = sandbox.run("history t --json").code(0).silent().json();
    let causes: Vec<_> = history.iter().map(|line| line["cause"].as_str().expect("a word")).collect();
    assert_eq!(causes[0], "created");
    assert!(causes.len() > 1 && causes[1..].iter().all(|cause| *cause == "rolled"), "{causes:?}");
    assert!(history.iter().all(|line| line["leftover_bytes"] == 0));
    assert_eq!(sandbox.run("history t").code(0).lines().len(), 1 + causes.len());
}

#[test]
fn verify_says_what_is_in_order() {
    let sandbox = Sandbox::with_events(25);
    sandbox.run("append u x").code(0);
    let lines = sandbox.run("verify").code(0).silent().lines();
    assert!(lines[0].starts_with("t: ok, 25 events whole, "), "{lines:?}");
    assert!(lines[1].starts_with("u: ok, 1 event whole, "), "{lines:?}");
    let json = sandbox.run("verify u t --json").code(0).silent().json();
    assert_eq!((&json[0]["topic"], &json[1]["topic"]), (&"u".into(), &"t".into()));
    assert_eq!((&json[1]["ok"], &json[1]["events"], &json[1]["end"]), (&true.into(), &25.into(), &25.into()));
    assert_eq!(json[1]["damage"], serde_json::json!([]));
}

#[test]
fn dump_shows_every_byte_of_a_segment() {
    let sandbox = Sandbox::with_events(25);
    let file = sandbox.last_segment("t");
    let lines = sandbox.run(&format!("dump {} --json", file.display())).code(0).silent().json();
    assert_eq!(lines[0]["header"]["base"], 0);
    let mut at = 4096;
    for line in &lines[1..] {
        assert_eq!(line["offset"], at);
        assert_eq!(line["verdict"], "good");
        at += line["length"].as_u64().expect("a length");
    }
    assert_eq!(at, file.metadata().expect("a file").len());
    let kinds: Vec<_> = lines[1..].iter().map(|line| line["kind"].as_str().expect("a word")).collect();
    assert_eq!(kinds, ["events", "events", "events", "close"]);
    let table = sandbox.run(&format!("dump {}", file.display())).code(0).silent().lines();
    assert_eq!(table.len(), 2 + 4, "{table:?}");
}
