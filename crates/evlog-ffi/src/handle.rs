//! The table behind the handles. A handle is a number that looks like a pointer and is never followed: it names a slot
//! and says which of the slot's lives it means. So one that was freed, made up or copied from elsewhere finds nothing.
//!
//! What is in use is pinned: a free that comes meanwhile ends the slot's life at once, and the object goes when the last
//! call with it returns. Of the objects for one thread at a time only one call can have a pin.
//!
//! What holds of a slot, which all code below keeps:
//! 1. Whoever makes the object or takes it away has the slot alone: the state is not `LIVE` and has no pins.
//! 2. A pin is only given to a state that is `LIVE`, and in the same step.
//! 3. With an `ALONE` pin there is no other.

use std::any::Any;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::fork;

/// What a handle may stand for: the type, as a number that is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Options = 1,
    Store,
    Topic,
    Ticket,
    Batch,
    Reader,
    Error,
    Text,
}

/// What a handle stands for.
pub(crate) trait Held: Any + Send + Sync {
    const KIND: Kind;
}

/// Whether several calls may have an object at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Shared,
    Alone,
}

/// Why a handle finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such object, or none any more.
    Stale,
    /// Another thread is using it.
    Busy,
    /// A call with it panicked.
    Poisoned,
}

/// The number in a handle: bits 0..20 slot, 20..52 life of the slot, 52..56 kind, 56..64 generation of the process.
/// With a kind in it, no number is an address that a processor would follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(u64);

impl Id {
    fn new(slot: usize, life: u32, kind: Kind, generation: u32) -> Id {
        Id(slot as u64 | u64::from(life) << 20 | (kind as u64) << 52 | u64::from(generation as u8) << 56)
    }

    fn slot(self) -> usize {
        (self.0 & 0xF_FFFF) as usize
    }

    fn generation(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// Life and kind, as they stand in a state.
    fn identity(self) -> u64 {
        (self.0 >> 20 & 0xF_FFFF_FFFF) << IDENTITY
    }

    /// The handle as C carries it.
    pub(crate) fn to_pointer<T>(self) -> *mut T {
        ptr::without_provenance_mut(self.0 as usize)
    }

    /// The number of a handle as C carries it.
    pub(crate) fn of_pointer<T>(pointer: *const T) -> Id {
        Id(pointer.addr() as u64)
    }
}

/// Most handles at a time.
const MOST: usize = 1 << 20;

// A state: bits 0..20 pins, 20..23 the flags below, 24..60 life and kind.
const PIN: u64 = 1;
const PINS: u64 = 0xF_FFFF;
/// There is an object that may be pinned.
const LIVE: u64 = 1 << 20;
/// The only pin excludes others.
const ALONE: u64 = 1 << 21;
/// A call with it panicked.
const POISONED: u64 = 1 << 22;
const IDENTITY: u32 = 24;
const IDENTITIES: u64 = 0xF_FFFF_FFFF << IDENTITY;
/// The part of an identity that is a life.
const LIFE: u64 = 0xFFFF_FFFF << IDENTITY;

struct Slot {
    state: AtomicU64,
    object: UnsafeCell<Option<Box<dyn Any + Send + Sync>>>,
}

// SAFETY: the object is only reached as the rules at the top say, which the state enforces with acquire and release: by
// many threads at once only through `&`, for which it is `Sync`; else by one, for which it is `Send`.
unsafe impl Sync for Slot {}

impl Slot {
    fn vacant() -> Slot {
        Slot { state: AtomicU64::new(0), object: UnsafeCell::new(None) }
    }
}

/// All objects of this process.
pub(crate) struct Table {
    slots: boxcar::Vec<Slot>,
    /// Slots without an object. The one that is free for longest is used first.
    free: Mutex<VecDeque<usize>>,
    generation: u32,
    /// The table of the process that forked this one. It is kept, and never touched: its locks may be held by threads
    /// that are not here.
    _inherited: Option<&'static Table>,
}

static TABLE: AtomicPtr<Table> = AtomicPtr::new(ptr::null_mut());

/// The table of this process; none where the system has no memory for one.
pub(crate) fn table() -> Option<&'static Table> {
    let known = known(TABLE.load(Ordering::Acquire));
    known.filter(|table| table.generation == fork::generation()).or_else(begin)
}

