//! What a log owes its user: a list of events, and how sure each of them is.
//!
//! This is the specification. It knows nothing of segments, sectors or syncs, only what calls were made and what
//! they answered.

use std::fmt;
use std::ops::Range;

use evlog_core::{Batch, Error, Event, Position, Timestamp};

/// One event as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its time.
    pub timestamp: Timestamp,
    /// Its schema number.
    pub schema: u32,
    /// Its bytes.
    pub payload: Vec<u8>,
}

impl Known {
    /// Whether a log returned exactly this.
    pub fn is(&self, event: &Event<'_>) -> bool {
        self.timestamp == event.timestamp && self.schema == event.schema && self.payload == event.payload
    }
}

/// A promise that was broken, with its number in the list of promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the promise.
    pub promise: u8,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "promise {}: {}", self.promise, self.what)
    }
}

impl std::error::Error for Violation {}

/// The answer of a check.
pub type Checked<T = ()> = Result<T, Violation>;

/// A broken promise as an error.
pub(crate) fn broken<T>(promise: u8, what: impl Into<String>) -> Checked<T> {
    Err(Violation { promise, what: what.into() })
}

/// What happened to a log between two opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was closed or dropped, or its process was killed: what was written is there.
    Process,
    /// The power failed: what was synced is there.
    Power,
}

/// The naive log.
///
/// Invariants: `durable <= written <= events.len()`, each the end of a batch; `start.start <= start.end`.
#[derive(Clone, Debug)]
pub struct Model {
    events: Vec<Known>,
    /// Where batches end, in order.
    ends: Vec<Position>,
    durable: Position,
    written: Position,
    start: Range<Position>,
    is_poisoned: bool,
    /// A sync lied about what stands from here on: nobody can be blamed for its loss.
    excused: Option<Position>,
}

impl Default for Model {
    fn default() -> Model {
        Model::new()
    }
}

/// What calls answered.
impl Model {
    /// An empty log.
    pub fn new() -> Model {
        Model {
            events: Vec::new(),
            ends: Vec::new(),
            durable: 0,
            written: 0,
            start: 0..0,
            is_poisoned: false,
            excused: None,
        }
    }

    fn push(&mut self, batches: &[Vec<Known>]) {
        for events in batches {
            self.events.extend_from_slice(events);
            self.ends.push(self.events.len() as Position);
        }
    }

    /// An append of these batches, in one write, succeeded with these positions.
    ///
    /// # Errors
    /// Promises 6 and 10.
    pub fn appended(&mut self, batches: &[Vec<Known>], positions: &Range<Position>) -> Checked {
        if self.is_poisoned {
            return broken(10, "an append succeeded on a poisoned log");
        }
        let next = self.events.len() as Position;
        let count: usize = batches.iter().map(Vec::len).sum();
        let expected = next..next + count as Position;
        if *positions != expected {
            return broken(6, format!("an append got positions {positions:?} instead of {expected:?}"));
        }
        self.push(batches);
        self.written = expected.end;
        Ok(())
    }

    /// An append failed. Without an error, its process died in it.
    ///
    /// # Errors
    /// Promise 5, where the error says nothing about the events.
    pub fn not_appended(&mut self, batches: &[Vec<Known>], error: Option<&Error>) -> Checked {
        match error {
            Some(Error::NotWritten { .. } | Error::NoSpace { .. }) => Ok(()),
            Some(Error::Poisoned { .. }) if self.is_poisoned => Ok(()),
            None => {
                self.push(batches);
                Ok(())
            }
            Some(Error::Indeterminate { .. }) => {
                self.push(batches);
                self.poison();
                Ok(())
            }
            Some(error) => broken(5, format!("an append failed with {error:?}")),
        }
    }

    /// A sync or something that implies one succeeded.
    pub fn synced(&mut self) {
        self.durable = self.written;
    }

    /// A sync, roll or close failed.
    ///
    /// # Errors
    /// Promise 10, where the error does not say what became of the events.
    pub fn not_synced(&mut self, error: &Error) -> Checked {
        match error {
            Error::Indeterminate { .. } => {
                self.poison();
                Ok(())
            }
            Error::NotWritten { .. } | Error::NoSpace { .. } => Ok(()),
            Error::Poisoned { .. } if self.is_poisoned => Ok(()),
            error => broken(10, format!("a sync, roll or close failed with {error:?}")),
        }
    }

    /// What was not durable may be there or not, and nothing more is appended.
    fn poison(&mut self) {
        self.written = self.durable;
        self.is_poisoned = true;
    }

