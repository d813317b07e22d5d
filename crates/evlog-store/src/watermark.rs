//! How far a topic is written and durable, and who waits to hear of more.

use std::task::Waker;
use std::time::Duration;

use evlog_core::{Position, ReadLevel};

use crate::sync::{Condvar, Mutex};

/// Whether a topic may still grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    Open,
    /// A write or a sync failed: no more until it is opened again.
    Poisoned,
    Closed,
}

/// How far a topic reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) written: Position,
    pub(crate) durable: Position,
    pub(crate) growth: Growth,
    /// How often accepted events were given up. Those who wait for them look again, though no end has moved.
    pub(crate) failures: u64,
}

/// The two ends of a topic, and those who wait for them to move.
#[derive(Debug)]
pub(crate) struct Watermark {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    reach: Reach,
    wakers: Vec<Waker>,
    /// How often all wakers were taken.
    round: u64,
}

/// Where the waker of one task stands, so that a task that looks twice stands there once.
#[cfg(feature = "async")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    round: u64,
    number: usize,
}

/// Tasks to be woken, once no lock is held: what they do then is their own affair.
#[derive(Debug, Default)]
#[must_use = "tasks that are not woken wait for ever"]
pub(crate) struct Wakeful(Vec<Waker>);

impl Wakeful {
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

impl Watermark {
    pub(crate) fn new(reach: Reach) -> Watermark {
        let state = State { reach, wakers: Vec::new(), round: 0 };
        Watermark { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Says how far the topic reaches now, and wakes the threads that wait. Called under the lock of the queue, so that
    /// what is said last is what is true.
    pub(crate) fn advance(&self, reach: Reach) -> Wakeful {
        let wakeful = {
            let mut state = self.state.lock();
            if state.reach == reach {
                return Wakeful::default();
            }
            state.reach = reach;
            state.take_all()
        };
        self.changed.notify_all();
        wakeful
    }

    /// Wakes all who wait, so that they look at other things than the ends.
    pub(crate) fn wake(&self) {
        let wakeful = self.state.lock().take_all();
        self.changed.notify_all();
        wakeful.wake();
    }

    /// Waits until an event at `position` can be read, the topic can grow no more, or `timeout` has passed; says
    /// whether it can be read, and whether the topic may still grow.
    pub(crate) fn wait_past(
        &self,
        position: Position,
        level: ReadLevel,
        timeout: Duration,
    ) -> (bool, Growth) {
        let mut state = self.state.lock();
        if state.waits_for(position, level) {
            self.changed.wait_while_for(&mut state, |state| state.waits_for(position, level), timeout);
        }
        (state.end(level) > position, state.reach.growth)
    }

    /// Has `waker` woken by the next change, unless an event at `position` can be read already or the topic can grow
    /// no more.
    #[cfg(feature = "async")]
    pub(crate) fn poll_past(
        &self,
        position: Position,
        level: ReadLevel,
        waker: &Waker,
        seat: &mut Option<Seat>,
    ) -> (bool, Growth) {
        let mut state = self.state.lock();
        if state.waits_for(position, level) {
            state.register(waker, seat);
        }
        (state.end(level) > position, state.reach.growth)
    }

    /// Whether a task waits to be woken.
    pub(crate) fn has_tasks(&self) -> bool {
        !self.state.lock().wakers.is_empty()
    }

    /// Has `waker` woken by the next change.
    #[cfg(feature = "async")]
    pub(crate) fn register(&self, waker: &Waker, seat: &mut Option<Seat>) {
        self.state.lock().register(waker, seat);
    }
}

impl State {
    fn end(&self, level: ReadLevel) -> Position {
        match level {
            ReadLevel::Durable => self.reach.durable,
            ReadLevel::Written => self.reach.written,
        }
    }

    fn waits_for(&self, position: Position, level: ReadLevel) -> bool {
        self.end(level) <= position && self.reach.growth == Growth::Open
    }

    fn take_all(&mut self) -> Wakeful {
        self.round += 1;
        Wakeful(std::mem::take(&mut self.wakers))
    }

    #[cfg(feature = "async")]
    fn register(&mut self, waker: &Waker, seat: &mut Option<Seat>) {
        match seat {
            Some(seat) if seat.round == self.round => self.wakers[seat.number].clone_from(waker),
            _ => {
                *seat = Some(Seat { round: self.round, number: self.wakers.len() });
                self.wakers.push(waker.clone());
            }
        }
    }
}