fn known(table: *mut Table) -> Option<&'static Table> {
    // SAFETY: what `TABLE` has held is null or came from a `Box` that is never freed.
    unsafe { table.as_ref() }
}

#[cold]
fn begin() -> Option<&'static Table> {
    if !fork::watch() {
        return None;
    }
    let before = TABLE.load(Ordering::Acquire);
    let fresh = Box::into_raw(Box::new(Table {
        slots: boxcar::Vec::new(),
        free: Mutex::default(),
        generation: fork::generation(),
        _inherited: known(before),
    }));
    if TABLE.compare_exchange(before, fresh, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // Another thread was faster.
        // SAFETY: `fresh` came from a `Box` just now, and nobody else has seen it.
        drop(unsafe { Box::from_raw(fresh) });
    }
    table()
}

impl Table {
    /// Gives `object` a slot; nothing where there are too many.
    pub(crate) fn insert<T: Held>(&self, object: T) -> Option<Id> {
        let free = self.free.lock().pop_front();
        let index = match free {
            Some(index) => index,
            None if self.slots.count() >= MOST => return None,
            None => self.slots.push(Slot::vacant()),
        };
        let slot = self.slots.get(index).filter(|_| index < MOST)?;
        // SAFETY: rule 1: the slot is new or came from the free list, so no other thread looks at its object.
        unsafe { *slot.object.get() = Some(Box::new(object)) };
        let life = (slot.state.load(Ordering::Relaxed) & LIFE) >> IDENTITY;
        let id = Id::new(index, life as u32, T::KIND, self.generation);
        slot.state.store(id.identity() | LIVE, Ordering::Release);
        Some(id)
    }

    /// The object of a handle, for calls that may come from many threads at once.
    pub(crate) fn enter<T: Held>(&self, id: Id) -> Result<Pinned<'_, T>, Refusal> {
        self.pin::<T>(id, Hold::Shared).map(|pin| Pinned { pin, of: PhantomData })
    }

    /// The object of a handle, for calls that must have it alone.
    pub(crate) fn enter_alone<T: Held>(&self, id: Id) -> Result<PinnedAlone<'_, T>, Refusal> {
        self.pin::<T>(id, Hold::Alone).map(|pin| PinnedAlone { pin, of: PhantomData })
    }

    fn pin<T: Held>(&self, id: Id, hold: Hold) -> Result<Pin<'_>, Refusal> {
        let slot = self.slot::<T>(id)?;
        let mut state = slot.state.load(Ordering::Relaxed);
        loop {
            if state & (IDENTITIES | LIVE) != id.identity() | LIVE {
                return Err(Refusal::Stale);
            }
            if state & POISONED != 0 {
                return Err(Refusal::Poisoned);
            }
            let is_taken = match hold {
                Hold::Shared => state & ALONE != 0 || state & PINS == PINS,
                Hold::Alone => state & PINS != 0,
            };
            if is_taken {
                return Err(Refusal::Busy);
            }
            let change = if hold == Hold::Alone { PIN | ALONE } else { PIN };
            match slot.state.compare_exchange_weak(
                state,
                state + change,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(Pin { table: self, slot, index: id.slot(), change }),
                Err(now) => state = now,
            }
        }
    }

    /// Ends the life of a handle. The object goes now, or when the last call with it returns.
    pub(crate) fn release<T: Held>(&self, id: Id) -> Result<(), Refusal> {
        let slot = self.slot::<T>(id)?;
        let is_live = |state: u64| state & (IDENTITIES | LIVE) == id.identity() | LIVE;
        let end = |state: u64| is_live(state).then_some(state & !LIVE);
        match slot.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, end) {
            Ok(before) if before & PINS == 0 => self.vacate(slot, id.slot()),
            Ok(_) => {}
            Err(_) => return Err(Refusal::Stale),
        }
        Ok(())
    }

    /// Has every later call with the handle refused, but freeing it.
    pub(crate) fn poison<T: Held>(&self, id: Id) {
        let Ok(slot) = self.slot::<T>(id) else { return };
        let mark = |state: u64| (state & IDENTITIES == id.identity()).then_some(state | POISONED);
        // Where the handle was freed meanwhile there is nothing to poison.
        let _ = slot.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, mark);
    }

    /// The slot that a handle names, if it may have been made by this table for an object of this type.
    fn slot<T: Held>(&self, id: Id) -> Result<&Slot, Refusal> {
        let is_ours = id.generation() == self.generation as u8 && id.0 >> 52 & 0xF == T::KIND as u64;
        self.slots.get(id.slot()).filter(|_| is_ours).ok_or(Refusal::Stale)
    }

    /// Takes the object out of a slot whose life has ended, and makes the slot ready for its next life.
    fn vacate(&self, slot: &Slot, index: usize) {
        // SAFETY: rule 1: the state is not `LIVE`, and the last pin is gone.
        let object = unsafe { (*slot.object.get()).take() };
        let life = (slot.state.load(Ordering::Relaxed) & LIFE) >> IDENTITY;
        // A slot that has had all its lives stays vacant for ever, so that no handle is ever given out twice.
        if let Some(next) = (life as u32).checked_add(1) {
            slot.state.store(u64::from(next) << IDENTITY, Ordering::Release);
            self.free.lock().push_back(index);
        }
        drop(object);
    }
}

