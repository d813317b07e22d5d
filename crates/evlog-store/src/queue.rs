//! What a topic has accepted and not yet committed: positions, groups, and the outcome of groups that failed. A state
//! machine without threads, clock and disk; whoever drives it holds the lock around it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use evlog_core::format::HEADER_PAGE;
use evlog_core::{Batch, Group, Log, Place, Position, Read, ReadLevel, Timestamp, View};

use crate::error::{Error, Result};
use crate::metrics;
use crate::name::TopicName;
use crate::options::Durability;
use crate::sync::{Arc, Mutex};
use crate::trim::Trimmed;
use crate::watermark::{Growth, Reach};

/// Bytes that one group has at most, unless one batch alone has more. Bounds what recovery writes again.
const GROUP_BYTES: usize = 4 << 20;
/// What a segment holds beside its groups, in bytes, and the frame of one more event.
const BESIDE_GROUPS: u64 = HEADER_PAGE as u64 + 256;
/// Unsynced bytes after which a sync is due, wanted or not.
pub(crate) const UNSYNCED_BYTES: u64 = 4 << 20;

/// All tickets between two failures share one generation, so that a position that is given again after a failure is
/// never taken for the one that failed.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    failure: Mutex<Option<Failure>>,
}

/// How a generation ended.
#[derive(Clone, Debug)]
struct Failure {
    /// Events of the generation from here on were not written, or it is not known whether they were.
    from: Position,
    /// Events from here on were certainly not written.
    in_doubt_until: Position,
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
    pub(crate) payload_bytes: u64,
    /// What it takes of the queue.
    bytes: usize,
    /// When its oldest event was accepted.
    since: Duration,
}

/// What came of a turn.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) log: Box<Log>,
    pub(crate) group: Option<Pending>,
    pub(crate) error: Option<Arc<evlog_core::Error>>,
    /// Where the log starts and ends now.
    pub(crate) start: Position,
    pub(crate) written: Position,
    pub(crate) durable: Position,
    pub(crate) deeds: Deeds,
}

/// What a turn did besides, for those who count and listen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deeds {
    /// How long its sync took, if it had one that succeeded.
    pub(crate) synced: Option<Duration>,
    /// How many segments there are since it rolled, if it did.
    pub(crate) rolled: Option<usize>,
    /// What it trimmed.
    pub(crate) trimmed: Option<Trimmed>,
}

/// How far a topic is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Open,
    /// No more is accepted; what was accepted is still written.
    Closing,
    /// No more is written.
    Closed,
    /// The log and its lock are given back.
    Gone,
}

/// Invariants: `durable <= written <= next`; events `written..next` are in flight or in `groups`, in order; `log` is
/// there unless a turn is being taken or the topic is closed.
#[derive(Debug)]
pub(crate) struct Queue {
    log: Option<Box<Log>>,
    groups: VecDeque<Pending>,
    /// A group that was written, for its memory.
    spare: Option<Pending>,
    /// Bytes that a group has at most, unless one batch alone has more.
    group_bytes: usize,
    /// Bytes in `groups` and in flight.
    bytes: usize,
    /// Position of the next event that is accepted.
    next: Position,
    start: Position,
    pub(crate) written: Position,
    pub(crate) durable: Position,
    /// Bytes written since the last sync.
    unsynced_bytes: u64,
    /// When the oldest event that is written and not synced was accepted.
    unsynced_since: Option<Duration>,
    /// Somebody waits for everything before this to be synced.
    sync_wanted_to: Position,
    /// A task, or somebody with a limit, waits for the next turn, and does not take it.
    is_asked: bool,
    /// Callers that wait and will take the next turn.
    pub(crate) waiters: usize,
    generation: Arc<Generation>,
    /// How many generations have ended.
    failures: u64,
    pub(crate) poison: Option<Arc<evlog_core::Error>>,
    life: Life,
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
    /// The queue of a log whose segments have so many bytes.
    pub(crate) fn new(log: Log, last_timestamp: Timestamp, segment_bytes: u64) -> Queue {
        let Range { start, end } = log.range();
        let durable = log.durable_end();
        Queue {
            log: Some(Box::new(log)),
            groups: VecDeque::new(),
            spare: None,
            group_bytes: group_bytes(segment_bytes),
            bytes: 0,
            next: end,
            start,
            written: end,
            durable,
            unsynced_bytes: 0,
            unsynced_since: None,
            sync_wanted_to: 0,
            is_asked: false,
            waiters: 0,
            generation: Arc::default(),
            failures: 0,
            poison: None,
            life: Life::Open,
            last_timestamp,
        }
    }

