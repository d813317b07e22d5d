//! Bytes damaged at rest: every bit of a log flipped, every file cut at every byte, sectors lost, exchanged and
//! misdirected. What was not touched is returned, nothing is invented, and what is lost is said.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use evlog_core::{Error, Log, Place, Position};

use super::base::options;
use super::patient::{Patient, check_untouched, check_verified, is_loud, open};
use super::{Outcome, guarded};
use crate::disk::damage::{Damage, Fill};
use crate::disk::{SECTOR, SimDisk};
use crate::model::{Checked, Ended, broken};
use crate::oracle::Depth;
use crate::session::{Course, Session};
use crate::tally::Tally;

pub use super::patient::Shape;

/// One way to damage one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The log.
    pub shape: Shape,
    /// Number of the segment.
    pub segment: usize,
    /// What happens to it.
    pub damage: Damage,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/", self.shape, self.segment)?;
        match &self.damage {
            Damage::Flip(bit) => write!(out, "flip-{bit}"),
            Damage::Truncate(len) => write!(out, "cut-{len}"),
            Damage::Sector(sector, Fill::Zeros) => write!(out, "zeros-{sector}"),
            Damage::Sector(sector, Fill::Ones) => write!(out, "ones-{sector}"),
            Damage::Sector(sector, Fill::Garbage(seed)) => write!(out, "garbage-{sector}-{seed}"),
            Damage::Swap(one, other) => write!(out, "swap-{one}-{other}"),
            Damage::Misdirect(from, to) => write!(out, "misdirect-{from}-{to}"),
            Damage::Extend(len, Fill::Garbage(seed)) => write!(out, "extend-{len}-{seed}"),
            Damage::Extend(len, _) => write!(out, "extend-{len}"),
            Damage::Unreadable(sector, times) => write!(out, "unreadable-{sector}-{times}"),
            other => write!(out, "{other:?}"),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Case, String> {
        let wrong = || format!("{text} is no case of flips");
        let [shape, segment, damage] = text.split('/').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let shape = shape.parse()?;
        let segment = segment.parse().map_err(|_| wrong())?;
        let mut parts = damage.split('-');
        let name = parts.next().unwrap_or_default();
        let numbers: Vec<u64> = parts.map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let damage = match (name, numbers[..].as_ref()) {
            ("flip", [bit]) => Damage::Flip(*bit),
            ("cut", [len]) => Damage::Truncate(*len as usize),
            ("zeros", [sector]) => Damage::Sector(*sector as usize, Fill::Zeros),
            ("ones", [sector]) => Damage::Sector(*sector as usize, Fill::Ones),
            ("garbage", [sector, seed]) => Damage::Sector(*sector as usize, Fill::Garbage(*seed)),
            ("swap", [one, other]) => Damage::Swap(*one as usize, *other as usize),
            ("misdirect", [from, to]) => Damage::Misdirect(*from as usize, *to as usize),
            ("extend", [len, seed]) => Damage::Extend(*len as usize, Fill::Garbage(*seed)),
            ("extend", [len]) => Damage::Extend(*len as usize, Fill::Zeros),
            ("unreadable", [sector, times]) => Damage::Unreadable(*sector as usize, *times as u32),
            _ => return Err(wrong()),
        };
        Ok(Case { shape, segment, damage })
    }
}

/// All damage to bytes of a log, in an order by `seed`, until `goes_on` says no.
///
/// # Errors
/// A promise that is broken though nothing is damaged.
pub fn run(shape: Shape, seed: u64, outcome: &mut Outcome, goes_on: &mut dyn FnMut() -> bool) -> Checked {
    let patient = Patient::new(shape)?;
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut cases = Vec::new();
    // What is coarse comes first: it is little, and costs the most.
    for list in [list_coarse, list_fine] {
        let begin = cases.len();
        for (segment, found) in patient.segments.iter().enumerate() {
            list(found.bytes.len(), seed, &mut |damage| cases.push(Case { shape, segment, damage }));
        }
        chance.shuffle(&mut cases[begin..]);
    }
    for case in cases {
        let thoroughly = outcome.tally.cases.is_multiple_of(16);
        outcome.note(&case, guarded(|| run_case(&patient, &case, thoroughly)));
        if outcome.is_over() || !goes_on() {
            break;
        }
    }
    Ok(())
}

/// Repeats one case.
///
/// # Errors
/// What it breaks.
pub fn replay(case: &Case) -> Checked<Tally> {
    guarded(|| run_case(&Patient::new(case.shape)?, case, true))
}

/// What can happen to the bits and bytes of a file of so many bytes.
fn list_fine(len: usize, _: u64, add: &mut dyn FnMut(Damage)) {
    for bit in 0..len as u64 * 8 {
        add(Damage::Flip(bit));
    }
    for cut in 0..len {
        add(Damage::Truncate(cut));
    }
}

