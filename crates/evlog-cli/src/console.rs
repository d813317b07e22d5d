//! What a command says to the person who started it, on the standard error output.

use std::fmt::Display;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::exit::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors and damage.
    Quiet,
    /// Also what is unusual.
    Normal,
    /// Also what was done.
    Verbose,
}

/// Says why the command failed.
pub(crate) fn error(failure: &Failure) {
    say(&format!("{ERROR}error:{ERROR:#} {}", failure.in_one_line()));
}

/// Says what is damaged, however quiet the command is to be.
pub(crate) fn damage(what: impl Display) {
    say(&format!("{WARNING}damage:{WARNING:#} {what}"));
}

/// What is said beyond errors and damage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) verbosity: Verbosity,
}

impl Console {
    /// Says what the user should know.
    pub(crate) fn warning(self, what: impl Display) {
        if self.verbosity > Verbosity::Quiet {
            say(&format!("{WARNING}warning:{WARNING:#} {what}"));
        }
    }

    /// Says what was done.
    pub(crate) fn detail(self, what: impl Display) {
        if self.verbosity == Verbosity::Verbose {
            say(&what.to_string());
        }
    }
}

/// That it cannot be written is no reason to stop, and nobody could be told.
fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
