//! Logs in which nothing is damaged.

use evlog_core::format::batch::Origin;
use evlog_core::format::header::{HINT_OFFSET, Hint};
use evlog_core::{Batch, Options};

use crate::golden::scene::{Golden, Scene};

pub(super) fn all() -> Vec<Golden> {
    vec![
        empty(),
        events(),
        origin(),
        mark(),
        rolled(),
        close_in_the_middle(),
        padding(),
        hint(),
        zeros_ahead(),
        unproven(),
        torn_header(),
        torn_body(),
        recovered(),
    ]
}

fn empty() -> Golden {
    Scene::new(1).kill().golden("empty", "A log to which nothing was appended: a header page.", &[])
}

fn events() -> Golden {
    let mut scene = Scene::new(2);
    scene.append(&[b"plain", b"", "Gr\u{fc}\u{df}e, \u{4e16}\u{754c}".as_bytes()]);
    scene.append(&[b"\" \\ / \t \n \x07 \x7f", b"\xff\x00 is no text", b"<&>"]);
    scene.append(&[&[b'x'; 512]]).close();
    let about = "Payloads of all sorts: empty, not ASCII, to be escaped, no text at all; small ones share a second \
                 checksum,\na large one has only its own. A close ends the file.";
    scene.golden("events", about, &[])
}

fn origin() -> Golden {
    let mut scene = Scene::new(3);
    let mut batch = Batch::with_schema(7);
    batch.set_origin(Some(Origin { writer: 0x0102_0304_0506_0708, sequence: 42 }));
    scene.write_as(&mut batch, &[b"one", b"two"]).sync().append(&[b"three"]).kill();
    scene.golden(
        "origin",
        "A batch of schema 7 that says which writer appended it, and as its how-manieth.",
        &[],
    )
}

fn mark() -> Golden {
    let mut scene = Scene::new(4);
    scene.append(&[b"zero"]).mark().append(&[b"one"]).mark().kill();
    scene.golden("mark", "A log that fell idle twice: each mark proves what stands before it.", &[])
}

fn rolled() -> Golden {
    let mut scene = Scene::new(5);
    scene.append(&[b"zero", b"one"]).append(&[b"two"]).roll().append(&[b"three"]).close();
    scene.golden(
        "rolled",
        "Two segments: an index and a seal behind the end of the first, a close in the second.",
        &[],
    )
}

fn close_in_the_middle() -> Golden {
    let mut scene = Scene::new(6);
    scene.append(&[b"zero"]).close().open().append(&[b"one"]).kill();
    scene.golden("close-in-the-middle", "Written on behind a close, and then killed.", &[])
}

fn padding() -> Golden {
    let mut scene = Scene::with(7, Options::new().pad_group_to(Some(512)));
    scene.append(&[b"zero"]).append(&[b"one", b"two"]).mark().close();
    scene.golden("padding", "Groups that are padded to 512 bytes.", &[])
}

fn hint() -> Golden {
    let mut scene = Scene::new(8);
    scene.append(&[b"zero"]).append(&[b"one"]).append(&[b"two"]).kill();
    let batch = scene.batches(0)[1];
    let hint = Hint { salt: batch.salt, position: batch.base, offset: batch.offset };
    let at = HINT_OFFSET as usize;
    scene.bytes(0)[at..at + 32].copy_from_slice(&hint.encode());
    scene.golden("hint", "A hint that points at the second batch.", &[])
}

fn zeros_ahead() -> Golden {
    let mut scene = Scene::new(9);
    for number in 0..10 {
        scene.append(&[format!("event {number}").as_bytes()]);
    }
    scene.kill();
    assert_eq!(scene.bytes(0).last(), Some(&0));
    scene.golden("zeros-ahead", "Killed after zeros were written ahead: a blank tail.", &[])
}

fn unproven() -> Golden {
    let mut scene = Scene::new(10);
    scene.append(&[b"zero"]).write(&[b"one", b"two"]).kill();
    scene.golden("unproven", "The last batch is whole, and nothing says that it was synced. It counts.", &[])
}

/// Two events synced, a batch written but not synced, and one more behind it.
fn unfinished(seed: u64) -> Scene {
    let mut scene = Scene::new(seed);
    scene.append(&[b"zero", b"one"]).write(&[b"unfinished"]).write(&[b"whole"]).kill();
    scene
}

fn torn_header() -> Golden {
    let mut scene = unfinished(11);
    let at = scene.batches(0)[1].offset as usize;
    scene.zero(0, at..at + 64);
    let about = "Of the last group, which was not synced, the first header did not get to the disk: a torn tail. The \
                 whole\nbatch behind it does not count.";
    scene.golden_to(2, "torn-header", about, &[])
}

fn torn_body() -> Golden {
    let mut scene = unfinished(12);
    let at = scene.batches(0)[1].offset as usize + 64;
    scene.zero(0, at..at + 8);
    let about = "Of the last group, which was not synced, a payload did not get to the disk: a torn tail, and no gap.";
    scene.golden_to(2, "torn-body", about, &[])
}

fn recovered() -> Golden {
    let mut scene = unfinished(13);
    let at = scene.batches(0)[1].offset as usize;
    scene.zero(0, at..at + 64).put_back().forget(2).open().append(&[b"two"]).close();
    let about = "Written on after a torn tail: the second segment says where the first one ends, and what it left over.";
    scene.golden("recovered", about, &[])
}