/// What can happen to its sectors.
fn list_coarse(len: usize, seed: u64, add: &mut dyn FnMut(Damage)) {
    let sectors = len.div_ceil(SECTOR);
    for sector in 0..sectors {
        add(Damage::Sector(sector, Fill::Zeros));
        add(Damage::Sector(sector, Fill::Ones));
        add(Damage::Sector(sector, Fill::Garbage(seed)));
        add(Damage::Unreadable(sector, 1));
        add(Damage::Unreadable(sector, u32::MAX));
        for other in 0..sectors {
            if other != sector {
                add(Damage::Misdirect(sector, other));
            }
            if other < sector {
                add(Damage::Swap(sector, other));
            }
        }
    }
    for more in [1, 7, 8, 96, 512, 4_096, 20_000] {
        add(Damage::Extend(len + more, Fill::Zeros));
        add(Damage::Extend(len + more, Fill::Garbage(seed)));
    }
}

fn run_case(patient: &Patient, case: &Case, thoroughly: bool) -> Checked<Tally> {
    let Some(segment) = patient.segments.get(case.segment) else {
        return broken(0, format!("there is no segment {}", case.segment));
    };
    let disk = patient.disk.copy(5);
    if disk.damage(&segment.path, &case.damage).is_err() {
        return broken(0, format!("{} is not there", segment.path));
    }
    let mut tally = Tally::default();
    tally.struck(name(&case.damage));
    if matches!(case.damage, Damage::Unreadable(..)) {
        check_unreadable(patient, &disk, &case.damage, &mut tally)?;
        return Ok(tally);
    }
    let damaged = disk.bytes(&segment.path).unwrap_or_default();
    let last = patient.segments.len() - 1;
    let mut required = BTreeSet::new();
    for (number, one) in patient.segments.iter().enumerate() {
        let bytes = if number == case.segment { &damaged } else { &one.bytes };
        required.extend(one.required(bytes, number == last));
    }
    let log = match open(&disk, &mut tally) {
        Ok(log) => log,
        // A last segment that does not even say what it is cannot be gone on with.
        Err(Error::NotALog { .. }) if case.segment == last && !segment.is_named(&damaged) => {
            return Ok(tally);
        }
        Err(error) => return broken(13, format!("the log does not open: {error:?}")),
    };
    if log.range().start != patient.model.start() {
        return broken(13, format!("the log starts at {}", log.range().start));
    }
    let found = patient.check_found(&log, &required)?;
    // What ends exactly behind a whole batch leaves no trace.
    let is_cut = matches!(case.damage, Damage::Truncate(_));
    if !is_cut && found.len() as Position != patient.model.end() && !is_loud(&log, &found) {
        return broken(7, "events are lost, and nothing says so");
    }
    if thoroughly {
        check_verified(&log, &found)?;
        patient.check_goes_on(log, &disk, &found, &mut tally)?;
        check_untouched(segment, &damaged, &disk)?;
    }
    Ok(tally)
}

/// A sector that cannot be read is an error and no conclusion; once it can be read again, everything is there.
fn check_unreadable(patient: &Patient, disk: &SimDisk, damage: &Damage, tally: &mut Tally) -> Checked {
    match open(disk, tally) {
        Err(Error::Io { .. }) => {}
        Err(error) => return broken(14, format!("an unreadable sector makes of the open {error:?}")),
        Ok(log) => check_readable(&log, patient)?,
    }
    if matches!(damage, Damage::Unreadable(_, u32::MAX)) {
        for segment in &patient.segments {
            let bytes = disk.bytes(&segment.path).unwrap_or_default();
            if bytes[..segment.end().min(bytes.len())] != segment.bytes[..segment.end()] {
                return broken(14, format!("{} has changed", segment.path));
            }
        }
        return Ok(());
    }
    let mut session = Session::new(disk.spawn(), patient.model.clone(), options(), 1 << 40);
    for _ in 0..3 {
        if session.open(Ended::Process, Depth::Full)? == Course::On {
            return session.close();
        }
    }
    broken(14, "the sector can be read again, the log cannot")
}

/// Until the sector is met, events; then an error, and no gap.
fn check_readable(log: &Log, patient: &Patient) -> Checked {
    let mut reader = match log.read(Place::Oldest) {
        Ok(reader) => reader,
        Err(Error::Io { .. }) => return Ok(()),
        Err(error) => return broken(14, format!("an unreadable sector makes of a read {error:?}")),
    };
    for position in log.range() {
        match reader.next() {
            Ok(Some(event)) if patient.model.event(position).is_some_and(|known| known.is(&event)) => {}
            Err(Error::Io { .. }) => return Ok(()),
            other => return broken(14, format!("beside an unreadable sector, {position} is {other:?}")),
        }
    }
    if log.range().end == patient.model.end() { Ok(()) } else { broken(14, "events are missing") }
}

fn name(damage: &Damage) -> &'static str {
    match damage {
        Damage::Flip(_) => "bit flipped",
        Damage::Truncate(_) => "file cut",
        Damage::Sector(..) => "sector replaced",
        Damage::Swap(..) => "sectors exchanged",
        Damage::Misdirect(..) => "sector misdirected",
        Damage::Extend(..) => "file lengthened",
        Damage::Unreadable(..) => "sector unreadable",
        Damage::Replace(_) | Damage::Duplicate(_) | Damage::Rename(_) | Damage::Delete => "file replaced",
    }
}
