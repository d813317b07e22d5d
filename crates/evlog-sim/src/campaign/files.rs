//! Whole files damaged at rest: gone, doubled, renamed, exchanged, foreign, or back in an older state. What stands in
//! the others is returned, nothing is invented, nothing is removed, and what is lost is said.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use evlog_core::{Error, Log, Position};

use super::patient::{Patient, Shape, check_verified, is_loud, open};
use super::{Outcome, guarded};
use crate::disk::SimDisk;
use crate::disk::damage::{Damage, Fill};
use crate::model::{Checked, broken};
use crate::tally::Tally;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is gone.
    Gone,
    /// It is empty.
    Empty,
    /// It is as it was at this earlier time, by number.
    Older,
    /// It is doubled, with this number as the copy's ordinal and its own base.
    Doubled,
    /// It is doubled, with its own ordinal and this base.
    DoubledBase,
    /// It has this ordinal now.
    Renamed,
    /// It has a name that is none of a segment.
    Lost,
    /// It has changed places with the segment of this number.
    Exchanged,
    /// The file of this number, from another log, stands in its place.
    Foreign,
    /// Another log's file stands behind the last segment.
    ForeignBehind,
    /// Both copies of its header are zeros.
    Headless,
}

const KINDS: [(&str, Kind); 11] = [
    ("gone", Kind::Gone),
    ("empty", Kind::Empty),
    ("older", Kind::Older),
    ("doubled", Kind::Doubled),
    ("doubled-base", Kind::DoubledBase),
    ("renamed", Kind::Renamed),
    ("lost", Kind::Lost),
    ("exchanged", Kind::Exchanged),
    ("foreign", Kind::Foreign),
    ("foreign-behind", Kind::ForeignBehind),
    ("headless", Kind::Headless),
];

/// One way to damage one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The log.
    pub shape: Shape,
    /// Number of the segment.
    pub segment: usize,
    /// What happens to it.
    pub kind: Kind,
    /// Where the kind needs one.
    pub number: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        write!(out, "{}/{}/{name}/{}", self.shape, self.segment, self.number)
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Case, String> {
        let wrong = || format!("{text} is no case of files");
        let [shape, segment, name, number] = text.split('/').collect::<Vec<_>>()[..] else {
            return Err(wrong());
        };
        let kind = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(wrong)?;
        let number_of = |text: &str| text.parse().map_err(|_| wrong());
        Ok(Case { shape: shape.parse()?, segment: number_of(segment)?, kind, number: number_of(number)? })
    }
}

/// Every damage to every file.
///
/// # Errors
/// A promise that is broken though nothing is damaged.
pub fn run(shape: Shape, outcome: &mut Outcome) -> Checked {
    let patient = Patient::new(shape)?;
    for segment in 0..patient.segments.len() {
        for (_, kind) in KINDS {
            for number in numbers(kind, segment, &patient) {
                let case = Case { shape, segment, kind, number };
                outcome.note(&case, guarded(|| run_case(&patient, &case)));
            }
        }
    }
    Ok(())
}

/// Repeats one case.
///
/// # Errors
/// What it breaks.
pub fn replay(case: &Case) -> Checked<Tally> {
    guarded(|| run_case(&Patient::new(case.shape)?, case))
}

fn numbers(kind: Kind, segment: usize, patient: &Patient) -> Vec<usize> {
    let count = patient.segments.len();
    match kind {
        Kind::Gone | Kind::Empty | Kind::Lost | Kind::Headless => vec![0],
        Kind::Older => {
            let of_this = patient.older.iter().enumerate().filter(|(_, (number, _))| *number == segment);
            of_this.map(|(number, _)| number).collect()
        }
        Kind::Doubled | Kind::Renamed => (0..count + 2).filter(|&ordinal| ordinal != segment).collect(),
        Kind::DoubledBase => vec![1, 3, 1_000],
        Kind::Exchanged => (0..segment).collect(),
        Kind::Foreign => (0..count).collect(),
        Kind::ForeignBehind => (0..1).collect(),
    }
}

fn run_case(patient: &Patient, case: &Case) -> Checked<Tally> {
    let disk = patient.disk.copy(5);
    if case.segment >= patient.segments.len() || damage(patient, case, &disk).is_err() {
        return broken(0, "there is nothing to damage");
    }
    let mut tally = Tally::default();
    tally.struck("file replaced");
    let before: Vec<(String, Vec<u8>)> = contents(&disk);
    let touched: BTreeSet<usize> = match case.kind {
        Kind::Doubled | Kind::DoubledBase | Kind::ForeignBehind => BTreeSet::new(),
        Kind::Exchanged => BTreeSet::from([case.segment, case.number]),
        _ => BTreeSet::from([case.segment]),
    };
    let log = match open(&disk, &mut tally) {
        Ok(log) => log,
        Err(error) => return refused(patient, &touched, &error, &disk, &before).map(|()| tally),
    };
    let required = required(patient, &touched, &log, case);
    let found = patient.check_found(&log, &required)?;
    let report = log.report();
    let is_said = is_loud(&log, &found) || !report.gone.is_empty() || !report.foreign.is_empty();
    if found.len() as Position != patient.model.end() && !is_said && !leaves_no_trace(patient, case) {
        return broken(7, "events are lost, and nothing says so");
    }
    check_verified(&log, &found)?;
    patient.check_goes_on(log, &disk, &found, &mut tally)?;
    check_kept(&disk, &before)?;
    Ok(tally)
}

