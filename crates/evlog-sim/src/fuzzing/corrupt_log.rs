//! A log is built, then its files are changed: rot costs what it touches and nothing else.

use arbitrary::Arbitrary;
use evlog_core::SegmentName;
use evlog_core::format::batch;
use evlog_core::format::{header, record, tail};

use super::exercise::{Honesty, exercise, look, size};
use super::folder::{FOLDER, files};
use super::forge::{self, Value};
use super::history::{History, Written};
use super::input::{Case, list};
use super::survivors::survivors;
use super::view::View;
use crate::anatomy::{Segment, segments};
use crate::{Damage, Fill, SECTOR};

#[derive(Arbitrary, Debug)]
pub(crate) struct CorruptLog {
    #[arbitrary(with = list::<_, 6>)]
    mutations: Vec<Mutation>,
    history: History,
}

/// One change of one file. Segments and batches are counted over and over.
#[derive(Arbitrary, Debug)]
struct Mutation {
    segment: u8,
    deed: Deed,
}

#[derive(Arbitrary, Debug)]
enum Deed {
    /// One bit is the other way round.
    Flip(Spot, u16),
    /// A sector holds something else.
    Sector(u8, Filling),
    /// What belonged into one sector stands in another one, too, perhaps of another segment.
    Misdirect {
        to: u8,
        from: u8,
        other: u8,
    },
    /// A batch stands somewhere else, too.
    CopyBatch(u8, u16),
    /// The file is shorter.
    Truncate(u16),
    /// The file is longer.
    Extend(u16, Filling),
    Delete,
    /// There is a copy by a name that is so many ordinals and positions further.
    Duplicate(u8, u8),
    /// Two segments have each other's names.
    Swap(u8),
    /// A field has another value, and the checksums over it are right.
    Forge(Forgery, Value),
}

#[derive(Arbitrary, Debug)]
enum Filling {
    Zeros,
    Ones,
    Garbage(u16),
}

/// Where a bit flips.
#[derive(Arbitrary, Debug)]
enum Spot {
    SegmentHeader(bool),
    Hint,
    Batch(u8),
    BatchHeader(u8),
    Table(u8),
    Anywhere,
}

/// What is forged.
#[derive(Arbitrary, Debug)]
enum Forgery {
    SegmentHeader(u8),
    Hint(u8),
    Batch(u8, u8),
    TableEntry(u8, u8, u8),
    Tail(u8),
}

impl Filling {
    fn fill(&self) -> Fill {
        match self {
            Filling::Zeros => Fill::Zeros,
            Filling::Ones => Fill::Ones,
            Filling::Garbage(seed) => Fill::Garbage(u64::from(*seed)),
        }
    }
}

impl Case for CorruptLog {
    fn check(&self) -> usize {
        let written = self.history.write();
        let before = segments(&written.disk);
        for mutation in &self.mutations {
            mutation.apply(&written, &before);
        }
        let is_forged = self.mutations.iter().any(|mutation| matches!(mutation.deed, Deed::Forge(..)));
        judge(&written, &before, if is_forged { Honesty::Forged } else { Honesty::Honest });
        size(&files(&written.disk))
    }
}

/// Opens what has become of the log and compares with what was written. `before` are its files when it was healthy.
pub(crate) fn judge(written: &Written, before: &[Segment], honesty: Honesty) {
    let after = files(&written.disk);
    let view = exercise(&written.disk, honesty);
    if honesty == Honesty::Forged {
        // A forged batch is a batch: what must hold then is what `exercise` has checked.
        return;
    }
    let survivors = survivors(before, &after);
    let view = match view {
        Ok(view) => view,
        Err(error) if survivors.is_empty() => return drop(error),
        Err(error) => panic!("{error}, and nothing was done to {survivors:?}"),
    };
    for (position, event) in &view.events {
        let original = written.events.get(*position as usize);
        assert_eq!(Some(event), original, "an event that was never written");
    }
    for position in &survivors {
        let is_there = view.events.contains_key(position);
        let View { range, gaps, .. } = &view;
        assert!(
            is_there,
            "{position} is gone, and nothing was done to it; in {range:?} the gaps are {gaps:?}"
        );
    }
    view.check_honest(&look(&written.disk).expect("it was opened before"));
}

