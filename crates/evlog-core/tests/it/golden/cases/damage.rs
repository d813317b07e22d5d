//! Damage within segments.

use super::three_segments;
use crate::golden::scene::{Golden, Scene};

pub(super) fn all() -> Vec<Golden> {
    vec![
        rotten_payload(),
        rotten_neighbours(),
        rotten_table(),
        rotten_batch_header(),
        rotten_mark(),
        rotten_between(),
        zeroed_sector(),
        damage_past_the_proof(),
        cut_in_a_batch(),
        cut_between_batches(),
        cut_in_the_header_page(),
    ]
}

/// Three batches, proven by a mark.
fn three_batches(seed: u64) -> Scene {
    let mut scene = Scene::new(seed);
    scene.append(&[b"zero"]).append(&[b"one", b"two", b"three"]).append(&[b"four"]).mark().kill();
    scene
}

fn rotten_payload() -> Golden {
    let mut scene = three_batches(30);
    let batch = scene.batches(0)[1];
    scene.flip(0, batch.offset as usize + 64 + 8);
    scene.golden(
        "rotten-payload",
        "A bit has turned in the payload of event 2: it alone is lost.",
        &[(2..3, "payload")],
    )
}

fn rotten_neighbours() -> Golden {
    let mut scene = three_batches(31);
    let batch = scene.batches(0)[1];
    scene.flip(0, batch.offset as usize + 64).flip(0, batch.offset as usize + 64 + 8);
    let gaps = [(1..2, "payload"), (2..3, "payload")];
    scene.golden("rotten-neighbours", "Two payloads are rotten side by side: two gaps.", &gaps)
}

fn rotten_table() -> Golden {
    let mut scene = three_batches(32);
    let batch = scene.batches(0)[1];
    scene.flip(0, batch.offset as usize + batch.table_range().start);
    scene.golden("rotten-table", "A bit has turned in a table: its batch is lost.", &[(1..4, "table")])
}

fn rotten_batch_header() -> Golden {
    let mut scene = three_batches(33);
    let batch = scene.batches(0)[1];
    scene.flip(0, batch.offset as usize + 32);
    let about =
        "A bit has turned in a batch header: the batch is lost, up to the next sound header that fits.";
    scene.golden("rotten-batch-header", about, &[(1..4, "header")])
}

fn rotten_mark() -> Golden {
    let mut scene = Scene::new(34);
    scene.append(&[b"zero"]).mark().append(&[b"one"]).mark().kill();
    let mark = scene.batches(0)[1];
    scene.flip(0, mark.offset as usize + 20);
    scene.golden("rotten-mark", "A mark among durable batches is ruined: damage that hides no position.", &[])
}

fn rotten_between() -> Golden {
    let mut scene = three_batches(35);
    let batch = scene.batches(0)[1];
    scene.flip(0, batch.offset as usize + 64 + 6);
    scene.golden(
        "rotten-between",
        "A bit has turned in the zeros between two payloads: no event depends on it.",
        &[],
    )
}

fn zeroed_sector() -> Golden {
    let mut scene = Scene::new(36);
    for number in 0..8 {
        let mut payload = format!("event {number} ").into_bytes();
        payload.resize(100, b'.');
        scene.append(&[&payload]);
    }
    scene.mark().kill().zero(0, 4608..5120);
    let about = "A sector of zeros among durable batches: the first batch it touches has lost its table, the next ones \
                 their headers.";
    scene.golden("zeroed-sector", about, &[(2..3, "table"), (3..6, "header")])
}

fn damage_past_the_proof() -> Golden {
    let mut scene = Scene::new(37);
    scene.append(&[b"zero"]).append(&[b"one"]).write(&[b"two"]).write(&[b"three"]).kill();
    let batches = scene.batches(0);
    scene.zero(0, batches[1].offset as usize..batches[3].offset as usize);
    let about = "The last batch proves that event 1 was synced, and nothing more. The bytes of events 1 and 2 are zeros: \
                 damage\nthat reaches past the proof. What stands behind it does not count, and the positions are lost.";
    scene.golden_to(3, "damage-past-the-proof", about, &[(1..3, "header")])
}

fn cut_in_a_batch() -> Golden {
    let mut scene = three_segments(38);
    let batch = scene.batches(1)[0];
    scene.cut(1, batch.end_offset() as usize - 8);
    let about = "The second of three segments ends within a batch, before its stated end.";
    scene.golden("cut-in-a-batch", about, &[(2..4, "header")])
}

fn cut_between_batches() -> Golden {
    let mut scene = three_segments(39);
    scene.cut(1, 4096);
    let about =
        "The second of three segments is nothing but a header page, which its successor knows better.";
    scene.golden("cut-between-batches", about, &[(2..4, "header")])
}

fn cut_in_the_header_page() -> Golden {
    let mut scene = Scene::new(40);
    scene.append(&[b"zero", b"one"]).roll().kill().cut(1, 2000);
    let about =
        "Of the last segment, in which there was nothing yet, only a part of the header page is left.";
    scene.golden("cut-in-the-header-page", about, &[])
}
