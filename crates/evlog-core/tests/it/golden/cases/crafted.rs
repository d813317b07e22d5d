//! Bytes that no writer makes, with checksums that are right: every number is checked all the same.

use evlog_core::checksum;
use evlog_core::format::batch::BatchHeader;
use evlog_core::format::header::{COPIES, HINT_OFFSET, Hint};

use super::three_segments;
use crate::golden::scene::{Golden, Scene};

pub(super) fn all() -> Vec<Golden> {
    vec![
        unknown_kind_stepped_over(),
        unknown_kind_refused(),
        unknown_flag_refused(),
        unknown_version_refused(),
        unknown_feature_refused(),
        reserved_bytes(),
        previous_end_before_any_batch(),
        hint_that_proves(),
        hint_that_errs(),
        proof_that_goes_back(),
        proof_of_the_future(),
        ends_out_of_order(),
        ends_before_the_table(),
    ]
}

fn unknown_kind_stepped_over() -> Golden {
    let mut scene = Scene::new(100);
    scene.append(&[b"zero"]).kill();
    scene.put_batch(0, 200, b"of a later time.").put_back().open().append(&[b"one"]).kill();
    scene.golden("unknown-kind-stepped-over", "A batch of kind 200, which a reader need not know.", &[])
}

fn unknown_kind_refused() -> Golden {
    let mut scene = Scene::new(101);
    scene.append(&[b"zero"]).kill();
    scene.put_batch(0, 100, b"of a later time.");
    scene.refused("unknown-kind-refused", "A batch of kind 100, which a reader must know.", "unsupported")
}

fn unknown_flag_refused() -> Golden {
    let mut scene = Scene::new(102);
    scene.append(&[b"zero"]).append(&[b"one"]).kill();
    let at = scene.batches(0)[1].offset as usize;
    let batch = &mut scene.bytes(0)[at..at + 64];
    batch[57] |= 4;
    let crc = checksum(&batch[8..]);
    batch[4..8].copy_from_slice(&crc.to_le_bytes());
    scene.refused("unknown-flag-refused", "A batch with flag 4, which a reader must know.", "unsupported")
}

/// Puts these bytes at this offset of both copies of a segment's header, which stays sound.
fn put_in_header(scene: &mut Scene, ordinal: u64, offset: usize, bytes: &[u8]) {
    for copy in COPIES {
        let header = &mut scene.bytes(ordinal)[copy..copy + 128];
        header[offset..offset + bytes.len()].copy_from_slice(bytes);
        let crc = checksum(&header[12..]);
        header[8..12].copy_from_slice(&crc.to_le_bytes());
    }
}

fn unknown_version_refused() -> Golden {
    let mut scene = Scene::new(103);
    scene.append(&[b"zero"]).close();
    put_in_header(&mut scene, 0, 12, &[1]);
    scene.refused("unknown-version-refused", "A segment of version 1.", "unsupported")
}

fn unknown_feature_refused() -> Golden {
    let mut scene = Scene::new(104);
    scene.append(&[b"zero"]).close();
    put_in_header(&mut scene, 0, 16, &[8]);
    let about = "A segment that requires a feature that nobody knows.";
    scene.refused("unknown-feature-refused", about, "unsupported")
}

fn reserved_bytes() -> Golden {
    let mut scene = three_segments(105);
    put_in_header(&mut scene, 1, 100, &[1]);
    scene.flip(1, 4096).ruin_header(2);
    let about = "Reserved bytes in the header of the second of three segments are not zero: it is no good header. Its first \
                 batch\nand the third header are bad, too, so nothing tells its salt.";
    scene.golden("reserved-bytes", about, &[(2..4, "segment-header")])
}

fn previous_end_before_any_batch() -> Golden {
    let mut scene = three_segments(106);
    put_in_header(&mut scene, 1, 72, &[0; 4]);
    let about = "The second of three segments says that the first one ends before its first batch: that is no good header.";
    scene.golden("previous-end-before-any-batch", about, &[])
}

