//! What an open log shows, and what must hold of it whatever bytes it was made of.

use std::collections::BTreeMap;
use std::ops::Range;

use evlog_core::{Error, Log, OwnedEvent, Place, Position, Read, ReadLevel};

/// All that readers of one log see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) range: Range<Position>,
    pub(crate) events: BTreeMap<Position, OwnedEvent>,
    /// The positions that cannot be read, in order; neighbours are one.
    pub(crate) gaps: Vec<Range<Position>>,
    /// Whether an error that is no gap ended the reading.
    pub(crate) is_refused: bool,
}

impl View {
    /// Reads the log once.
    pub(crate) fn of(log: &Log) -> View {
        loop {
            let range = log.range();
            let walk = forwards(log, written(), range.clone());
            if walk.ending != Ending::Trimmed {
                return walk.view();
            }
            // Its first files turned out to be none of this log when they were entered: it starts behind them.
            assert!(log.range().start > range.start, "trimmed, and the log still starts at {range:?}");
        }
    }

    /// Reads the log forwards and backwards and at both levels: all of that must say the same.
    pub(crate) fn from_all_sides(log: &Log) -> View {
        let view = View::of(log);
        let durable = forwards(log, Read::from(Place::Oldest), log.range().start..log.durable_end()).view();
        for (position, event) in &durable.events {
            assert_eq!(view.events.get(position), Some(event), "durable, and not the same as written");
        }
        let reversed = backwards(log, written().reverse(), log.range()).view();
        if !view.is_refused && !reversed.is_refused {
            assert_eq!(view, reversed, "forwards and backwards are not the same");
        }
        for outcome in [log.verify(|_| ()).err(), log.segments().err()] {
            assert!(matches!(outcome, None | Some(Error::Unsupported { .. })), "{outcome:?}");
        }
        view
    }

    /// What holds beyond that where nobody forged a checksum.
    pub(crate) fn check_honest(&self, log: &Log) {
        let found = log.verify(|_| ()).expect("nothing keeps a log from being verified");
        assert_eq!(found.events, self.events.len() as u64, "verify counts other events");
        let is_clean = found.damage.is_empty();
        assert!(!is_clean || self.gaps.is_empty(), "verify finds no damage, and readers have gaps");
        self.check_times(log);
    }

    /// The first event at or after each event's time is found, unless damage hides its payload alone.
    fn check_times(&self, log: &Log) {
        let known = self.events.values().map(|event| event.timestamp);
        for time in known.step_by(5).chain([i64::MIN, i64::MAX]) {
            let found = log.find(time).expect("nothing keeps times from being found");
            let first = self.events.values().find(|event| event.timestamp >= time);
            let first = first.map_or(self.range.end, |event| event.position);
            let is_hidden = self.gaps.iter().any(|gap| gap.contains(&found));
            assert!(found == first || found < first && is_hidden, "since {time}: {found}, not {first}");
        }
    }
}

fn written() -> Read {
    Read::from(Place::Oldest).level(ReadLevel::Written)
}

/// What a walk meets: every position once, as an event or in a gap.
struct Walk {
    range: Range<Position>,
    events: BTreeMap<Position, OwnedEvent>,
    gaps: Vec<Range<Position>>,
    ending: Ending,
}

/// How a walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// With the last event.
    Whole,
    /// With something of a later version, as forgers like to claim.
    Refused,
    /// The log starts behind what was to be read.
    Trimmed,
}

fn walk(log: &Log, read: Read, range: Range<Position>, mut tile: impl FnMut(Range<Position>)) -> Walk {
    let mut walk = Walk { range, events: BTreeMap::new(), gaps: Vec::new(), ending: Ending::Whole };
    let mut reader = log.read(read).expect("the start of a log can be read from");
    loop {
        match reader.next() {
            Ok(Some(event)) => {
                tile(event.position..event.position + 1);
                walk.events.insert(event.position, event.to_owned());
            }
            Ok(None) => return walk,
            Err(Error::Gap(gap)) => {
                tile(gap.from..gap.to);
                walk.gaps.push(gap.from..gap.to);
            }
            Err(Error::Unsupported { .. }) => return Walk { ending: Ending::Refused, ..walk },
            Err(Error::Trimmed { .. }) => return Walk { ending: Ending::Trimmed, ..walk },
            Err(error) => panic!("reading: {error:?}"),
        }
    }
}

fn forwards(log: &Log, read: Read, range: Range<Position>) -> Walk {
    let mut next = range.start;
    let walk = walk(log, read, range, |tile| {
        assert!(tile.start == next && tile.end > next, "{tile:?} where {next} was next");
        next = tile.end;
    });
    let Walk { range, ending, .. } = &walk;
    assert!(*ending != Ending::Whole || next == range.end, "reading ends with {next}, the log is {range:?}");
    walk
}

fn backwards(log: &Log, read: Read, range: Range<Position>) -> Walk {
    let mut next = range.end;
    let mut walk = walk(log, read, range, |tile| {
        assert!(tile.end == next && tile.start < next, "{tile:?} where what ends with {next} was next");
        next = tile.start;
    });
    let Walk { range, ending, .. } = &walk;
    assert!(
        *ending != Ending::Whole || next == range.start,
        "reading ends with {next}, the log is {range:?}"
    );
    walk.gaps.reverse();
    walk
}

impl Walk {
    /// One gap where several follow each other: how damage is cut into gaps may differ.
    fn view(self) -> View {
        let Walk { range, events, mut gaps, ending } = self;
        gaps.dedup_by(|next, before| {
            let follows = before.end == next.start;
            if follows {
                before.end = next.end;
            }
            follows
        });
        View { range, events, gaps, is_refused: ending != Ending::Whole }
    }
}