    /// A sync has lied: all that was not durable before it may be lost with the power, whatever was said since.
    pub fn excuse(&mut self, durable: Position) {
        self.excused = Some(self.excused.map_or(durable, |known| known.min(durable)));
    }

    /// A trim answered with the new start.
    ///
    /// # Errors
    /// Promise 21.
    pub fn trimmed(&mut self, asked: Position, start: Position) -> Checked {
        if start < self.start.start || start > asked.max(self.start.end) {
            return broken(21, format!("a trim before {asked} answered {start}; it was {:?}", self.start));
        }
        self.start = start..start;
        Ok(())
    }

    /// A trim failed somewhere on its way.
    pub fn maybe_trimmed(&mut self, asked: Position) {
        self.start.end = self.start.end.max(asked.min(self.written));
    }

    /// A reader in another process was shown this as durable: it must stay.
    ///
    /// # Errors
    /// Promises 8 and 21.
    pub fn shown(&mut self, range: &Range<Position>) -> Checked {
        if range.start < self.start.start || range.start > self.start.end {
            return broken(21, format!("{range:?} is shown, the start is {:?}", self.start));
        }
        if range.end > self.end() {
            return broken(8, format!("{range:?} is shown as durable, {} were appended", self.end()));
        }
        self.durable = self.durable.max(range.end);
        self.written = self.written.max(range.end);
        Ok(())
    }

    /// The open log says so much is durable: this is shown to readers, so it must stay.
    ///
    /// # Errors
    /// Promises 1 and 8.
    pub fn shown_durable(&mut self, durable: Position) -> Checked {
        if durable < self.durable {
            return broken(1, format!("the durable end fell from {} to {durable}", self.durable));
        }
        if durable > self.written && !(self.is_poisoned && durable <= self.events.len() as Position) {
            return broken(8, format!("{durable} is called durable, {} was written", self.written));
        }
        self.durable = durable;
        self.written = self.written.max(durable);
        Ok(())
    }
}

/// What is known.
impl Model {
    /// The event with this position.
    pub fn event(&self, position: Position) -> Option<&Known> {
        self.events.get(usize::try_from(position).ok()?)
    }

    /// First position that is left.
    pub fn start(&self) -> Position {
        self.start.start
    }

    /// Position of the next event, if all that may be there is there.
    pub fn end(&self) -> Position {
        self.events.len() as Position
    }

    /// Positions below this must survive a power loss.
    pub fn durable(&self) -> Position {
        self.durable
    }

    /// Positions below this must survive the death of the process.
    pub fn written(&self) -> Position {
        self.written
    }

    /// Whether a write or sync failed since the log was opened.
    pub fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }

    /// Where the last batch begins that ends at or before `end`.
    pub fn ends(&self) -> &[Position] {
        &self.ends
    }

    /// Whether nobody can be blamed for a gap here.
    pub fn excuses(&self, gap: &Range<Position>) -> bool {
        self.excused.is_some_and(|excused| excused <= gap.start)
    }

    /// Whether a sync has lied about anything that is there.
    pub fn is_excused(&self) -> bool {
        self.excused.is_some()
    }

    /// Takes over what an open made of it: the decision about everything that was uncertain, which stays.
    ///
    /// # Errors
    /// Promises 1, 2, 3 and 21.
    pub fn settle(&mut self, found: &Range<Position>, ended: Ended) -> Checked {
        let least = match ended {
            Ended::Process => self.written,
            Ended::Power => self.durable,
        };
        let least = self.excused.map_or(least, |excused| least.min(excused));
        if found.end < least {
            return broken(1, format!("the log ends at {}, {least} were promised", found.end));
        }
        if found.end > self.end() {
            return broken(4, format!("the log ends at {}, only {} were appended", found.end, self.end()));
        }
        if found.end != 0 && self.ends.binary_search(&found.end).is_err() {
            return broken(2, format!("the log ends at {}, in the midst of a batch", found.end));
        }
        if found.start < self.start.start || found.start > self.start.end {
            return broken(21, format!("the log starts at {} instead of {:?}", found.start, self.start));
        }
        self.events.truncate(found.end as usize);
        self.ends.retain(|&end| end <= found.end);
        self.durable = found.end;
        self.written = found.end;
        self.start = found.start..found.start;
        self.is_poisoned = false;
        Ok(())
    }
}

/// The events as the log takes them.
///
/// # Errors
/// What [`Batch::push`] says.
pub fn batch_of(events: &[Known]) -> Result<Batch, Error> {
    let mut batch = Batch::with_schema(events.first().map_or(0, |event| event.schema));
    for event in events {
        batch.push(event.timestamp, &event.payload)?;
    }
    Ok(batch)
}
