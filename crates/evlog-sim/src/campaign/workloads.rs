//! Bounded exhaustive: every short workload, ended at every change it makes to the disk, by the death of the
//! process and by every kind of power loss; and the recovery from that ended again.

use std::fmt;
use std::str::FromStr;

use super::base::{Base, First, Ground, after_death, after_power_loss, check_left, tally_of};
use super::{Outcome, guarded};
use crate::disk::crash::Crash;
use crate::disk::machine::Death;
use crate::model::{Checked, Ended};
use crate::oracle::Depth;
use crate::session::{Course, OPS, Op, Session};
use crate::tally::Tally;

/// How a process comes to its end, and its disk with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// At which change of the disk, counted from the beginning of the case.
    pub death: Death,
    /// What the power does then. `None`: it stays on.
    pub crash: Option<Crash>,
}

/// One way to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is on the disk.
    pub base: Base,
    /// What is done, by number in [`OPS`].
    pub ops: Vec<usize>,
    /// How it ends.
    pub end: End,
    /// How the recovery from it ends, if it does not end well.
    pub inner: Option<End>,
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.death {
            Death::Before(change) => write!(out, "b{change}")?,
            Death::Within(change) => write!(out, "w{change}")?,
        }
        match self.crash {
            None => write!(out, "-on"),
            Some(Crash::AllLost) => write!(out, "-lost"),
            Some(Crash::AllKept) => write!(out, "-kept"),
            Some(Crash::Prefix(count)) => write!(out, "-prefix{count}"),
            Some(Crash::AllButOne(one)) => write!(out, "-without{one}"),
            Some(Crash::OnlyOne(one)) => write!(out, "-only{one}"),
            Some(Crash::Subset(bits)) => write!(out, "-subset{bits}"),
            Some(Crash::Adversarial(seed)) => write!(out, "-adversarial{seed}"),
            Some(Crash::Tearing(seed)) => write!(out, "-tearing{seed}"),
            Some(Crash::Ordered(seed)) => write!(out, "-ordered{seed}"),
        }
    }
}

impl FromStr for End {
    type Err = String;

    fn from_str(text: &str) -> Result<End, String> {
        let wrong = || format!("{text} is no end of a process");
        let (death, crash) = text.split_once('-').ok_or_else(wrong)?;
        let change = death.get(1..).and_then(|change| change.parse().ok()).ok_or_else(wrong)?;
        let death = match death.as_bytes().first() {
            Some(b'b') => Death::Before(change),
            Some(b'w') => Death::Within(change),
            _ => return Err(wrong()),
        };
        let digits = crash.find(|letter: char| letter.is_ascii_digit()).unwrap_or(crash.len());
        let (name, number) = crash.split_at(digits);
        let number: u64 = number.parse().unwrap_or(0);
        let crash = match name {
            "on" => None,
            "lost" => Some(Crash::AllLost),
            "kept" => Some(Crash::AllKept),
            "prefix" => Some(Crash::Prefix(number as usize)),
            "without" => Some(Crash::AllButOne(number as usize)),
            "only" => Some(Crash::OnlyOne(number as usize)),
            "subset" => Some(Crash::Subset(number)),
            "adversarial" => Some(Crash::Adversarial(number)),
            "tearing" => Some(Crash::Tearing(number)),
            "ordered" => Some(Crash::Ordered(number)),
            _ => return Err(wrong()),
        };
        Ok(End { death, crash })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/", self.base)?;
        for op in &self.ops {
            write!(out, "{op:x}")?;
        }
        write!(out, "/{}", self.end)?;
        self.inner.map_or(Ok(()), |inner| write!(out, "/{inner}"))
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Case, String> {
        let mut parts = text.split('/');
        let mut part = || parts.next().ok_or(format!("{text} has too few parts"));
        let base = part()?.parse()?;
        let ops = part()?
            .chars()
            .map(|op| op.to_digit(16).map(|op| op as usize).filter(|&op| op < OPS.len()))
            .collect::<Option<_>>()
            .ok_or(format!("{text} has unknown operations"))?;
        Ok(Case { base, ops, end: part()?.parse()?, inner: parts.next().map(str::parse).transpose()? })
    }
}

/// How thoroughly the campaign goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thoroughness {
    /// With at most so many parts that were not synced, every subset of them is tried.
    pub subsets_up_to: usize,
    /// One in so many recoveries is ended itself, at every change it makes.
    pub inner_every: u64,
}

