//! How far a topic is written and durable, and who waits to hear of more.

use std::task::Waker;
use std::time::Duration;

use evlog_core::{Position, ReadLevel};

use crate::sync::{Condvar, Mutex};

/// Whether a topic may still grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    Open,
    /// A write or a sync failed: no more until it is opened again, and nothing is trimmed.
    Poisoned,
    Closed,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// That an event at this position can be read at this level.
    Event(Position, ReadLevel),
    /// That the event at this position was trimmed.
    Trim(Position),
}

/// How far a topic reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) start: Position,
    pub(crate) written: Position,
    pub(crate) durable: Position,
    pub(crate) growth: Growth,
    /// How often accepted events were given up. Those who wait for them look again, though no end has moved.
    pub(crate) failures: u64,
}

/// Start and ends of a topic, and those who wait for them to move.
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

    /// Waits until the goal is reached, the topic can change no more, or `timeout` has passed; says whether it is
    /// reached, and whether the topic may still change.
    pub(crate) fn wait_for(&self, goal: Goal, timeout: Duration) -> (bool, Growth) {
        let mut state = self.state.lock();
        if state.waits_for(goal) {
            self.changed.wait_while_for(&mut state, |state| state.waits_for(goal), timeout);
        }
        (state.has_reached(goal), state.reach.growth)
    }

    /// Has `waker` woken by the next change, unless the goal is reached or the topic can change no more.
    #[cfg(feature = "async")]
    pub(crate) fn poll_for(&self, goal: Goal, waker: &Waker, seat: &mut Option<Seat>) -> (bool, Growth) {
        let mut state = self.state.lock();
        if state.waits_for(goal) {
            state.register(waker, seat);
        }
        (state.has_reached(goal), state.reach.growth)
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
    fn has_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Event(position, ReadLevel::Durable) => self.reach.durable > position,
            Goal::Event(position, ReadLevel::Written) => self.reach.written > position,
            Goal::Trim(position) => self.reach.start > position,
        }
    }

    fn waits_for(&self, goal: Goal) -> bool {
        !self.has_reached(goal) && self.reach.growth == Growth::Open
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
