//! Which events damage must not cost: found by comparing the bytes from before with those from after.

use std::collections::BTreeSet;

use evlog_core::Position;

use super::folder::Files;
use crate::anatomy::{Framed, Segment};

/// The positions of `before` that a log with the files of `after` must still show. Nothing but the promises is used
/// to tell: a damaged byte costs what it stands in, and only behind the proven end does it cost what follows.
pub(crate) fn survivors(before: &[Segment], after: &Files) -> BTreeSet<Position> {
    let bytes = |segment: &Segment| after.get(&segment.name.to_string()).map_or(&[][..], Vec::as_slice);
    let is_named = |segment: &Segment| segment.is_named(bytes(segment));
    let mut found = BTreeSet::new();
    for (number, segment) in before.iter().enumerate() {
        let has_successor = before.get(number + 1).is_some_and(is_named);
        if is_named(segment) || has_successor || has_first_batch(segment, bytes(segment)) {
            // Where nobody says that a next segment was made, what nothing proves may end with the first thing wrong.
            found.extend(segment.required(bytes(segment), !has_successor));
        }
    }
    found
}

/// Whether the first batch is there to tell the salt.
fn has_first_batch(segment: &Segment, bytes: &[u8]) -> bool {
    let first = segment.batches.first().map(Framed::header_range);
    first.is_some_and(|range| bytes.get(range.clone()) == segment.bytes.get(range))
}