    /// Says that segments have so many bytes from now on.
    pub(crate) fn set_segment_bytes(&mut self, segment_bytes: u64) {
        self.group_bytes = group_bytes(segment_bytes);
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
    ) -> evlog_core::Result<Accepted> {
        let pending = self.open_group(payload.len(), now);
        let before = pending.group.bytes();
        pending.group.push(timestamp, schema, payload, crc)?;
        let grown = pending.group.bytes() - before;
        pending.bytes += grown;
        pending.payload_bytes += payload.len() as u64;
        Ok(self.count_in(1, grown))
    }

    /// Takes up a batch that stays whole; of an empty one there is nothing to take up.
    pub(crate) fn accept_batch(&mut self, batch: &Batch, now: Duration) -> Accepted {
        if batch.is_empty() {
            return self.count_in(0, 0);
        }
        let pending = self.open_group(batch.bytes(), now);
        let before = pending.group.bytes();
        pending.group.push_batch(batch);
        let grown = pending.group.bytes() - before;
        pending.bytes += grown;
        pending.payload_bytes += batch.payload_bytes() as u64;
        self.count_in(batch.len() as u64, grown)
    }

    /// The group that takes so many more bytes.
    fn open_group(&mut self, bytes: usize, now: Duration) -> &mut Pending {
        let fits = self.groups.back().is_some_and(|last| last.group.bytes() + bytes <= self.group_bytes);
        if !fits {
            let fresh = self.spare.take().unwrap_or_default();
            self.groups.push_back(Pending { since: now, ..fresh });
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn count_in(&mut self, events: u64, bytes: usize) -> Accepted {
        let positions = self.next..self.next + events;
        self.next = positions.end;
        self.bytes += bytes;
        Accepted { positions, generation: Arc::clone(&self.generation) }
    }

    /// Whether a group waits to be written.
    pub(crate) fn has_pending(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Whether the next turn is asked to sync something.
    pub(crate) fn is_sync_wanted(&self) -> bool {
        self.durable < self.sync_wanted_to
    }

    /// Whether something has waited for so long to be written or synced.
    pub(crate) fn is_due(&self, now: Duration, timeout: Duration) -> bool {
        let pending_since = self.groups.front().map(|pending| pending.since);
        let oldest = self.unsynced_since.or(pending_since);
        oldest.is_some_and(|since| now.saturating_sub(since) >= timeout)
    }

    /// Whether a batching thread has to take a turn after this one. Whoever waits for a sync takes it instead; others
    /// who wait may have been served by now.
    pub(crate) fn needs_turn(&self, batch_size: u64) -> bool {
        let is_wanted = self.is_asked || self.waiters == 0 && self.is_sync_wanted();
        is_wanted && self.is_behind() || self.pending_events() >= batch_size
    }

    /// Whether the log was closed, or lost in a panic.
    pub(crate) fn is_lost(&self) -> bool {
        self.life >= Life::Closed || self.poison.is_some() && self.log.is_none()
    }

    /// Whether the topic was closed, or is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.life > Life::Open
    }

    /// Whether the log and its lock are given back.
    pub(crate) fn is_gone(&self) -> bool {
        self.life == Life::Gone
    }

    /// What stands for everything accepted so far, as far as it is not durable.
    pub(crate) fn everything(&self) -> Accepted {
        Accepted { positions: self.durable..self.next, generation: Arc::clone(&self.generation) }
    }

    /// Asks the next turn for what was accepted to be synced.
    pub(crate) fn want_sync(&mut self, accepted: &Accepted) {
        self.sync_wanted_to = self.sync_wanted_to.max(accepted.positions.end);
    }

    /// Asks for a turn, in the name of somebody who does not take it.
    pub(crate) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// How far the topic reaches, and whether it goes on.
    pub(crate) fn reach(&self) -> Reach {
        let growth = match &self.poison {
            _ if self.life >= Life::Closed => Growth::Closed,
            Some(_) => Growth::Poisoned,
            None => Growth::Open,
        };
        let Queue { start, written, durable, failures, .. } = *self;
        Reach { start, written, durable, growth, failures }
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
        let is_due = self.is_due(now, timeout);
        let group = self.groups.pop_front();
        let bytes = group.as_ref().map_or(0, |pending| pending.bytes as u64);
        let sync = self.is_sync_wanted() || is_due || self.unsynced_bytes + bytes >= UNSYNCED_BYTES;
        if self.groups.is_empty() {
            // Who waits for more than this turn gives will ask again.
            self.is_asked = false;
        }
        Some(Turn { log, group, sync })
    }

    /// Gives back the memory that was kept for the next group.
    pub(crate) fn release_memory(&mut self) {
        self.spare = None;
    }

    /// Takes the right to write, and leaves the groups alone.
    pub(crate) fn take_empty_turn(&mut self) -> Option<Turn> {
        self.log.take().map(|log| Turn { log, group: None, sync: false })
    }

    /// The log went down with whoever had it, and with the group in flight.
    pub(crate) fn lose(&mut self, error: evlog_core::Error) {
        let in_doubt_until = self.next - self.pending_events();
        self.fail(Arc::new(error), in_doubt_until);
    }

    /// Gives the right to write back and counts what came of the turn.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        let Outcome { log, group, error, start, written, durable, .. } = outcome;
        let (bytes, events) = group.as_ref().map_or((0, 0), |pending| (pending.bytes, pending.group.len()));
        let was_written = written > self.written;
        self.start = start;
        self.written = written;
        self.durable = durable;
        // Another process may have written, where this one only looks.
        self.next = self.next.max(written);
        self.log = Some(log);
        if durable == written {
            self.unsynced_bytes = 0;
            self.unsynced_since = None;
        } else if was_written {
            self.unsynced_bytes += bytes as u64;
            self.unsynced_since = self.unsynced_since.or(group.as_ref().map(|pending| pending.since));
        }
        self.bytes -= bytes;
        if let Some(mut pending) = group.filter(|pending| pending.bytes <= GROUP_BYTES) {
            pending.group.clear();
            self.spare = Some(Pending { group: pending.group, ..Pending::default() });
        }
        if let Some(error) = error {
            let in_doubt = if was_written { 0 } else { events };
            self.fail(error, written + in_doubt);
        }
    }

    /// Ends the generation: what was not written will never be, and its positions are given again. Where the error
    /// leaves anything in doubt, that is what lies before `in_doubt_until`.
    fn fail(&mut self, error: Arc<evlog_core::Error>, in_doubt_until: Position) {
        use evlog_core::Error::{NoSpace, NotWritten, TooLarge};
        let is_poison = !matches!(*error, NoSpace { .. } | NotWritten { .. } | TooLarge { .. });
        let failure = Failure { from: self.written, in_doubt_until, is_poison, error: Arc::clone(&error) };
        let ended = std::mem::take(&mut self.generation);
        *ended.failure.lock() = Some(failure);
        self.failures += 1;
        self.groups.clear();
        self.bytes = 0;
        self.next = self.written;
        self.sync_wanted_to = self.sync_wanted_to.min(self.next);
        if is_poison {
            self.poison = Some(error);
        }
    }

    /// Goes on to a later part of the topic's life.
    pub(crate) fn age(&mut self, life: Life) {
        self.life = self.life.max(life);
    }

    /// Takes the log out for good.
    pub(crate) fn close(&mut self) -> Option<Box<Log>> {
        self.age(Life::Closed);
        self.log.take()
    }

    /// Whether what was accepted has reached `level` by now, or never will; `None` where that is still open.
    pub(crate) fn outcome(
        &self,
        accepted: &Accepted,
        level: Durability,
        topic: &TopicName,
    ) -> Option<Result<()>> {
        let end = accepted.positions.end;
        if let Some(failure) = &*accepted.generation.failure.lock() {
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
        if let Some(error) = &self.poison {
            return Some(Err(Error::Log(Arc::clone(error))));
        }
        (self.life >= Life::Closed).then(|| Err(Error::Closed { topic: topic.clone() }))
    }
}

/// A group that is larger than a segment would make one that retention cannot keep within its limit.
fn group_bytes(segment_bytes: u64) -> usize {
    let room = usize::try_from(segment_bytes.saturating_sub(BESIDE_GROUPS));
    room.unwrap_or(usize::MAX).min(GROUP_BYTES)
}

impl Failure {
    /// The error of an append whose events did not get through: that of the group itself, or one that says that an
    /// earlier group took them along.
    fn of_unwritten(&self, start: Position, topic: &TopicName) -> Error {
        if !self.is_poison || start < self.in_doubt_until {
            return Error::Log(Arc::clone(&self.error));
        }
        Error::NotWritten { topic: topic.clone(), source: Arc::clone(&self.error) }
    }
}

impl Pending {
    /// What the metrics count of this group.
    pub(crate) fn counts(&self) -> metrics::Group {
        metrics::Group { batches: self.group.batches(), events: self.group.len(), bytes: self.payload_bytes }
    }
}

/// Timestamp of the newest event that can be read.
pub(crate) fn last_timestamp(view: &View) -> Result<Timestamp> {
    let mut reader = view.read(Read::from(Place::Oldest).reverse().limit(1).level(ReadLevel::Written))?;
    loop {
        match reader.next() {
            Ok(event) => return Ok(event.map_or(Timestamp::MIN, |event| event.timestamp)),
            Err(evlog_core::Error::Gap(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
