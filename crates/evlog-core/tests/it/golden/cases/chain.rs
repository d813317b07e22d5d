//! Damage to the chain of segments.

use evlog_core::checksum;
use evlog_core::format::header::COPIES;

use super::three_segments;
use crate::golden::scene::{Golden, Scene};

pub(super) fn all() -> Vec<Golden> {
    vec![
        one_header_copy(),
        both_header_copies(),
        both_header_copies_before_another(),
        header_and_salt(),
        last_header_and_salt(),
        not_a_log(),
        missing_first(),
        missing_in_the_middle(),
        missing_last(),
        foreign_in_the_middle(),
        foreign_behind(),
        foreign_twin(),
        twin_without_header(),
        two_logs(),
        forked(),
        fork_in_the_middle(),
        base_that_falls(),
        base_that_leaps(),
        renamed(),
        renamed_past_the_next(),
        renamed_twin(),
        unknown_names(),
        stray_batch_behind_a_bad_header(),
        stray_batch_behind_a_missing_segment(),
    ]
}

fn one_header_copy() -> Golden {
    let mut scene = Scene::new(60);
    scene.append(&[b"zero"]).kill().flip(0, 40);
    scene.golden(
        "one-header-copy",
        "The first copy of the segment header is bad, the second one counts.",
        &[],
    )
}

fn both_header_copies() -> Golden {
    let mut scene = Scene::new(61);
    scene.append(&[b"zero"]).append(&[b"one"]).kill().ruin_header(0);
    let about = "Both copies of the segment header are gone; the first batch tells the salt.";
    scene.golden("both-header-copies", about, &[])
}

fn both_header_copies_before_another() -> Golden {
    let mut scene = three_segments(62);
    scene.ruin_header(1).flip(1, 4096);
    let about =
        "The second of three segments has lost its header and its first batch; the third one tells its salt.";
    scene.golden("both-header-copies-before-another", about, &[(2..4, "header")])
}

fn header_and_salt() -> Golden {
    let mut scene = three_segments(63);
    scene.ruin_header(1).flip(1, 4096).ruin_header(2);
    let about = "The second of three segments has lost its header and its first batch, the third one its header, too:\n\
                 nothing of the second one can be read.";
    scene.golden("header-and-salt", about, &[(2..4, "segment-header")])
}

fn last_header_and_salt() -> Golden {
    let mut scene = Scene::new(64);
    scene.append(&[b"zero", b"one"]).roll().kill().ruin_header(1);
    let about = "The last segment has lost its header and has no batch: what is before it is read, and nobody may write.";
    scene.golden("last-header-and-salt", about, &[]).but_not_written("not a log")
}

fn not_a_log() -> Golden {
    let mut scene = Scene::new(65);
    scene.kill().ruin_header(0);
    scene.refused("not-a-log", "The only segment has lost its header and has no batch.", "not a log")
}

fn missing_first() -> Golden {
    let mut scene = three_segments(66);
    scene.remove(0);
    let about = "The first of three segments is not there: trimmed or lost, nothing can tell.";
    scene.golden("missing-first", about, &[]).from(2)
}

fn missing_in_the_middle() -> Golden {
    let mut scene = three_segments(67);
    scene.remove(1);
    let about = "The second of three segments is not there.";
    scene.golden("missing-in-the-middle", about, &[(2..4, "missing-segment")])
}

fn missing_last() -> Golden {
    let mut scene = three_segments(68);
    scene.remove(2);
    let about =
        "The last of three segments is not there: the seal of the second one says so, and nobody may write.";
    scene.golden_to(4, "missing-last", about, &[]).but_not_written("missing segments")
}

fn foreign_in_the_middle() -> Golden {
    let mut scene = three_segments(69);
    let mut other = three_segments(70);
    let name = scene.name(1);
    let bytes = other.bytes(1).clone();
    scene.put(&name, bytes);
    let about = "In the place of the second of three segments there is one of another log.";
    scene.golden("foreign-in-the-middle", about, &[(2..4, "foreign-segment")])
}

fn foreign_behind() -> Golden {
    let mut scene = three_segments(71);
    let mut other = Scene::new(72);
    other.append(&[b"not ours"]).kill();
    let mut bytes = other.bytes(0).clone();
    retell(&mut bytes, |header| {
        header[48..56].copy_from_slice(&7_u64.to_le_bytes());
        header[56..64].copy_from_slice(&100_u64.to_le_bytes());
        header[72..76].copy_from_slice(&4096_u32.to_le_bytes());
    });
    scene.put("00000000000000000100-0000000007.seg", bytes);
    let about = "Behind three segments there is one of another log, with a higher ordinal: it is left alone.";
    scene.golden("foreign-behind", about, &[])
}

fn foreign_twin() -> Golden {
    let mut scene = three_segments(73);
    let mut other = Scene::new(74);
    other.append(&[b"not ours"]).roll().append(&[b"nor this"]).kill();
    let (name, bytes) = (other.name(1), other.bytes(1).clone());
    scene.put(&name, bytes);
    let about = "Two files have the ordinal 1: the one of another log is left alone.";
    scene.golden("foreign-twin", about, &[])
}

fn twin_without_header() -> Golden {
    let mut scene = three_segments(81);
    let mut bytes = scene.bytes(1).clone();
    bytes[..4096].fill(0);
    scene.remove(0).put("00000000000000000001-0000000001.seg", bytes);
    let about = "Two files have the lowest ordinal: the one that has lost its header is left alone.";
    scene.golden("twin-without-header", about, &[]).from(2)
}

