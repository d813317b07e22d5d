//! Plays calls that bytes spell, with handles that are live, freed, of another type, null or made up, and checks what
//! the header promises of each. For tests and fuzzing; never part of what is installed.

mod calls;
mod handles;

use std::ffi::CString;
use std::path::Path;
use std::ptr;

use crate::boundary::Error;
use crate::error::{evlog_error_free, evlog_error_message, evlog_error_status};
use crate::player::handles::{Handles, Tape};
use crate::status::{self, EVLOG_E_HANDLE, EVLOG_E_PANIC, EVLOG_E_POISONED, EVLOG_OK, Status};

/// Stands where results go, so that one can see that nothing went there.
const UNTOUCHED: u64 = 0xA5A5_A5A5_A5A5_A5A5;

/// Plays the calls that `bytes` spell, with stores in `folder`, which is empty before. In the end everything is freed.
/// Returns how many calls succeeded.
///
/// # Panics
/// Where a call does not do what the header says.
pub fn play(bytes: &[u8], folder: &Path) -> usize {
    let mut player =
        Player { tape: Tape::new(bytes), handles: Handles::default(), folder: folder.into(), done: 0 };
    while !player.tape.is_over() {
        player.call();
    }
    player.end();
    player.done
}

struct Player<'a> {
    tape: Tape<'a>,
    handles: Handles,
    folder: std::path::PathBuf,
    done: usize,
}

/// What a call was made with: whether its handles are live, where its error goes, where its result goes.
struct Made {
    is_live: bool,
    err: *mut Error,
    out: u64,
}

impl Made {
    fn with(is_live: bool) -> Made {
        Made { is_live, err: ptr::null_mut(), out: UNTOUCHED }
    }
}

impl Player<'_> {
    /// Checks what a call answered.
    fn check(&mut self, status: Status, made: &Made) {
        assert!(status::name(status).is_some(), "{status} is no status");
        assert_ne!(status, EVLOG_E_PANIC, "a panic");
        assert!(made.is_live || status == EVLOG_E_HANDLE, "{status} for a handle that is none");
        assert!(
            !made.is_live || !matches!(status, EVLOG_E_HANDLE | EVLOG_E_POISONED),
            "{status}: it is live"
        );
        assert!(status == EVLOG_OK || made.out == UNTOUCHED, "{status}, and a result");
        assert_eq!(status < 0, !made.err.is_null(), "{status}, and an error or none");
        self.done += usize::from(status == EVLOG_OK);
        if status < 0 {
            use crate::boundary::{Owned, Shared};
            assert_eq!(evlog_error_status(Shared::at(made.err)), status);
            assert!(!evlog_error_message(Shared::at(made.err)).is_null());
            assert_eq!(evlog_error_free(Owned::at(made.err)), EVLOG_OK);
            assert_eq!(evlog_error_free(Owned::at(made.err)), EVLOG_E_HANDLE);
        }
    }

    fn path(&self, store: u8) -> CString {
        let path = self.folder.join(format!("store{}", store % 2));
        CString::new(path.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
