//! Why a call failed, in the words of C: a status, a text, and the numbers that a program may act on.

use std::error::Error as _;
use std::ffi::CString;
use std::io;
use std::ops::Range;

use evlog_core::{ParsePlaceError, Position};

use crate::status::{
    EVLOG_E_CLOSED, EVLOG_E_CORRUPT, EVLOG_E_FULL, EVLOG_E_HANDLE, EVLOG_E_INDETERMINATE, EVLOG_E_INVALID,
    EVLOG_E_IO, EVLOG_E_LOCKED, EVLOG_E_NO_MEMORY, EVLOG_E_NOT_FOUND, EVLOG_E_NOT_WRITTEN, EVLOG_E_PANIC,
    EVLOG_E_POISONED, EVLOG_E_READ_ONLY, EVLOG_E_SCHEMA, EVLOG_E_TOO_LARGE, EVLOG_E_TRIMMED,
    EVLOG_E_UNSUPPORTED, EVLOG_E_WRONG_POSITION, Status,
};

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    /// The error with its causes.
    pub(crate) text: CString,
    /// What the system said; 0 where it was not asked.
    pub(crate) errno: i32,
    /// Where the topic really ends or starts, for the errors that know.
    pub(crate) position: Option<Position>,
    /// Positions that cannot be read.
    pub(crate) gap: Option<Range<Position>>,
}

impl Failure {
    pub(crate) fn new(status: Status, text: impl Into<String>) -> Failure {
        let text = text.into().replace('\0', "\\0");
        Failure { status, text: CString::new(text).unwrap_or_default(), errno: 0, position: None, gap: None }
    }

    /// An argument is wrong.
    pub(crate) fn invalid(text: impl Into<String>) -> Failure {
        Failure::new(EVLOG_E_INVALID, text)
    }

    /// There is no room for another handle.
    pub(crate) fn no_handle_left() -> Failure {
        Failure::new(EVLOG_E_NO_MEMORY, "no handle can be made: free some first")
    }

    /// Something inside panicked.
    pub(crate) fn panicked(what: &str) -> Failure {
        Failure::new(EVLOG_E_PANIC, format!("a bug in evlog, please report it: {what}"))
    }
}

/// The error with all its causes in one line.
fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// The first thing that the system said among the causes of an error; 0 where it said nothing.
fn errno_of(error: &evlog_store::Error) -> i32 {
    let mut cause = error.log().map_or_else(|| error.source(), |log| Some(log));
    while let Some(error) = cause {
        if let Some(number) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return number;
        }
        cause = error.source();
    }
    0
}

impl From<evlog_store::Error> for Failure {
    fn from(error: evlog_store::Error) -> Failure {
        use evlog_store::Error as E;
        let mut failure = Failure::new(status_of_store(&error), in_one_line(&error));
        failure.errno = errno_of(&error);
        failure.position = match &error {
            E::WrongPosition { actual, .. } => Some(*actual),
            E::Log(error) => position_of(error),
            _ => None,
        };
        failure.gap = match error.log() {
            Some(evlog_core::Error::Gap(gap) | evlog_core::Error::Damaged(gap)) => Some(gap.from..gap.to),
            _ => None,
        };
        failure
    }
}

impl From<evlog_core::Error> for Failure {
    fn from(error: evlog_core::Error) -> Failure {
        evlog_store::Error::from(error).into()
    }
}

impl From<ParsePlaceError> for Failure {
    fn from(error: ParsePlaceError) -> Failure {
        Failure::invalid(error.to_string())
    }
}

impl From<evlog_store::units::OptionError> for Failure {
    fn from(error: evlog_store::units::OptionError) -> Failure {
        evlog_store::Error::from(error).into()
    }
}

fn position_of(error: &evlog_core::Error) -> Option<Position> {
    use evlog_core::Error as E;
    match error {
        E::Trimmed { start, .. } => Some(*start),
        E::OutOfRange { end, .. } => Some(*end),
        E::Gap(gap) | E::Damaged(gap) => Some(gap.to),
        _ => None,
    }
}

fn status_of_store(error: &evlog_store::Error) -> Status {
    use evlog_store::Error as E;
    match error {
        E::Log(error) => status_of(error),
        E::NotWritten { .. } => EVLOG_E_NOT_WRITTEN,
        E::InvalidName(_) | E::InvalidOption(_) => EVLOG_E_INVALID,
        E::UnknownTopic { .. } => EVLOG_E_NOT_FOUND,
        E::Closed { .. } | E::StoreClosed => EVLOG_E_CLOSED,
        E::WrongPosition { .. } => EVLOG_E_WRONG_POSITION,
        E::QueueFull { .. } => EVLOG_E_FULL,
        E::Schema { .. } | E::Payload { .. } | E::Value { .. } => EVLOG_E_SCHEMA,
        // Whatever the store learns to say has to be given a status here; until then it is an error all the same.
        _ => EVLOG_E_IO,
    }
}

fn status_of(error: &evlog_core::Error) -> Status {
    use evlog_core::Error as E;
    match error {
        E::NoSpace { .. } => EVLOG_E_FULL,
        E::NotWritten { .. } => EVLOG_E_NOT_WRITTEN,
        E::Indeterminate { .. } => EVLOG_E_INDETERMINATE,
        E::Poisoned { .. } => EVLOG_E_POISONED,
        E::Locked { .. } => EVLOG_E_LOCKED,
        E::ReadOnly { .. } => EVLOG_E_READ_ONLY,
        E::NotFound { .. } | E::OutOfRange { .. } => EVLOG_E_NOT_FOUND,
        E::MissingSegments { .. } | E::NotALog { .. } | E::Damaged(_) | E::Gap(_) => EVLOG_E_CORRUPT,
        E::Unsupported { .. } | E::UnsafeFile { .. } | E::UnreliableStorage { .. } => EVLOG_E_UNSUPPORTED,
        E::TooLarge { .. } => EVLOG_E_TOO_LARGE,
        E::Trimmed { .. } => EVLOG_E_TRIMMED,
        E::InvalidOption { .. } => EVLOG_E_INVALID,
        E::Forked { .. } => EVLOG_E_HANDLE,
        _ => EVLOG_E_IO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn an_error_of_the_log_keeps_its_causes_and_numbers() {
        let source = io::Error::from_raw_os_error(28);
        let failure = Failure::from(evlog_core::Error::NoSpace { path: PathBuf::from("x"), source });
        assert_eq!((failure.status, failure.errno), (EVLOG_E_FULL, 28));
        let text = failure.text.to_str().unwrap();
        assert!(text.starts_with("no room to write x") && text.contains(": No space left"), "{text}");

        let failure = Failure::from(evlog_core::Error::Trimmed { asked: 1, start: 7 });
        assert_eq!((failure.status, failure.position, failure.gap), (EVLOG_E_TRIMMED, Some(7), None));
    }

    #[test]
    fn what_failed_because_of_an_earlier_group_was_not_written() {
        let source = io::Error::from_raw_os_error(5);
        let cause = evlog_core::Error::Indeterminate { path: PathBuf::from("x"), source };
        let topic = "t".parse().unwrap();
        let failure = Failure::from(evlog_store::Error::NotWritten { topic, source: cause.into() });
        assert_eq!((failure.status, failure.errno), (EVLOG_E_NOT_WRITTEN, 5));
    }

    #[test]
    fn a_text_with_a_nul_is_still_shown() {
        assert_eq!(Failure::invalid("a\0b").text.to_str().unwrap(), "a\\0b");
    }
}