/// Runs all workloads of `length` operations, in an order by `seed`, until `goes_on` says no.
pub fn run(
    length: usize,
    thoroughness: Thoroughness,
    seed: u64,
    outcome: &mut Outcome,
    goes_on: &mut dyn FnMut() -> bool,
) -> Checked {
    let mut workloads = all(length);
    fastrand::Rng::with_seed(seed).shuffle(&mut workloads);
    let grounds = [Ground::new(Base::Empty)?, Ground::new(Base::Closed)?, Ground::new(Base::Unclean)?];
    for (base, ops) in workloads {
        let ground = &grounds[base as usize];
        let mut campaign = Campaign { base, ops, ground, thoroughness, outcome: &mut *outcome };
        campaign.run();
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
    guarded(|| run_case(case, &Ground::new(case.base)?))
}

fn all(length: usize) -> Vec<(Base, Vec<usize>)> {
    let count = OPS.len().pow(length as u32);
    let ops =
        |number: usize| (0..length).map(|place| number / OPS.len().pow(place as u32) % OPS.len()).collect();
    Base::ALL.into_iter().flat_map(|base| (0..count).map(move |number| (base, ops(number)))).collect()
}

/// All ends of one workload.
struct Campaign<'a> {
    base: Base,
    ops: Vec<usize>,
    ground: &'a Ground,
    thoroughness: Thoroughness,
    outcome: &'a mut Outcome,
}

impl Campaign<'_> {
    fn run(&mut self) {
        for change in 0.. {
            let mut is_over = false;
            for death in [Death::Before(change), Death::Within(change)] {
                // What a write leaves of itself in the cache matters while the power stays on; after a power loss it
                // is one of many parts.
                let left = match guarded_left(self.ground, &self.ops, death) {
                    Ok(left) => left,
                    Err(violation) => {
                        let case = self.case(End { death, crash: None });
                        self.outcome.note(&case, Err(violation));
                        return;
                    }
                };
                is_over = left.course != Course::Dead;
                self.run_end(&left.session, End { death, crash: None });
                if matches!(death, Death::Before(_)) {
                    for crash in crashes(&left.session, self.thoroughness) {
                        self.run_end(&left.session, End { death, crash: Some(crash) });
                    }
                }
            }
            if is_over || self.outcome.is_over() {
                return;
            }
        }
    }

    fn case(&self, end: End) -> Case {
        Case { base: self.base, ops: self.ops.clone(), end, inner: None }
    }

    fn run_end(&mut self, left: &Session, end: End) {
        let mut case = self.case(end);
        let number = self.outcome.tally.cases;
        let checked = guarded(|| {
            let mut session = follow(left, end.crash);
            let first = if number.is_multiple_of(4) { First::Look } else { First::Open };
            check_left(&mut session, ended(end.crash), first)?;
            let mut tally = tally_of(session);
            tally.struck(name(end.crash));
            Ok(tally)
        });
        self.outcome.note(&case, checked);
        if !number.is_multiple_of(self.thoroughness.inner_every) {
            return;
        }
        for change in 0.. {
            let by_chance = [number, number + 1, number + 2].map(Crash::Adversarial);
            let crashes = [Crash::AllLost, Crash::AllKept].into_iter().chain(by_chance);
            for crash in [None].into_iter().chain(crashes.map(Some)) {
                case.inner = Some(End { death: Death::Before(change), crash });
                let mut is_over = false;
                let checked = guarded(|| {
                    let (tally, course) = run_inner(left, end, case.inner)?;
                    is_over = course != Course::Dead;
                    Ok(tally)
                });
                self.outcome.note(&case, checked);
                if is_over || self.outcome.is_over() {
                    return;
                }
            }
        }
    }
}

/// What a workload has left.
struct Left {
    session: Session,
    course: Course,
}

fn guarded_left(ground: &Ground, ops: &[usize], death: Death) -> Checked<Left> {
    let mut left = None;
    guarded(|| {
        left = Some(run_ops(ground, ops, death)?);
        Ok(Tally::default())
    })?;
    left.map_or_else(|| crate::model::broken(29, "the workload left nothing"), Ok)
}