/// Neither a last segment that is as it was once, nor a missing first one of a log that was not closed can be told from
/// what is in order.
fn leaves_no_trace(patient: &Patient, case: &Case) -> bool {
    match case.kind {
        Kind::Older => case.segment + 1 == patient.segments.len(),
        Kind::Gone | Kind::Lost => case.segment == 0 && !case.shape.is_closed(),
        _ => false,
    }
}

/// The events of the segments that nothing happened to.
fn required(patient: &Patient, touched: &BTreeSet<usize>, log: &Log, case: &Case) -> BTreeSet<Position> {
    let last = patient.segments.len() - 1;
    let untouched = patient.segments.iter().enumerate().filter(|(number, _)| !touched.contains(number));
    let mut required: BTreeSet<Position> =
        untouched.flat_map(|(number, one)| one.required(&one.bytes, number == last)).collect();
    // Without its first segments a log starts later, as if they had been trimmed.
    required.retain(|position| *position >= log.range().start);
    if case.kind == Kind::Headless && case.segment != last {
        // The next segment's header tells how to read it.
        let one = &patient.segments[case.segment];
        required.extend(one.required(&one.bytes, false));
    }
    required
}

/// A log whose end is not known is not opened; nothing is changed.
fn refused(
    patient: &Patient,
    touched: &BTreeSet<usize>,
    error: &Error,
    disk: &SimDisk,
    before: &[(String, Vec<u8>)],
) -> Checked {
    let last = patient.segments.len() - 1;
    let is_last = touched.contains(&last);
    match error {
        Error::MissingSegments { .. } | Error::NotALog { .. } if is_last => check_kept(disk, before),
        error => broken(18, format!("the log does not open: {error:?}")),
    }
}

fn damage(patient: &Patient, case: &Case, disk: &SimDisk) -> std::io::Result<()> {
    let segment = &patient.segments[case.segment];
    let (path, name) = (&*segment.path, Name::of(&segment.path));
    match case.kind {
        Kind::Gone => disk.damage(path, &Damage::Delete),
        Kind::Empty => disk.damage(path, &Damage::Truncate(0)),
        Kind::Older => disk.damage(path, &Damage::Replace(patient.older[case.number].1.clone())),
        Kind::Doubled => {
            disk.damage(path, &Damage::Duplicate(Name { ordinal: case.number as u64, ..name }.to_string()))
        }
        Kind::DoubledBase => disk.damage(
            path,
            &Damage::Duplicate(Name { base: name.base + case.number as u64, ..name }.to_string()),
        ),
        Kind::Renamed => {
            disk.damage(path, &Damage::Rename(Name { ordinal: case.number as u64, ..name }.to_string()))
        }
        Kind::Lost => disk.damage(path, &Damage::Rename("lost+found".to_owned())),
        Kind::Exchanged => {
            let other = &patient.segments[case.number];
            disk.damage(path, &Damage::Replace(other.bytes.clone()))?;
            disk.damage(&other.path, &Damage::Replace(segment.bytes.clone()))
        }
        Kind::Foreign => disk.damage(path, &Damage::Replace(foreign(case.number))),
        Kind::ForeignBehind => {
            let last = &patient.segments[patient.segments.len() - 1];
            let name = Name { ordinal: patient.segments.len() as u64, base: patient.model.end() };
            disk.damage(&last.path, &Damage::Duplicate(name.to_string()))?;
            disk.damage(&format!("log/{name}"), &Damage::Replace(foreign(0)))
        }
        Kind::Headless => {
            disk.damage(path, &Damage::Sector(0, Fill::Zeros))?;
            disk.damage(path, &Damage::Sector(4, Fill::Zeros))
        }
    }
}

/// A segment of another log that is made by other chance.
fn foreign(number: usize) -> Vec<u8> {
    let other = Patient::with_seed(Shape::Three, 99);
    other
        .ok()
        .and_then(|other| other.segments.into_iter().nth(number))
        .map(|one| one.bytes)
        .unwrap_or_default()
}

/// The name of a segment, which may be one that no writer gives.
#[derive(Clone, Copy)]
struct Name {
    base: u64,
    ordinal: u64,
}

impl Name {
    fn of(path: &str) -> Name {
        let mut numbers =
            path.split(|letter: char| !letter.is_ascii_digit()).filter_map(|part| part.parse().ok());
        Name { base: numbers.next().unwrap_or(0), ordinal: numbers.next().unwrap_or(0) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:020}-{:010}.seg", self.base, self.ordinal)
    }
}

fn contents(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    disk.paths().into_iter().filter_map(|path| Some((path.clone(), disk.bytes(&path).ok()?))).collect()
}

/// Every file is still there, and what it held is.
fn check_kept(disk: &SimDisk, before: &[(String, Vec<u8>)]) -> Checked {
    for (path, bytes) in before {
        let now = disk.bytes(path).unwrap_or_default();
        // Only zeros may have become something else, and the hint.
        let changed = bytes
            .iter()
            .enumerate()
            .find(|&(at, &byte)| byte != 0 && now.get(at) != Some(&byte) && !(1_024..1_056).contains(&at));
        if let Some((at, _)) = changed {
            return broken(13, format!("{path} has changed at {at}"));
        }
    }
    Ok(())
}
