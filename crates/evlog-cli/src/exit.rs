//! How a command ends: the code that scripts see, and the error that people see.

use std::error::Error;
use std::io;
use std::process::{ExitCode, Termination};

/// The exit codes. They are fixed: scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done. Also where whoever read the output closed it.
    Done = 0,
    /// The answer is no: `verify` found damage, or a `--timeout` passed.
    No = 1,
    /// The command line, a name, a place or an option is wrong, or an event is too large.
    Usage = 2,
    /// The system refused: an I/O error, a full disk, a folder that cannot be written.
    Failed = 3,
    /// Damage met while reading, or a file that is foreign or from a later version.
    Damage = 4,
    /// Somebody else writes the topic.
    Locked = 5,
    /// The topic does not end where the caller expected.
    WrongPosition = 6,
    /// No such topic, or a position that is not there.
    NotThere = 7,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The log says why.
    #[error(transparent)]
    Log(#[from] evlog_core::Error),
    /// The store says why.
    #[error(transparent)]
    Store(#[from] evlog_store::Error),
    /// The system says why.
    #[error("cannot {what}")]
    System {
        /// What was tried, and with what.
        what: String,
        source: io::Error,
    },
    /// The command says why.
    #[error("{message}")]
    Refused { exit: Exit, message: String },
    /// Whoever read the standard output wants no more of it, which is no fault.
    #[error("the standard output was closed")]
    OutputClosed,
}

impl Failure {
    /// The command itself refuses, and the message says why.
    pub(crate) fn refused(exit: Exit, message: impl Into<String>) -> Failure {
        Failure::Refused { exit, message: message.into() }
    }

    /// A function that tells what the system refused, for `map_err`.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        let what = what.into();
        |source| Failure::System { what, source }
    }

    /// The exit code that says so.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Log(error) => exit_of(error),
            Failure::Store(error) => exit_of_store(error),
            Failure::System { .. } => Exit::Failed,
            Failure::Refused { exit, .. } => *exit,
            Failure::OutputClosed => Exit::Done,
        }
    }

    /// The error with all its causes in one line.
    pub(crate) fn in_one_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

fn exit_of_store(error: &evlog_store::Error) -> Exit {
    use evlog_store::Error as E;
    match error {
        E::InvalidName(_) | E::InvalidOption(_) => Exit::Usage,
        E::UnknownTopic { .. } => Exit::NotThere,
        E::WrongPosition { .. } => Exit::WrongPosition,
        other => other.log().map_or(Exit::Failed, exit_of),
    }
}

fn exit_of(error: &evlog_core::Error) -> Exit {
    use evlog_core::Error as E;
    match error {
        E::TooLarge { .. } | E::InvalidOption { .. } => Exit::Usage,
        E::MissingSegments { .. }
        | E::NotALog { .. }
        | E::Unsupported { .. }
        | E::UnsafeFile { .. }
        | E::Damaged(_)
        | E::Gap(_) => Exit::Damage,
        E::Locked { .. } => Exit::Locked,
        E::NotFound { .. } | E::Trimmed { .. } | E::OutOfRange { .. } => Exit::NotThere,
        // I/O, no room, not written, indeterminate, poisoned, read-only, unreliable storage, forked.
        _ => Exit::Failed,
    }
}