fn run_ops(ground: &Ground, ops: &[usize], death: Death) -> Checked<Left> {
    let mut session = ground.session(2);
    arm(&session, death);
    let mut course = session.open(Ended::Power, Depth::Quick)?;
    for &op in ops {
        if course == Course::On {
            course = session.perform(op_of(op))?;
        }
    }
    session.kill();
    Ok(Left { session, course })
}

fn op_of(number: usize) -> Op {
    OPS.get(number).copied().unwrap_or(Op::Read)
}

/// Counts the changes of a death from now on.
fn arm(session: &Session, death: Death) {
    let before = session.disk.changes();
    session.disk.die(match death {
        Death::Before(change) => Death::Before(before + change),
        Death::Within(change) => Death::Within(before + change),
    });
}

fn follow(left: &Session, crash: Option<Crash>) -> Session {
    match crash {
        Some(crash) => after_power_loss(left, crash),
        None => after_death(left, 3),
    }
}

fn ended(crash: Option<Crash>) -> Ended {
    if crash.is_some() { Ended::Power } else { Ended::Process }
}

/// Ends the recovery, too, or the first durable append behind it. `Course::On` where both were over before.
fn run_inner(left: &Session, end: End, inner: Option<End>) -> Checked<(Tally, Course)> {
    let mut session = follow(left, end.crash);
    let mut how = ended(end.crash);
    let mut course = Course::On;
    let mut tally = Tally::default();
    if let Some(inner) = inner {
        arm(&session, inner.death);
        course = session.open(how, Depth::Quick)?;
        for op in [Op::Append(1, 60), Op::Sync] {
            if course == Course::On {
                course = session.perform(op)?;
            }
        }
        session.kill();
        tally.add(&session.tally);
        tally.struck(name(inner.crash));
        if course == Course::Dead && inner.crash.is_some() {
            how = Ended::Power;
        }
        session = follow(&session, inner.crash);
    }
    check_left(&mut session, how, First::Open)?;
    tally.add(&session.tally);
    Ok((tally, course))
}

fn run_case(case: &Case, ground: &Ground) -> Checked<Tally> {
    let left = run_ops(ground, &case.ops, case.end.death)?;
    for first in [First::Open, First::Look] {
        let mut session = follow(&left.session, case.end.crash);
        check_left(&mut session, ended(case.end.crash), first)?;
    }
    run_inner(&left.session, case.end, case.inner).map(|(tally, _)| tally)
}

/// The power losses that are worth trying.
fn crashes(left: &Session, thoroughness: Thoroughness) -> Vec<Crash> {
    let units = left.disk.units().len();
    if units == 0 {
        return vec![Crash::AllLost];
    }
    let mut crashes = Vec::new();
    if units <= thoroughness.subsets_up_to {
        crashes.extend((0..1 << units).map(Crash::Subset));
    } else {
        crashes.extend([Crash::AllLost, Crash::AllKept]);
        crashes.extend([1, units / 3, units / 2, units - 1].map(Crash::Prefix));
        crashes.extend([0, units / 2, units - 1].map(Crash::AllButOne));
        crashes.extend([0, units / 2, units - 1].map(Crash::OnlyOne));
        crashes.extend([1, 2].map(Crash::Ordered));
    }
    crashes.extend([1, 2, 3, 4].map(Crash::Adversarial));
    crashes.extend([1, 2].map(Crash::Tearing));
    crashes
}

fn name(crash: Option<Crash>) -> &'static str {
    match crash {
        None => "process killed",
        Some(Crash::AllLost) => "power lost: nothing kept",
        Some(Crash::AllKept) => "power lost: all kept",
        Some(Crash::Prefix(_)) => "power lost: a prefix kept",
        Some(Crash::AllButOne(_)) => "power lost: all but one kept",
        Some(Crash::OnlyOne(_)) => "power lost: one kept",
        Some(Crash::Subset(_)) => "power lost: each subset kept",
        Some(Crash::Adversarial(_)) => "power lost: adversarial",
        Some(Crash::Tearing(_)) => "power lost: torn sectors",
        Some(Crash::Ordered(_)) => "power lost: ordered",
    }
}
