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

/// The two ends of a topic. They only rise, but for `written` after a write that failed.
#[derive(Debug)]
pub(crate) struct Watermark {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    written: Position,
    durable: Position,
    growth: Growth,
    wakers: Vec<Waker>,
}

impl Watermark {
    pub(crate) fn new(written: Position, durable: Position) -> Watermark {
        let state = State { written, durable, growth: Growth::Open, wakers: Vec::new() };
        Watermark { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Says how far the topic reaches now, and wakes all who wait.
    pub(crate) fn advance(&self, written: Position, durable: Position, growth: Growth) {
        let wakers = {
            let mut state = self.state.lock();
            if (state.written, state.durable, state.growth) == (written, durable, growth) {
                return;
            }
            (state.written, state.durable, state.growth) = (written, durable, growth);
            std::mem::take(&mut state.wakers)
        };
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes all who wait, so that they look at other things than the ends.
    pub(crate) fn wake(&self) {
        let wakers = std::mem::take(&mut self.state.lock().wakers);
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
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
        if state.end(level) <= position && state.growth == Growth::Open {
            self.changed.wait_while_for(
                &mut state,
                |state| state.end(level) <= position && state.growth == Growth::Open,
                timeout,
            );
        }
        (state.end(level) > position, state.growth)
    }

    /// Has `waker` woken by the next change, unless an event at `position` can be read already or the topic can grow
    /// no more.
    #[cfg(feature = "async")]
    pub(crate) fn poll_past(&self, position: Position, level: ReadLevel, waker: &Waker) -> (bool, Growth) {
        let mut state = self.state.lock();
        let is_there = state.end(level) > position;
        if !is_there && state.growth == Growth::Open {
            register(&mut state.wakers, waker);
        }
        (is_there, state.growth)
    }

    /// Whether a task waits to be woken.
    pub(crate) fn has_tasks(&self) -> bool {
        !self.state.lock().wakers.is_empty()
    }

    /// Has `waker` woken by the next change.
    #[cfg(feature = "async")]
    pub(crate) fn register(&self, waker: &Waker) {
        register(&mut self.state.lock().wakers, waker);
    }
}

#[cfg(feature = "async")]
fn register(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|known| known.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

impl State {
    fn end(&self, level: ReadLevel) -> Position {
        match level {
            ReadLevel::Durable => self.durable,
            ReadLevel::Written => self.written,
        }
    }
}