fn two_logs() -> Golden {
    let mut scene = Scene::new(75);
    scene.append(&[b"zero"]).kill();
    let mut other = Scene::new(76);
    other.append(&[b"not ours"]).roll().append(&[b"or is it"]).kill();
    let (name, bytes) = (other.name(1), other.bytes(1).clone());
    scene.put(&name, bytes);
    scene.refused("two-logs", "One segment each of two logs: which one this is cannot be told.", "not a log")
}

fn forked() -> Golden {
    let mut scene = Scene::new(82);
    scene.append(&[b"zero"]).roll().kill();
    let mut bytes = scene.bytes(1).clone();
    retell(&mut bytes, |header| {
        header[40] ^= 1;
        header[56..64].copy_from_slice(&2_u64.to_le_bytes());
    });
    scene.put("00000000000000000002-0000000001.seg", bytes);
    let about = "Two files have the ordinal 1, and both follow the one with the ordinal 0: which one counts cannot be told.";
    scene.refused("forked", about, "not a log")
}

fn fork_in_the_middle() -> Golden {
    let mut scene = three_segments(83);
    retell(scene.bytes(1), |header| header[40] ^= 1);
    let about = "The second of three segments is of this log, but not the one that the third one follows.";
    scene.golden("fork-in-the-middle", about, &[(2..4, "foreign-segment")])
}

fn base_that_falls() -> Golden {
    let mut scene = three_segments(84);
    scene.ruin_header(2);
    let bytes = scene.bytes(2).clone();
    scene.remove(0).remove(2).put("00000000000000000000-0000000002.seg", bytes);
    let about = "The last file has lost its header, and its name tells a base below that of the segment before it: foreign.";
    scene.golden_to(4, "base-that-falls", about, &[]).from(2).but_not_written("missing segments")
}

fn base_that_leaps() -> Golden {
    let mut scene = three_segments(87);
    scene.remove(1).put("18446744073709551615-0000000001.seg", b"of nobody".to_vec());
    let about = "In the place of the second of three segments there is a file without a header, whose name tells a base above \
                 that of\nthe third one, which has a header: foreign.";
    scene.golden("base-that-leaps", about, &[(2..4, "foreign-segment")])
}

fn renamed() -> Golden {
    let mut scene = three_segments(77);
    let bytes = scene.bytes(1).clone();
    scene.remove(1).put("00000000000000000002-0000000009.seg", bytes);
    let about =
        "The second of three segments has another ordinal in its name than in its header: it is foreign.";
    scene.golden("renamed", about, &[(2..4, "missing-segment")])
}

fn renamed_past_the_next() -> Golden {
    let mut scene = three_segments(85);
    let bytes = scene.bytes(1).clone();
    scene.remove(1).put("00000000000000000018-0000000001.seg", bytes);
    let about = "The second of three segments has another base in its name than in its header, above that of the third one:\n\
                 it is foreign, and the third one is not.";
    scene.golden("renamed-past-the-next", about, &[(2..4, "foreign-segment")])
}

fn renamed_twin() -> Golden {
    let mut scene = three_segments(86);
    let bytes = scene.bytes(1).clone();
    scene.ruin_header(1).put("00000000000000000003-0000000001.seg", bytes);
    let about = "The second of three segments has lost its header. A copy of it, which has one, has another base in its name: \
                 foreign.";
    scene.golden("renamed-twin", about, &[])
}

fn unknown_names() -> Golden {
    let mut scene = Scene::new(78);
    scene.append(&[b"zero"]).close();
    let bytes = scene.bytes(0).clone();
    scene.put("0-0.seg", b"other digits".to_vec()).put("notes.txt", b"a note".to_vec());
    scene.put("00000000000000000000-0000000001.SEG", bytes);
    scene.golden("unknown-names", "Files whose names are not those of segments are left alone.", &[])
}

/// Two segments with two events each, the second one made by recovery: the first has a torn tail, in which a whole
/// batch stands that does not count.
fn with_stray_batch(seed: u64) -> Scene {
    let mut scene = Scene::new(seed);
    scene.append(&[b"zero", b"one"]).write(&[b"unfinished"]).write(&[b"stray"]).kill();
    let torn = scene.batches(0)[1];
    scene.zero(0, torn.offset as usize..torn.offset as usize + 64).put_back().forget(2);
    scene.open().append(&[b"two", b"three"]).append(&[b"four"]);
    scene
}

fn stray_batch_behind_a_bad_header() -> Golden {
    let mut scene = with_stray_batch(79);
    scene.kill().ruin_header(1);
    let about = "A whole batch stands in the torn tail of the first segment, and the header that states its end is bad:\n\
                 the positions of that batch belong to the second segment.";
    scene.golden("stray-batch-behind-a-bad-header", about, &[])
}

fn stray_batch_behind_a_missing_segment() -> Golden {
    let mut scene = with_stray_batch(80);
    scene.roll().append(&[b"five"]).kill().remove(1);
    let about = "A whole batch stands in the torn tail of the first segment, and the segment that states its end is \
                 missing:\nthe end is judged, and that batch does not count.";
    scene.golden("stray-batch-behind-a-missing-segment", about, &[(2..5, "missing-segment")])
}

/// Changes both copies of a segment's header, which stay sound.
fn retell(bytes: &mut [u8], change: impl Fn(&mut [u8])) {
    for copy in COPIES {
        let header = &mut bytes[copy..copy + 128];
        change(header);
        let crc = checksum(&header[12..]);
        header[8..12].copy_from_slice(&crc.to_le_bytes());
    }
}
