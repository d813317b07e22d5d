//! Which handles are open, and which of them is closed next.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::slot::{Closable, Closing, Handle, Slot, State};

/// The open handles of a pool.
///
/// A slot may be locked by whoever then asks for the lock in here; so in here a slot is only ever tried.
#[derive(Debug)]
pub(super) struct Recency {
    limit: usize,
    /// Counts openings.
    clock: AtomicU64,
    open: Mutex<Open>,
}

/// Invariant: `count` is the number of open handles and of those that are being opened, held ones included.
#[derive(Debug, Default)]
struct Open {
    count: usize,
    held: usize,
    /// All that are open but not held, by the time of their last use and their number. That time may have passed: then
    /// they move on when their turn comes.
    listed: BTreeMap<(u64, u64), Arc<dyn Closable>>,
}

impl Recency {
    pub(super) fn new(limit: usize) -> Recency {
        Recency { limit, clock: AtomicU64::new(0), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn count(&self) -> usize {
        self.open().count
    }

    /// The time by which uses are compared.
    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Closes handles until one more may be opened, or none is left that may be closed. Where that takes a sync, one is
    /// made; whoever needs more handles at once than there may be gets them.
    pub(super) fn make_room(&self) -> Room<'_> {
        self.clock.fetch_add(1, Ordering::Relaxed);
        self.open().count += 1;
        let room = Room { recency: Some(self) };
        if let Some(unsynced) = self.close_surplus() {
            unsynced.settle();
            self.close_surplus();
        }
        room
    }

    /// Closes handles until no more are open than there may be. Where none is left that may be closed, returns the one
    /// that was not used for longest of those that could be if they were synced.
    fn close_surplus(&self) -> Option<Arc<dyn Closable>> {
        // Closed once the lock is given back.
        let mut closed = Vec::new();
        let mut unsynced = None;
        let mut from = (0, 0);
        let mut open = self.open();
        while open.count > self.limit {
            let Some((&key, slot)) = open.listed.range(from..).next() else { return unsynced };
            let slot = Arc::clone(slot);
            from = (key.0, key.1 + 1);
            match slot.close(key.0) {
                Closing::Closed(handle) => {
                    open.listed.remove(&key);
                    open.count -= 1;
                    closed.push(handle);
                }
                Closing::Used(time) => {
                    open.listed.remove(&key);
                    open.listed.insert((time, key.1), slot);
                }
                Closing::Unsynced => _ = unsynced.get_or_insert(slot),
                Closing::Kept => {}
            }
        }
        None
    }

    /// Keeps the handle of a slot, which the caller has, from being closed. `false` where half of all handles that
    /// there may be are held already.
    pub(super) fn hold<T: ?Sized>(&self, slot: &Slot<T>) -> bool {
        let mut state = slot.state();
        let mut open = self.open();
        if !state.is_held && open.held < self.limit / 2 {
            state.is_held = true;
            open.held += 1;
            open.strike_off(slot, &mut state);
        }
        state.is_held
    }

    /// Ends what [`Recency::hold`] began, if it did, after a last call through the handle.
    pub(super) fn let_go<T: ?Sized + Handle + 'static>(
        &self,
        slot: &Arc<Slot<T>>,
        last: impl FnOnce(&T) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = slot.state();
        let outcome = match &state.handle {
            Some(handle) if state.is_held => last(handle),
            _ => return Ok(()),
        };
        state.is_held = false;
        let mut open = self.open();
        open.held -= 1;
        open.list(slot, &mut state);
        outcome
    }

    /// Closes the handle of this slot now, if nothing speaks against it.
    pub(super) fn close<T: ?Sized>(&self, slot: &Slot<T>) {
        let mut state = slot.state();
        let closed = if state.is_closable() { self.take_out(slot, &mut state) } else { None };
        drop(state);
        drop(closed);
    }

    /// Forgets a slot that nobody needs any more, and closes its handle whatever its state.
    pub(super) fn forget<T: ?Sized>(&self, slot: &Slot<T>) {
        let mut state = slot.state();
        let closed = self.take_out(slot, &mut state);
        drop(state);
        drop(closed);
    }

    fn take_out<T: ?Sized>(&self, slot: &Slot<T>, state: &mut State<T>) -> Option<Arc<T>> {
        let handle = state.handle.take()?;
        let mut open = self.open();
        open.count -= 1;
        open.held -= usize::from(state.is_held);
        open.strike_off(slot, state);
        Some(handle)
    }
}

impl Open {
    fn list<T: ?Sized + Handle + 'static>(&mut self, slot: &Arc<Slot<T>>, state: &mut State<T>) {
        let time = slot.last_used();
        state.listed = Some(time);
        self.listed.insert((time, slot.id), Arc::clone(slot) as Arc<dyn Closable>);
    }

    fn strike_off<T: ?Sized>(&mut self, slot: &Slot<T>, state: &mut State<T>) {
        if let Some(time) = state.listed.take() {
            self.listed.remove(&(time, slot.id));
        }
    }
}

/// Room for one more open handle; given back where it is not used.
#[derive(Debug)]
pub(super) struct Room<'a> {
    recency: Option<&'a Recency>,
}

impl Room<'_> {
    /// Puts an open handle into its slot, unless somebody else was faster. Returns what is in there now.
    pub(super) fn fill<T: ?Sized + Handle + 'static>(
        mut self,
        slot: &Arc<Slot<T>>,
        handle: Arc<T>,
    ) -> Arc<T> {
        let mut state = slot.state();
        if let Some(faster) = &state.handle {
            return Arc::clone(faster);
        }
        state.handle = Some(Arc::clone(&handle));
        if let Some(recency) = self.recency.take() {
            slot.use_at(recency.now());
            recency.open().list(slot, &mut state);
        }
        handle
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(recency) = self.recency {
            recency.open().count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Identity;
    use super::*;

    impl Handle for u64 {
        fn sync(&self) -> io::Result<()> {
            Ok(())
        }

        fn identity(&self) -> io::Result<Identity> {
            Ok(Identity { device: 0, number: *self, born: 0 })
        }
    }

    fn opened(recency: &Recency, id: u64) -> Arc<Slot<u64>> {
        let slot = Arc::new(Slot::new(id));
        recency.make_room().fill(&slot, Arc::new(id));
        slot
    }

    #[test]
    fn nothing_is_left_of_what_is_forgotten_or_closed() {
        let recency = Recency::new(9);
        let slots = [1, 2, 3, 4].map(|id| opened(&recency, id));
        assert!(recency.hold(&slots[0]));
        recency.forget(&slots[0]);
        recency.close(&slots[1]);
        drop(recency.make_room());
        let listed = || recency.open().listed.len();
        assert_eq!((recency.count(), listed(), recency.open().held), (2, 2, 0));
        for slot in &slots {
            recency.forget(slot);
        }
        assert_eq!((recency.count(), listed()), (0, 0));
        assert!(slots.iter().all(|slot| Arc::strong_count(slot) == 1));
    }

    #[test]
    fn what_is_in_use_is_passed_over() {
        let recency = Recency::new(1);
        let slots = [1, 2, 3].map(|id| {
            let slot = opened(&recency, id);
            let handle = slot.handle(recency.now());
            (slot, handle)
        });
        for (slot, handle) in &slots {
            recency.close(slot);
            assert!(handle.is_some() && slot.is_open());
        }
        assert_eq!(recency.count(), 3);
        let slots = slots.map(|(slot, _)| slot);
        let last = opened(&recency, 4);
        assert!(slots.iter().all(|slot| !slot.is_open()) && last.is_open());
        assert_eq!(recency.count(), 1);
    }
}