/// The right to look at the object of a slot.
struct Pin<'t> {
    table: &'t Table,
    slot: &'t Slot,
    index: usize,
    change: u64,
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        let before = self.slot.state.fetch_sub(self.change, Ordering::AcqRel);
        if before & PINS == 1 && before & LIVE == 0 {
            self.table.vacate(self.slot, self.index);
        }
    }
}

/// An object that others may be using too.
pub(crate) struct Pinned<'t, T> {
    pin: Pin<'t>,
    of: PhantomData<&'t T>,
}

/// An object that nobody else is using.
pub(crate) struct PinnedAlone<'t, T> {
    pin: Pin<'t>,
    of: PhantomData<&'t mut T>,
}

impl<T: Held> Deref for Pinned<'_, T> {
    type Target = T;

    #[expect(
        clippy::panic,
        reason = "a live slot holds an object of the kind in its state; a panic is caught"
    )]
    fn deref(&self) -> &T {
        // SAFETY: rules 1 and 3: while there is a pin nobody takes the object away, and nobody has it alone.
        let object = unsafe { &*self.pin.slot.object.get() };
        match object.as_deref().and_then(<dyn Any + Send + Sync>::downcast_ref) {
            Some(object) => object,
            None => panic!("a slot without its object"),
        }
    }
}

impl<T: Held> Deref for PinnedAlone<'_, T> {
    type Target = T;

    #[expect(
        clippy::panic,
        reason = "a live slot holds an object of the kind in its state; a panic is caught"
    )]
    fn deref(&self) -> &T {
        // SAFETY: rule 3: this pin is the only one, and it is borrowed for as long as the reference.
        let object = unsafe { &*self.pin.slot.object.get() };
        match object.as_deref().and_then(<dyn Any + Send + Sync>::downcast_ref) {
            Some(object) => object,
            None => panic!("a slot without its object"),
        }
    }
}

impl<T: Held> DerefMut for PinnedAlone<'_, T> {
    #[expect(
        clippy::panic,
        reason = "a live slot holds an object of the kind in its state; a panic is caught"
    )]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: rule 3: this pin is the only one, and it is borrowed for as long as the reference.
        let object = unsafe { &mut *self.pin.slot.object.get() };
        match object.as_deref_mut().and_then(<dyn Any + Send + Sync>::downcast_mut) {
            Some(object) => object,
            None => panic!("a slot without its object"),
        }
    }
}

#[cfg(test)]
mod tests;
