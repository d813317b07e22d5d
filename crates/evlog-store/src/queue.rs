//! What a topic has accepted and not yet committed: positions, groups, and the outcome of groups that failed. A state
//! machine without threads, clock and disk; whoever drives it holds the lock around it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use evlog_core::{Batch, Group, Log, Position, Timestamp};

use crate::error::{Error, Result};
use crate::metrics;
use crate::name::TopicName;
use crate::options::Durability;
use crate::sync::{Arc, OnceLock};

/// Bytes that one group has at most, unless one batch alone has more. Bounds what recovery writes again.
const GROUP_BYTES: usize = 4 << 20;
/// Unsynced bytes after which a sync is due, wanted or not.
pub(crate) const UNSYNCED_BYTES: u64 = 4 << 20;

/// All tickets between two failures share one generation, so that a position that is given again after a failure is
/// never taken for the one that failed.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    failure: OnceLock<Failure>,
}

/// How a generation ended.
#[derive(Clone, Debug)]
struct Failure {
    /// Events of the generation from here on were not written.
    from: Position,
    /// Whether events before `from` that are not durable yet may be lost too.
    is_poison: bool,
    error: Arc<evlog_core::Error>,
}

/// A group on its way to the log, and the log itself: who holds it has the right to write.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) log: Box<Log>,
    pub(crate) group: Option<Pending>,
    pub(crate) sync: bool,
}

/// A group that is being filled.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) group: Group,
    /// What of it is counted: batches are only known when the group is written.
    pub(crate) payload_bytes: u64,
}

/// What came of a turn.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) log: Box<Log>,
    pub(crate) group: Option<Pending>,
    pub(crate) error: Option<evlog_core::Error>,
    /// Where the log ends now.
    pub(crate) written: Position,
    pub(crate) durable: Position,
    pub(crate) at: Duration,
}

/// Invariants: `durable <= written <= next`; events `written..next` are in flight or in `groups`, in order; `log` is
/// there unless a turn is being taken or the topic is closed.
#[derive(Debug)]
pub(crate) struct Queue {
    log: Option<Box<Log>>,
    groups: VecDeque<Pending>,
    /// A group that was written, for its memory.
    spare: Option<Pending>,
    /// Bytes in `groups` and in flight.
    bytes: usize,
    /// Position of the next event that is accepted.
    next: Position,
    pub(crate) written: Position,
    pub(crate) durable: Position,
    /// Bytes written since the last sync.
    unsynced_bytes: u64,
    /// When the oldest event that waits to be written was accepted, and the oldest unsynced one written.
    pub(crate) pending_since: Option<Duration>,
    pub(crate) unsynced_since: Option<Duration>,
    /// Somebody waits for what is written, or for what is accepted, to be synced.
    sync_wanted: bool,
    generation: Arc<Generation>,
    pub(crate) poison: Option<Arc<evlog_core::Error>>,
    pub(crate) is_closed: bool,
    /// Timestamp of the newest event accepted.
    pub(crate) last_timestamp: Timestamp,
}

/// What a caller gets for an append: where its events will be, and in which generation.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) positions: Range<Position>,
    pub(crate) generation: Arc<Generation>,
}

impl Queue {
    pub(crate) fn new(log: Log, last_timestamp: Timestamp) -> Queue {
        let end = log.range().end;
        let durable = log.durable_end();
        Queue {
            log: Some(Box::new(log)),
            groups: VecDeque::new(),
            spare: None,
            bytes: 0,
            next: end,
            written: end,
            durable,
            unsynced_bytes: 0,
            pending_since: None,
            unsynced_since: None,
            sync_wanted: false,
            generation: Arc::default(),
            poison: None,
            is_closed: false,
            last_timestamp,
        }
    }

    /// Position of the next event that is accepted.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// Bytes accepted and not yet written.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Events accepted and not yet in flight.
    pub(crate) fn pending_events(&self) -> u64 {
        self.groups.iter().map(|pending| pending.group.len()).sum()
    }

