//! Events that are values.

use crate::common::Sandbox;

#[test]
fn json_lines_come_back_as_values() {
    let sandbox = Sandbox::new();
    let input = "{\"b\": [1, 2.5, null],  \"a\": \"\u{1f600}\"}\n18446744073709551615\n\"text\"\n";
    sandbox.feed("append t --json-lines", input).code(0).silent();
    let said = sandbox.run("read t").code(0).silent();
    assert_eq!(said.text(), "{\"a\":\"\u{1f600}\",\"b\":[1,2.5,null]}\n18446744073709551615\n\"text\"\n");
    let found = sandbox.run("--json read t").code(0).json();
    assert_eq!(found[0]["value"]["b"][1], 2.5);
    assert_eq!(found[1]["value"], u64::MAX);
    assert_eq!(found[2]["value"], "text");
    assert!(found[0].get("payload").is_none());
    // What was read is appended again, and is the same.
    sandbox.feed("append copy --json-lines", said.out.clone()).code(0);
    assert_eq!(sandbox.run("read copy").code(0).out, said.out);
}

#[test]
fn a_line_that_is_no_json_is_named() {
    let sandbox = Sandbox::new();
    let said = sandbox.feed("append t --json-lines --batch 1", "1\n{\"a\": }\n3\n").code(2);
    said.complains("event 2").complains("column 7").complains("1 event, at positions 0..1");
    assert_eq!(sandbox.run("read t").code(0).text(), "1\n");
}

#[test]
fn plain_events_beside_values_stay_as_they_are() {
    let sandbox = Sandbox::new();
    sandbox.run("append t {\"a\":1}").code(0);
    sandbox.run("append t {\"a\":1} --json-lines").code(0);
    let found = sandbox.run("--json read t").code(0).json();
    assert_eq!(found[0]["payload"], "{\"a\":1}");
    assert_eq!(found[1]["value"]["a"], 1);
}