impl Mutation {
    fn apply(&self, written: &Written, before: &[Segment]) {
        let pick = |number: u8| &before[usize::from(number) % before.len()];
        let segment = pick(self.segment);
        let name = segment.name.to_string();
        let now = files(&written.disk);
        let Some(image) = now.get(&name) else { return };
        let path = format!("{FOLDER}/{name}");
        let damage = |damage: Damage| written.disk.damage(&path, &damage).unwrap();
        let sectors = image.len().div_ceil(SECTOR).max(1);
        match &self.deed {
            Deed::Flip(spot, bit) => {
                if let Some(bit) = spot.bit(segment, image.len(), u64::from(*bit)) {
                    damage(Damage::Flip(bit));
                }
            }
            Deed::Sector(sector, with) => {
                damage(Damage::Sector(usize::from(*sector) % sectors, with.fill()));
            }
            Deed::Misdirect { to, from, other } => {
                let source = &pick(*other).bytes;
                let from = usize::from(*from) % source.len().div_ceil(SECTOR).max(1) * SECTOR;
                let bytes = &source[from..source.len().min(from + SECTOR)];
                damage(Damage::Replace(with_bytes(image, usize::from(*to) % sectors * SECTOR, bytes)));
            }
            Deed::CopyBatch(batch, to) => {
                let Some(framed) = pick_of(&segment.batches, *batch) else { return };
                let bytes = &segment.bytes[framed.range()];
                let to = header_page() + usize::from(*to) % (image.len() + 1) / 8 * 8;
                damage(Damage::Replace(with_bytes(image, to, bytes)));
            }
            Deed::Truncate(length) => damage(Damage::Truncate(usize::from(*length) % (image.len() + 1))),
            Deed::Extend(more, with) => {
                damage(Damage::Extend(image.len() + usize::from(*more), with.fill()));
            }
            Deed::Delete => damage(Damage::Delete),
            Deed::Duplicate(ordinals, positions) => {
                let ordinal = segment.name.ordinal + u64::from(*ordinals);
                let base = segment.name.base + u64::from(*positions);
                let copy = SegmentName { ordinal, base }.to_string();
                if !now.contains_key(&copy) {
                    damage(Damage::Duplicate(copy));
                }
            }
            Deed::Swap(other) => {
                let other = pick(*other).name.to_string();
                if let Some(theirs) = now.get(&other) {
                    written.put(&name, theirs.clone());
                    written.put(&other, image.clone());
                }
            }
            Deed::Forge(forgery, value) => {
                let mut image = image.clone();
                forgery.apply(segment, &mut image, *value);
                damage(Damage::Replace(image));
            }
        }
    }
}

fn header_page() -> usize {
    evlog_core::format::HEADER_PAGE as usize
}

fn pick_of<T>(all: &[T], number: u8) -> Option<&T> {
    all.get(usize::from(number) % all.len().max(1))
}

/// The image with these bytes at `at`, no longer than it was.
fn with_bytes(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    for (to, from) in image.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
    image
}

impl Spot {
    fn bit(&self, segment: &Segment, length: usize, bit: u64) -> Option<u64> {
        let range = match self {
            Spot::SegmentHeader(second) => {
                let copy = header::COPIES[usize::from(*second)];
                copy..copy + header::SIZE
            }
            Spot::Hint => {
                let at = header::HINT_OFFSET as usize;
                at..at + header::HINT_SIZE
            }
            Spot::Batch(batch) => pick_of(&segment.batches, *batch)?.range(),
            Spot::BatchHeader(batch) => pick_of(&segment.batches, *batch)?.header_range(),
            Spot::Table(batch) => pick_of(&segment.batches, *batch)?.table_range(),
            Spot::Anywhere => 0..length,
        };
        (!range.is_empty()).then(|| range.start as u64 * 8 + bit % (range.len() as u64 * 8))
    }
}

impl Forgery {
    fn apply(&self, segment: &Segment, image: &mut [u8], value: Value) {
        let mut put = |at: usize, field, seal: &dyn Fn(&mut [u8])| {
            if let Some(bytes) = image.get_mut(at..) {
                forge::put(bytes, field, value);
                seal(image);
            }
        };
        match self {
            Forgery::SegmentHeader(number) => {
                for copy in header::COPIES {
                    let field = forge::field(&header::LAYOUT, *number);
                    put(copy, field, &|image| forge::seal_segment_header(image, copy));
                }
            }
            Forgery::Hint(number) => {
                let field = forge::field(&header::HINT_LAYOUT, *number);
                put(header::HINT_OFFSET as usize, field, &forge::seal_hint);
            }
            Forgery::Batch(batch, number) => {
                let Some(framed) = pick_of(&segment.batches, *batch) else { return };
                let at = framed.range().start;
                let field = forge::field(&batch::LAYOUT, *number);
                put(at, field, &|image| forge::seal_batch(image, at));
            }
            Forgery::TableEntry(batch, entry, number) => {
                let Some(framed) = pick_of(&segment.batches, *batch) else { return };
                let at = framed.range().start;
                let entries: Vec<usize> = framed.table_range().step_by(record::SIZE).collect();
                let Some(place) = pick_of(&entries, *entry) else { return };
                let field = forge::field(&record::LAYOUT, *number);
                put(*place, field, &|image| forge::seal_batch(image, at));
            }
            Forgery::Tail(number) => {
                let Some(framed) = segment.batches.last() else { return };
                let at = framed.range().start;
                let field = forge::field(&tail::TAIL_LAYOUT, *number);
                put(at + batch::SIZE, field, &|image| forge::seal_batch(image, at));
            }
        }
    }
}