/// Three batches, of which none says that anything was synced; and their headers.
fn three_unsynced(seed: u64) -> (Scene, Vec<BatchHeader>) {
    let mut scene = Scene::new(seed);
    scene.write(&[b"zero"]).write(&[b"one"]).write(&[b"two"]).kill();
    let batches = scene.batches(0);
    (scene, batches)
}

fn put_hint(scene: &mut Scene, batch: &BatchHeader, position: u64) {
    let hint = Hint { salt: batch.salt, position, offset: batch.offset };
    let at = HINT_OFFSET as usize;
    scene.bytes(0)[at..at + 32].copy_from_slice(&hint.encode());
}

fn hint_that_proves() -> Golden {
    let (mut scene, batches) = three_unsynced(107);
    put_hint(&mut scene, &batches[2], 2);
    scene.flip(0, batches[1].offset as usize + 64);
    let about = "No batch says that anything was synced, but the hint says that all below the third one was: what is wrong \
                 in\nthe second one is damage, and no torn tail.";
    scene.golden("hint-that-proves", about, &[(1..2, "payload")])
}

fn hint_that_errs() -> Golden {
    let (mut scene, batches) = three_unsynced(108);
    put_hint(&mut scene, &batches[2], 3);
    scene.flip(0, batches[1].offset as usize + 64);
    let about = "The hint has another position than the batch to which it points: it proves nothing, and what is wrong in \
                 the\nsecond batch is a torn tail.";
    scene.golden_to(1, "hint-that-errs", about, &[])
}

/// Changes a batch header, which stays sound as far as its checksum goes.
fn put_header(scene: &mut Scene, header: &BatchHeader) {
    let at = header.offset as usize;
    scene.bytes(0)[at..at + 64].copy_from_slice(&header.encode());
}

fn proof_that_goes_back() -> Golden {
    let mut scene = Scene::new(109);
    scene.append(&[b"zero"]).append(&[b"one"]).append(&[b"two"]).kill();
    let last = scene.batches(0)[2];
    put_header(&mut scene, &BatchHeader { synced: 4096, ..last });
    let about = "The last batch says that less was synced than the one before it says: it does not fit, and the log ends.";
    scene.golden_to(2, "proof-that-goes-back", about, &[])
}

fn proof_of_the_future() -> Golden {
    let mut scene = Scene::new(110);
    scene.append(&[b"zero"]).append(&[b"one"]).append(&[b"two"]).kill();
    let batch = scene.batches(0)[1];
    put_header(&mut scene, &BatchHeader { synced: batch.end_offset(), ..batch });
    let about =
        "The second batch says that itself was synced before it was written: its header is not sound.";
    scene.golden("proof-of-the-future", about, &[(1..2, "header")])
}

/// A batch of three events whose payloads end at these places, as their table soundly says, before another one.
fn with_ends(seed: u64, ends: [u32; 3]) -> Scene {
    let mut scene = Scene::new(seed);
    scene.append(&[b"zero", b"one", b"two"]).append(&[b"three"]).kill();
    let mut batch = scene.batches(0)[0];
    let at = batch.offset as usize;
    let range = at + batch.table_range().start..at + batch.table_range().end;
    let table = &mut scene.bytes(0)[range];
    for (entry, end) in table.chunks_mut(16).zip(ends) {
        entry[8..12].copy_from_slice(&end.to_le_bytes());
    }
    batch.table_crc = checksum(table);
    put_header(&mut scene, &batch);
    scene
}

fn ends_out_of_order() -> Golden {
    let scene = with_ends(111, [24, 8, 24]);
    let about = "The second payload ends before it starts: the table is not good.";
    scene.golden("ends-out-of-order", about, &[(0..3, "table")])
}

fn ends_before_the_table() -> Golden {
    let scene = with_ends(112, [4, 11, 16]);
    let about = "The last payload ends 8 bytes before the table begins: the table is not good.";
    scene.golden("ends-before-the-table", about, &[(0..3, "table")])
}
