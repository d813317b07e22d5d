//! Many ways to go wrong, one after the other. Each has a name by which it can be repeated.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::model::{Checked, Violation, broken};
use crate::tally::Tally;

mod base;
mod patient;

pub mod errors;
pub mod files;
pub mod flips;
pub mod random;
pub mod workloads;

/// A case that broke a promise, and how to repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the case.
    pub case: String,
    /// What was broken.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.case, self.violation)
    }
}

/// What became of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub tally: Tally,
    /// What broke, the first few of each promise.
    pub failures: Vec<Failure>,
    /// How many cases broke.
    pub failed: u64,
    most_cases: u64,
    most_failures: u64,
}

/// Of each promise, so many failures are listed.
const LISTED: usize = 4;

impl Default for Outcome {
    /// One that is not bounded but by what there is to do.
    fn default() -> Outcome {
        Outcome::bounded(u64::MAX, u64::MAX)
    }
}

impl Outcome {
    /// One that is over behind so many cases, or so many that broke.
    pub fn bounded(most_cases: u64, most_failures: u64) -> Outcome {
        Outcome { tally: Tally::default(), failures: Vec::new(), failed: 0, most_cases, most_failures }
    }

    /// Counts what became of one case.
    pub fn note(&mut self, case: &dyn fmt::Display, checked: Checked<Tally>) {
        self.tally.cases += 1;
        match checked {
            Ok(tally) => self.tally.add(&tally),
            Err(violation) => {
                self.failed += 1;
                let is_same = |known: &&Failure| known.violation.promise == violation.promise;
                if self.failures.iter().filter(is_same).count() < LISTED {
                    self.failures.push(Failure { case: case.to_string(), violation });
                }
            }
        }
    }

    /// Whether it has reached one of its bounds.
    pub fn is_over(&self) -> bool {
        self.failed >= self.most_failures || self.tally.cases >= self.most_cases
    }
}

thread_local! {
    /// Whether this thread is in a case.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of this thread began.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs one case; a panic in it breaks promise 29. Panics are kept for the list of failures, not printed.
pub(crate) fn guarded(case: impl FnOnce() -> Checked<Tally>) -> Checked<Tally> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IS_GUARDED.get() {
                PANIC.set(panic.to_string().replace('\n', " "));
            } else {
                usual(panic);
            }
        }));
    });
    IS_GUARDED.set(true);
    let checked = panic::catch_unwind(AssertUnwindSafe(case));
    IS_GUARDED.set(false);
    checked.unwrap_or_else(|_| broken(29, PANIC.take()))
}
