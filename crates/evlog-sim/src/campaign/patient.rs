//! Logs that are going to be damaged, and what must be left of them.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use evlog_core::storage::Storage;
use evlog_core::{Error, Log, Place, Position, Read};

use super::base::options;
use crate::anatomy::{self, Segment};
use crate::disk::SimDisk;
use crate::disk::crash::Crash;
use crate::model::{Checked, Ended, Model, batch_of, broken};
use crate::oracle::Depth;
use crate::session::{LOG, Op, Session, invented};
use crate::tally::{Tally, Verdict};

/// A log that is going to be damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One small segment, closed.
    Small,
    /// One small segment, left behind with a batch that nothing proves.
    SmallOpen,
    /// Three segments, closed.
    Three,
    /// Three segments, left behind with a batch that nothing proves.
    ThreeOpen,
}

impl Shape {
    /// Each of them.
    pub const ALL: [Shape; 4] = [Shape::Small, Shape::SmallOpen, Shape::Three, Shape::ThreeOpen];

    /// What is done to make it, a letter each.
    fn ops(self) -> &'static str {
        match self {
            Shape::Small => "asbsas",
            Shape::SmallOpen => "asbsmaas",
            Shape::Three => "acsbrcsasmbrascbsa",
            Shape::ThreeOpen => "carasbrbscas",
        }
    }

    /// Whether it ends in order.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, Shape::Small | Shape::Three)
    }
}

fn op_of(letter: char) -> Op {
    match letter {
        'a' => Op::Append(1, 40),
        'b' => Op::Append(3, 120),
        'c' => Op::Append(4, 3_000),
        's' => Op::Sync,
        'r' => Op::Roll,
        'm' => Op::Mark,
        _ => Op::Read,
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Shape::Small => "small",
            Shape::SmallOpen => "small-open",
            Shape::Three => "three",
            Shape::ThreeOpen => "three-open",
        })
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Shape, String> {
        Shape::ALL
            .into_iter()
            .find(|shape| shape.to_string() == text)
            .ok_or(format!("no log is called {text}"))
    }
}

/// A log before it is damaged.
pub(crate) struct Patient {
    pub(crate) disk: SimDisk,
    pub(crate) model: Model,
    pub(crate) segments: Vec<Segment>,
    /// What the files were before: their numbers among the segments, and their bytes.
    pub(crate) older: Vec<(usize, Vec<u8>)>,
}

impl Patient {
    /// Makes one.
    ///
    /// # Errors
    /// A promise that is broken though nothing is damaged.
    pub(crate) fn new(shape: Shape) -> Checked<Patient> {
        Patient::with_seed(shape, 1)
    }

    /// Makes one whose random numbers are others.
    ///
    /// # Errors
    /// A promise that is broken though nothing is damaged.
    pub(crate) fn with_seed(shape: Shape, seed: u64) -> Checked<Patient> {
        let mut session = Session::new(SimDisk::new(seed), Model::new(), options(), 0);
        session.open(Ended::Process, Depth::Quick)?;
        let mut older = Vec::new();
        for letter in shape.ops().chars() {
            let paths = session.disk.paths().into_iter().filter(|path| path.ends_with(".seg"));
            let files = paths.filter_map(|path| session.disk.bytes(&path).ok());
            older.extend(files.enumerate().filter(|file| !older.contains(file)).collect::<Vec<_>>());
            session.perform(op_of(letter))?;
        }
        if shape.is_closed() {
            session.close()?;
        } else {
            session.kill();
        }
        let disk = session.disk.crash(Crash::AllKept);
        let segments = anatomy::segments(&disk);
        let (known, end) = (segments.iter().map(Segment::events).sum::<Position>(), session.model.end());
        if known != end {
            return broken(0, format!("of {end} events only {known} were found by the format"));
        }
        older.retain(|(number, bytes)| segments.get(*number).is_some_and(|now| now.bytes != *bytes));
        Ok(Patient { disk, model: session.model, segments, older })
    }

    /// Reads everything in both directions. Every position is an event as it was appended, or in a gap; what was not
    /// touched is no gap.
    pub(crate) fn check_found(
        &self,
        log: &Log,
        required: &BTreeSet<Position>,
    ) -> Checked<BTreeSet<Position>> {
        let range = log.range();
        if range.start < self.model.start() || range.end > self.model.end() {
            return broken(13, format!("{range:?} is there of {}", self.model.end()));
        }
        let found = self.walk(log, Read::from(Place::Oldest), &range)?;
        if let Some(lost) = required.difference(&found).next() {
            return broken(13, format!("event {lost} is lost, though nothing touched it"));
        }
        let reverse = self.walk(log, Read::from(Place::Oldest).reverse(), &range)?;
        if reverse != found {
            return broken(7, format!("backwards there are {reverse:?}, forwards {found:?}"));
        }
        Ok(found)
    }