    /// Whether so many more bytes fit. What is larger than the whole queue fits where it is alone.
    pub(crate) fn has_room(&self, bytes: usize, limit: usize) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(bytes) <= limit
    }

    /// Whether nobody is writing: a turn could be taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.log.is_some()
    }

    /// Takes up one event.
    pub(crate) fn accept(
        &mut self,
        timestamp: Timestamp,
        schema: u32,
        payload: &[u8],
        crc: u32,
        now: Duration,
    ) -> Result<Accepted> {
        let pending = self.open_group(payload.len());
        let before = pending.group.bytes();
        pending.group.push(timestamp, schema, payload, crc)?;
        let grown = pending.group.bytes() - before;
        pending.payload_bytes += payload.len() as u64;
        Ok(self.count_in(1, grown, now))
    }

    /// Takes up a batch that stays whole.
    pub(crate) fn accept_batch(&mut self, batch: &Batch, now: Duration) -> Accepted {
        let pending = self.open_group(batch.bytes());
        let before = pending.group.bytes();
        pending.group.push_batch(batch);
        let grown = pending.group.bytes() - before;
        pending.payload_bytes += batch.bytes() as u64;
        self.count_in(batch.len() as u64, grown, now)
    }

    /// The group that takes so many more bytes.
    fn open_group(&mut self, bytes: usize) -> &mut Pending {
        let fits = self.groups.back().is_some_and(|last| last.group.bytes() + bytes <= GROUP_BYTES);
        if !fits {
            let fresh = self.spare.take().unwrap_or_default();
            self.groups.push_back(fresh);
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn count_in(&mut self, events: u64, bytes: usize, now: Duration) -> Accepted {
        let positions = self.next..self.next + events;
        self.next = positions.end;
        self.bytes += bytes;
        self.pending_since.get_or_insert(now);
        Accepted { positions, generation: Arc::clone(&self.generation) }
    }

    /// Asks the next turn to sync.
    pub(crate) fn want_sync(&mut self) {
        self.sync_wanted = true;
    }

    /// Whether anything is accepted and not durable.
    pub(crate) fn is_behind(&self) -> bool {
        self.durable < self.next
    }

    /// Takes the right to write, and with it the oldest group. `None` where somebody else has it, or nobody may.
    pub(crate) fn take_turn(&mut self, now: Duration, timeout: Duration) -> Option<Turn> {
        if self.poison.is_some() {
            return None;
        }
        let log = self.log.take()?;
        let group = self.groups.pop_front();
        let is_due = |since: Option<Duration>| since.is_some_and(|since| now.saturating_sub(since) >= timeout);
        let bytes = group.as_ref().map_or(0, |pending| pending.group.bytes() as u64);
        let sync = self.sync_wanted
            || self.unsynced_bytes + bytes >= UNSYNCED_BYTES
            || is_due(self.unsynced_since)
            || is_due(self.pending_since);
        if self.groups.is_empty() {
            // More may be wanted for what is accepted from now on, and will be asked for again.
            self.sync_wanted = false;
            self.pending_since = None;
        }
        Some(Turn { log, group, sync })
    }

    /// Gives the right to write back and counts what came of the turn.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        let Outcome { log, group, error, written, durable, at } = outcome;
        let bytes = group.as_ref().map_or(0, |pending| pending.group.bytes());
        self.written = written;
        self.durable = durable;
        self.log = Some(log);
        if durable == written {
            self.unsynced_bytes = 0;
            self.unsynced_since = None;
        } else {
            self.unsynced_bytes += bytes as u64;
            self.unsynced_since.get_or_insert(at);
        }
        self.bytes -= self.bytes.min(bytes);
        if let Some(mut pending) = group {
            pending.group.clear();
            pending.payload_bytes = 0;
            self.spare = Some(pending);
        }
        if let Some(error) = error {
            self.fail(error);
        }
    }

    /// Ends the generation: what was not written will never be, and its positions are given again.
    pub(crate) fn fail(&mut self, error: evlog_core::Error) {
        use evlog_core::Error::{Indeterminate, NoSpace, NotWritten, TooLarge};
        let error = Arc::new(error);
        let is_poison = !matches!(*error, NoSpace { .. } | NotWritten { .. } | TooLarge { .. });
        debug_assert!(is_poison || !matches!(*error, Indeterminate { .. }));
        let failure = Failure { from: self.written, is_poison, error: Arc::clone(&error) };
        let ended = std::mem::take(&mut self.generation);
        // A generation ends once: the next one has begun by then.
        let _ = ended.failure.set(failure);
        self.groups.clear();
        self.bytes = 0;
        self.next = self.written;
        self.pending_since = None;
        self.sync_wanted = false;
        if is_poison {
            self.poison = Some(error);
        }
    }

    /// Takes the log out for good.
    pub(crate) fn close(&mut self) -> Option<Box<Log>> {
        self.is_closed = true;
        self.log.take()
    }

    /// Lets others look at the log, while nobody writes.
    pub(crate) fn log(&mut self) -> Option<&mut Log> {
        self.log.as_deref_mut()
    }

    /// Whether what was accepted has reached `level` by now, or never will; `None` where that is still open.
    pub(crate) fn outcome(&self, accepted: &Accepted, level: Durability, topic: &TopicName) -> Option<Result<()>> {
        let end = accepted.positions.end;
        if let Some(failure) = accepted.generation.failure.get() {
            if end > failure.from {
                return Some(Err(failure.of_unwritten(accepted.positions.start, topic)));
            }
            // What was durable by then stays so; `durable` cannot rise after a poison.
            if failure.is_poison && level == Durability::Synced && end > self.durable {
                return Some(Err(Error::Log(Arc::clone(&failure.error))));
            }
        }
        let reached = match level {
            Durability::Buffered => return Some(Ok(())),
            Durability::Written => self.written,
            Durability::Synced => self.durable,
        };
        if end <= reached {
            return Some(Ok(()));
        }
        self.is_closed.then(|| Err(Error::Closed { topic: topic.clone() }))
    }
}

impl Failure {
    /// The error of an append whose events were not written: the group's own where it was in it, as far as that can
    /// be told; else one that says that an earlier group took them along.
    fn of_unwritten(&self, start: Position, topic: &TopicName) -> Error {
        if start == self.from || !self.is_poison {
            return Error::Log(Arc::clone(&self.error));
        }
        Error::NotWritten { topic: topic.clone(), source: Arc::clone(&self.error) }
    }
}

impl Pending {
    /// What the metrics count of this group.
    pub(crate) fn counts(&self) -> metrics::Group {
        metrics::Group {
            batches: self.group.batches(),
            events: self.group.len(),
            bytes: self.payload_bytes,
        }
    }
}
