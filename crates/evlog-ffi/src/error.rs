//! Errors: objects of their own, not the state of a thread.

use std::ffi::{c_char, c_int};

use crate::boundary::{Error, OptionalOut, Output, Owned, Shared, ask, free};
use crate::status::{EVLOG_E_HANDLE, EVLOG_END, EVLOG_OK, Status};

/// Stands for no position: none expected, none known.
pub const EVLOG_ANY: u64 = u64::MAX;

/// The status that the failed call answered.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_error_status(error: Shared<Error>) -> Status {
    ask(&error, EVLOG_E_HANDLE, |error| error.0.status)
}

/// What happened, with its causes, in one line for people. Lives as long as the error; never null.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_error_message(error: Shared<Error>) -> *const c_char {
    ask(&error, c"no such error".as_ptr(), |error| error.0.text.as_ptr())
}

/// The `errno` behind the error; 0 where the system was not the cause.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_error_errno(error: Shared<Error>) -> c_int {
    ask(&error, 0, |error| error.0.errno)
}

/// The position that the error knows: where the topic really ends (`EVLOG_E_WRONG_POSITION`, `EVLOG_E_NOT_FOUND`) or
/// starts (`EVLOG_E_TRIMMED`), or where reading goes on (`EVLOG_E_CORRUPT`). `EVLOG_ANY` where it knows none.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_error_position(error: Shared<Error>) -> u64 {
    ask(&error, EVLOG_ANY, |error| error.0.position.unwrap_or(EVLOG_ANY))
}

/// The positions from `*from_out` up to, not including, `*to_out` cannot be read: that is the error. `EVLOG_END` where
/// it is another error. Either pointer may be null.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_error_gap(
    error: Shared<Error>,
    from_out: OptionalOut<u64>,
    to_out: OptionalOut<u64>,
) -> Status {
    ask(&error, EVLOG_E_HANDLE, |error| match &error.0.gap {
        None => EVLOG_END,
        Some(gap) => {
            let outputs = (from_out, to_out);
            let put = outputs.check().and_then(|()| outputs.put((gap.start, gap.end)));
            put.map_or_else(|failure| failure.status, |()| EVLOG_OK)
        }
    })
}

/// Frees an error; null is fine.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_error_free(error: Owned<Error>) -> Status {
    free(&error)
}
