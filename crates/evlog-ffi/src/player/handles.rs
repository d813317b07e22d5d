//! The bytes that spell calls, and the handles that came of them.

use crate::handle::{Held, Kind};

/// Bytes, and zeros behind them.
pub(super) struct Tape<'a> {
    bytes: &'a [u8],
}

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Tape<'a> {
        Tape { bytes }
    }

    pub(super) fn is_over(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }
}

/// Every handle there ever was: freed ones are called with, too.
#[derive(Default)]
pub(super) struct Handles {
    made: Vec<Made>,
}

struct Made {
    address: usize,
    kind: Kind,
    is_live: bool,
    /// What the caller remembers of it: the number of a store.
    note: u8,
}

impl Handles {
    pub(super) fn add<T: Held>(&mut self, handle: *mut T, note: u8) {
        assert!(!handle.is_null());
        let is_known = self.made.iter().any(|made| made.address == handle.addr());
        assert!(!is_known, "a handle is given out twice");
        self.made.push(Made { address: handle.addr(), kind: T::KIND, is_live: true, note });
    }

    /// A handle to call with, mostly of the right kind, and whether it should work.
    pub(super) fn pick<T: Held>(&self, tape: &mut Tape<'_>) -> (*mut T, bool) {
        let made_up = [0, 1, usize::MAX, 15 << 52, (T::KIND as usize) << 52 | 0xF_FFFF];
        let all: Vec<&Made> = match tape.byte() {
            choice @ 0..10 => {
                return (std::ptr::without_provenance_mut(made_up[usize::from(choice) % 5]), false);
            }
            10..30 => self.made.iter().collect(),
            30..60 => self.made.iter().filter(|made| made.kind == T::KIND).collect(),
            _ => self.made.iter().filter(|made| made.kind == T::KIND && made.is_live).collect(),
        };
        if all.is_empty() {
            return (std::ptr::null_mut(), false);
        }
        let picked = all[usize::from(tape.byte()) % all.len()];
        (std::ptr::without_provenance_mut(picked.address), picked.is_live && picked.kind == T::KIND)
    }

    /// Notes that a handle was freed, if it is one of this kind.
    pub(super) fn free<T: Held>(&mut self, handle: *mut T) {
        let is_it = |made: &&mut Made| made.address == handle.addr() && made.kind == T::KIND;
        for made in self.made.iter_mut().filter(is_it) {
            made.is_live = false;
        }
    }

    /// A live handle of this kind, if there is one.
    pub(super) fn live<T: Held>(&self) -> Option<*mut T> {
        let made = self.made.iter().find(|made| made.kind == T::KIND && made.is_live)?;
        Some(std::ptr::without_provenance_mut(made.address))
    }

    /// Whether there is a live one of this kind with this note.
    pub(super) fn has_live<T: Held>(&self, note: u8) -> bool {
        self.made.iter().any(|made| made.kind == T::KIND && made.is_live && made.note == note)
    }
}
