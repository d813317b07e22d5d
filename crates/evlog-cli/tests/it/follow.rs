//! `read --follow`, beside a writer in another process.

use rustix::process::Signal;

use crate::common::{Sandbox, lines};

#[test]
fn a_follower_sees_what_another_process_appends() {
    let sandbox = Sandbox::with_events(3);
    let mut writer = sandbox.start("append t --batch 1 --sync --print-positions");
    let mut reader = sandbox.start("read t --follow");
    for number in 0..3 {
        assert_eq!(reader.line(), number.to_string());
    }
    for number in 3..8 {
        writer.write(format!("{number}\n"));
        assert_eq!(writer.line(), number.to_string());
        assert_eq!(reader.line(), number.to_string());
    }
    reader.signal(Signal::INT);
    assert_eq!(reader.wait().code, Some(130));
    writer.close_input();
    writer.wait().code(0);
}

#[test]
fn following_ends_where_it_was_told_to() {
    let sandbox = Sandbox::with_events(5);
    let said = sandbox.run("read t -f --from 1 -n 2").code(0).silent();
    assert_eq!(said.text(), "1\n2\n");
    let said = sandbox.run("read t -f --to 2").code(0).silent();
    assert_eq!(said.text(), "0\n1\n");
    let said = sandbox.run("read t -f --timeout 50ms --from -1").code(1).silent();
    assert_eq!(said.text(), "4\n");
    let said = sandbox.run("--json read t -f --timeout 50ms --from end").code(1).silent();
    assert_eq!(said.text(), "");
    sandbox.run("read t --timeout 1s").code(2).complains("--follow");
    sandbox.run("read t -f --timeout soon").code(2).complains("250ms");
    sandbox.run("read t -f --reverse").code(2).complains("--reverse");
    sandbox.run("read nothing -f").code(7).complains("nothing");
    sandbox.run("read t -f --from 9").code(7).complains("9");
}

#[test]
fn a_closed_pipe_ends_following_quietly() {
    let sandbox = Sandbox::with_events(1);
    let mut writer = sandbox.start("append t --batch 1 --sync --print-positions");
    let mut reader = sandbox.start("read t -f");
    assert_eq!(reader.line(), "0");
    reader.close_output();
    writer.write(lines(1..3, ""));
    reader.wait().code(0).silent();
    writer.close_input();
    writer.wait().code(0);
}
