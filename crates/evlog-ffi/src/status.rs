//! What every call answers. The numbers are fixed for ever; new ones may come.

use std::ffi::CStr;

/// What a call answers: `EVLOG_OK`, a positive number where it did nothing and nothing is wrong, a negative one for
/// an error. Values are never renumbered; new ones may come.
pub type Status = i32;

/// Done.
pub const EVLOG_OK: Status = 0;
/// There is nothing more to read. Not an error.
pub const EVLOG_END: Status = 1;
/// The limit passed; what was asked for goes on and may still happen. Not an error.
pub const EVLOG_TIMEOUT: Status = 2;
/// An argument, a name, a place or an option is wrong, or a pointer is null that must not be.
pub const EVLOG_E_INVALID: Status = -1;
/// The system refused to read or write; nothing is concluded about the bytes, and trying again is safe.
pub const EVLOG_E_IO: Status = -2;
/// Damage. Reading: the positions of `evlog_error_gap` cannot be read, and the next call goes on behind them.
pub const EVLOG_E_CORRUPT: Status = -3;
/// Another process, or another store of this one, writes the topic.
pub const EVLOG_E_LOCKED: Status = -4;
/// There is no such topic, store or position.
pub const EVLOG_E_NOT_FOUND: Status = -5;
/// What was to be made exists already. Reserved: no call makes what must not exist, so none answers this yet.
pub const EVLOG_E_EXISTS: Status = -6;
/// The topic does not end at the expected position, but at `evlog_error_position`; nothing was appended.
pub const EVLOG_E_WRONG_POSITION: Status = -7;
/// The position was dropped from the front of the topic, which starts at `evlog_error_position`.
pub const EVLOG_E_TRIMMED: Status = -8;
/// An event or a batch is larger than the options or the format allow; nothing was appended.
pub const EVLOG_E_TOO_LARGE: Status = -9;
/// No room: on the disk (`evlog_error_errno` is not 0), or in the queue of the topic. Nothing was appended.
pub const EVLOG_E_FULL: Status = -10;
/// The store was opened to read only.
pub const EVLOG_E_READ_ONLY: Status = -11;
/// An earlier write or sync failed, or a panic happened: close and open again.
pub const EVLOG_E_POISONED: Status = -12;
/// The event is of another type than it is read as. Reserved: C reads bytes and schema numbers, not types, so no call
/// answers this yet.
pub const EVLOG_E_SCHEMA: Status = -13;
/// A file of a later version, a link or a device in place of a file, or a file system that cannot be relied on.
pub const EVLOG_E_UNSUPPORTED: Status = -14;
/// No handle can be made: there are too many.
pub const EVLOG_E_NO_MEMORY: Status = -15;
/// A bug in evlog: it panicked. The handles of the call answer `EVLOG_E_POISONED` from now on; free them.
pub const EVLOG_E_PANIC: Status = -16;
/// Null, freed, of another type, used by another thread at this moment, or made before a fork: no such handle.
pub const EVLOG_E_HANDLE: Status = -17;
/// A write or sync failed half-way: the events appear whole or not at all, and the next open decides.
pub const EVLOG_E_INDETERMINATE: Status = -18;
/// The events were not written and never will be, because something before them failed.
pub const EVLOG_E_NOT_WRITTEN: Status = -19;
/// The topic or its store was closed.
pub const EVLOG_E_CLOSED: Status = -20;

const NAMES: [(Status, &CStr); 23] = [
    (EVLOG_OK, c"EVLOG_OK"),
    (EVLOG_END, c"EVLOG_END"),
    (EVLOG_TIMEOUT, c"EVLOG_TIMEOUT"),
    (EVLOG_E_INVALID, c"EVLOG_E_INVALID"),
    (EVLOG_E_IO, c"EVLOG_E_IO"),
    (EVLOG_E_CORRUPT, c"EVLOG_E_CORRUPT"),
    (EVLOG_E_LOCKED, c"EVLOG_E_LOCKED"),
    (EVLOG_E_NOT_FOUND, c"EVLOG_E_NOT_FOUND"),
    (EVLOG_E_EXISTS, c"EVLOG_E_EXISTS"),
    (EVLOG_E_WRONG_POSITION, c"EVLOG_E_WRONG_POSITION"),
    (EVLOG_E_TRIMMED, c"EVLOG_E_TRIMMED"),
    (EVLOG_E_TOO_LARGE, c"EVLOG_E_TOO_LARGE"),
    (EVLOG_E_FULL, c"EVLOG_E_FULL"),
    (EVLOG_E_READ_ONLY, c"EVLOG_E_READ_ONLY"),
    (EVLOG_E_POISONED, c"EVLOG_E_POISONED"),
    (EVLOG_E_SCHEMA, c"EVLOG_E_SCHEMA"),
    (EVLOG_E_UNSUPPORTED, c"EVLOG_E_UNSUPPORTED"),
    (EVLOG_E_NO_MEMORY, c"EVLOG_E_NO_MEMORY"),
    (EVLOG_E_PANIC, c"EVLOG_E_PANIC"),
    (EVLOG_E_HANDLE, c"EVLOG_E_HANDLE"),
    (EVLOG_E_INDETERMINATE, c"EVLOG_E_INDETERMINATE"),
    (EVLOG_E_NOT_WRITTEN, c"EVLOG_E_NOT_WRITTEN"),
    (EVLOG_E_CLOSED, c"EVLOG_E_CLOSED"),
];

/// The name of a status, as it stands in the header.
pub(crate) fn name(status: Status) -> Option<&'static CStr> {
    NAMES.iter().find(|(number, _)| *number == status).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_ever() {
        let numbers: Vec<Status> = NAMES.iter().map(|(number, _)| *number).collect();
        let ever: Vec<Status> = [0, 1, 2].into_iter().chain((1..=20).map(|number: i32| -number)).collect();
        assert_eq!(numbers, ever);
        assert_eq!(name(-9), Some(c"EVLOG_E_TOO_LARGE"));
        assert_eq!(name(3), None);
    }
}
