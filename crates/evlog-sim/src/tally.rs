//! What a campaign has done, counted.

use std::collections::BTreeMap;
use std::fmt;

use evlog_core::{Error, Found, Report};

/// What an open made of what it found: the rows of the format's table of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There was no log.
    Created,
    /// An orderly end.
    Closed,
    /// No orderly end, and nothing behind the last whole batch.
    Unclean,
    /// No orderly end, and leftover bytes.
    TornTail,
    /// Something wrong below the proven end.
    Damage,
    /// The system refused: nothing is concluded.
    ReadError,
    /// Another error, by which the log stays as it is.
    Refused,
}

impl Verdict {
    /// The verdict of an open that succeeded.
    pub fn of(report: &Report) -> Verdict {
        if !report.gaps.is_empty() {
            return Verdict::Damage;
        }
        match report.found {
            _ if report.leftover_bytes > 0 => Verdict::TornTail,
            Found::Nothing => Verdict::Created,
            Found::Closed => Verdict::Closed,
            _ => Verdict::Unclean,
        }
    }

    /// The verdict of one that failed.
    pub fn of_error(error: &Error) -> Verdict {
        if matches!(error, Error::Io { .. }) { Verdict::ReadError } else { Verdict::Refused }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` keeps the width that a table asks for.
        out.pad(match self {
            Verdict::Created => "no log: made one",
            Verdict::Closed => "an orderly end",
            Verdict::Unclean => "no orderly end, nothing left over",
            Verdict::TornTail => "torn tail",
            Verdict::Damage => "damage",
            Verdict::ReadError => "read error: nothing concluded",
            Verdict::Refused => "refused, nothing changed",
        })
    }
}

/// Counts of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ways to go wrong that were tried.
    pub cases: u64,
    /// What opens found.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// What went wrong, by name.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Logs that were opened.
    pub fn opens(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Counts what an open found.
    pub fn opened(&mut self, verdict: Verdict) {
        *self.verdicts.entry(verdict).or_default() += 1;
    }

    /// Counts something that went wrong.
    pub fn struck(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Tally) {
        self.cases += other.cases;
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(*verdict).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}