    /// The log takes another event; opened again, there is the same and that event.
    pub(crate) fn check_goes_on(
        &self,
        log: Log,
        disk: &SimDisk,
        found: &BTreeSet<Position>,
        tally: &mut Tally,
    ) -> Checked {
        let mut log = log;
        let Range { start, end } = log.range();
        let event = invented(1 << 40, 9, 77);
        let appended = batch_of(std::slice::from_ref(&event))
            .and_then(|batch| log.append(&batch))
            .and_then(|positions| log.sync().map(|()| positions));
        match appended {
            Ok(positions) if positions == (end..end + 1) => {}
            other => return broken(13, format!("the damaged log takes no event: {other:?}")),
        }
        log.close().or_else(|error| broken(28, format!("the damaged log does not close: {error:?}")))?;
        let again = open(disk, tally)
            .or_else(|error| broken(16, format!("the damaged log does not open again: {error:?}")))?;
        let before = start..end;
        let read = Read::from(Place::Oldest).to(end);
        let now = if before.is_empty() { BTreeSet::new() } else { self.walk(&again, read, &before)? };
        if now != *found {
            return broken(5, format!("opened again, there are {now:?} instead of {found:?}"));
        }
        let newest = again.latest();
        if !newest.as_ref().is_ok_and(|newest| newest.as_ref().is_some_and(|newest| newest.position == end)) {
            return broken(1, format!("the newest event is {newest:?} instead of {end}"));
        }
        Ok(())
    }

    fn walk(&self, log: &Log, read: Read, range: &Range<Position>) -> Checked<BTreeSet<Position>> {
        let text = format!("{read:?}");
        let is_reverse = text.contains("Reverse");
        let mut reader = log.read(read).or_else(|error| broken(7, format!("{text} fails: {error:?}")))?;
        let mut found = BTreeSet::new();
        let mut next = if is_reverse { range.end } else { range.start };
        loop {
            let (item, lost) = match reader.next() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    if !self.model.event(event.position).is_some_and(|known| known.is(&event)) {
                        return broken(4, format!("{text} has {event:?}, which nobody appended"));
                    }
                    (event.position..event.position + 1, false)
                }
                Err(Error::Gap(gap)) => (gap.from..gap.to, true),
                Err(error) => return broken(13, format!("{text} fails on its way: {error:?}")),
            };
            let (begin, end) = if is_reverse { (item.end, item.start) } else { (item.start, item.end) };
            if begin != next || item.is_empty() {
                return broken(7, format!("{text} has {item:?} where {next} comes next"));
            }
            next = end;
            if !lost {
                found.extend(item);
            }
        }
        let end = if is_reverse { range.start } else { range.end };
        if next != end {
            return broken(7, format!("{text} ends at {next} instead of {end}"));
        }
        Ok(found)
    }
}

/// Opens the log, and counts what came of it.
pub(crate) fn open(disk: &SimDisk, tally: &mut Tally) -> Result<Log, Error> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let opened = options().open_on(storage, LOG);
    tally.opened(match &opened {
        Ok(log) => Verdict::of(log.report()),
        Err(error) => Verdict::of_error(error),
    });
    opened
}

/// Whether a person is told that something is wrong.
pub(crate) fn is_loud(log: &Log, found: &BTreeSet<Position>) -> bool {
    let report = log.report();
    let range = log.range();
    report.leftover_bytes > 0 || !report.gaps.is_empty() || found.len() as Position != range.end - range.start
}

pub(crate) fn check_verified(log: &Log, found: &BTreeSet<Position>) -> Checked {
    let verification = match log.verify(|_| {}) {
        Ok(verification) => verification,
        Err(error) => return broken(13, format!("verify fails: {error:?}")),
    };
    let range = log.range();
    let lost: Position = verification.damage.iter().map(|gap| gap.to - gap.from).sum();
    let expected = range.end - range.start - found.len() as Position;
    if verification.events != found.len() as u64 || lost != expected {
        return broken(
            13,
            format!("{} events are there, {expected} are lost; {verification:?}", found.len()),
        );
    }
    Ok(())
}

/// Whatever was there is there still: only zeros may have become something else, and the hint.
pub(crate) fn check_untouched(segment: &Segment, damaged: &[u8], disk: &SimDisk) -> Checked {
    use evlog_core::format::header::{HINT_OFFSET, HINT_SIZE};
    let hint = HINT_OFFSET as usize..HINT_OFFSET as usize + HINT_SIZE;
    let now = disk.bytes(&segment.path).unwrap_or_default();
    let changed = damaged
        .iter()
        .enumerate()
        .find(|&(at, &byte)| byte != 0 && now.get(at) != Some(&byte) && !hint.contains(&at));
    match changed {
        None => Ok(()),
        Some((at, byte)) => broken(13, format!("byte {at} was {byte:#x} and is {:?}", now.get(at))),
    }
}
