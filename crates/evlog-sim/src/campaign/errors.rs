//! The error sweep: every operation of a scenario fails in every way, once, for good, and every other time; and a
//! disk that fills up at every byte.

use std::fmt;
use std::str::FromStr;

use super::base::{
    Base, First, Ground, after_death, after_power_loss, check_full, check_left, must, open_at_last,
};
use super::{Outcome, guarded};
use crate::disk::crash::Crash;
use crate::disk::fault::{At, Errno, FailedSync, Fault, OperationKind, Repeat, What};
use crate::disk::machine::{Operation, Quota, QuotaAt};
use crate::model::{Checked, Ended, broken};
use crate::oracle::Depth;
use crate::session::{Course, OPS, Op, Session};
use crate::tally::Tally;

/// What is done while something goes wrong: operations by number in [`OPS`], a hexadecimal digit each.
const SCENARIOS: [&str; 16] = [
    "0a00300",
    "a3a0a3703",
    "03",
    "1303",
    "0134",
    "040403",
    "2323232",
    "0347",
    "0370303",
    "0304603",
    "00003703",
    "03530",
    "2146",
    "0303030303030303030303",
    "03a",
    "1a",
];

/// Bytes between the sizes at which a disk is full.
const QUOTA_STEP: usize = 61;

/// What goes wrong, by the name that it has in a case.
const WHATS: [(&str, What); 23] = [
    ("eio", What::Error(Errno::IO)),
    ("enospc", What::Error(Errno::NOSPC)),
    ("edquot", What::Error(Errno::DQUOT)),
    ("efbig", What::Error(Errno::FBIG)),
    ("emfile", What::Error(Errno::MFILE)),
    ("eacces", What::Error(Errno::ACCESS)),
    ("erofs", What::Error(Errno::ROFS)),
    ("eintr", What::Error(Errno::INTR)),
    ("partial-eio", What::PartialError(Errno::IO)),
    ("short1", What::Short(1)),
    ("short7", What::Short(7)),
    ("short64", What::Short(64)),
    ("short600", What::Short(600)),
    ("sync-dropped", What::Sync(FailedSync::Dropped, Errno::IO)),
    ("sync-late", What::Sync(FailedSync::Late, Errno::IO)),
    ("sync-reverted", What::Sync(FailedSync::Reverted, Errno::IO)),
    ("sync-partial", What::Sync(FailedSync::Partial, Errno::IO)),
    ("sync-kept", What::Sync(FailedSync::Kept, Errno::IO)),
    ("sync-dropped-enospc", What::Sync(FailedSync::Dropped, Errno::NOSPC)),
    ("sync-late-enospc", What::Sync(FailedSync::Late, Errno::NOSPC)),
    ("sync-reverted-enospc", What::Sync(FailedSync::Reverted, Errno::NOSPC)),
    ("sync-partial-enospc", What::Sync(FailedSync::Partial, Errno::NOSPC)),
    ("sync-kept-enospc", What::Sync(FailedSync::Kept, Errno::NOSPC)),
];

const REPEATS: [(&str, Repeat); 3] =
    [("once", Repeat::Once), ("sticky", Repeat::Sticky), ("flapping", Repeat::Flapping)];

const QUOTAS: [(&str, QuotaAt); 3] = [
    ("full-at-write", QuotaAt::Write),
    ("full-at-sync-dropped", QuotaAt::Sync(FailedSync::Dropped)),
    ("full-at-sync-partial", QuotaAt::Sync(FailedSync::Partial)),
];

/// What goes wrong in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The operation with this number, counted from the first open, meets a fault by number, repeated by number.
    Fault {
        /// Number of the operation.
        operation: u64,
        /// What, by number.
        what: usize,
        /// How often, by number.
        repeat: usize,
    },
    /// The disk takes so many bytes more.
    Full {
        /// When it is noticed, by number.
        at: usize,
        /// Bytes that are free.
        free: u64,
    },
}

/// One way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is on the disk.
    pub base: Base,
    /// What is done, by number.
    pub scenario: usize,
    /// What goes wrong.
    pub trouble: Trouble,
}

impl Case {
    /// What is left to chance in it.
    fn seed(&self) -> u64 {
        match self.trouble {
            Trouble::Fault { operation, what, repeat } => operation * 7 + (what * 3 + repeat) as u64,
            Trouble::Full { free, .. } => free,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/", self.base, self.scenario)?;
        match self.trouble {
            Trouble::Fault { operation, what, repeat } => {
                write!(out, "{operation}/{}/{}", WHATS[what].0, REPEATS[repeat].0)
            }
            Trouble::Full { at, free } => write!(out, "{free}/{}/free", QUOTAS[at].0),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Case, String> {
        let wrong = || format!("{text} is no case of the error sweep");
        let parts: Vec<&str> = text.split('/').collect();
        let [base, scenario, number, what, repeat] = parts[..] else { return Err(wrong()) };
        let scenario = scenario.parse().ok().filter(|&number| number < SCENARIOS.len()).ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        let trouble = if let Some(at) = QUOTAS.iter().position(|(name, _)| *name == what) {
            Trouble::Full { at, free: number }
        } else {
            let what = WHATS.iter().position(|(name, _)| *name == what).ok_or_else(wrong)?;
            let repeat = REPEATS.iter().position(|(name, _)| *name == repeat).ok_or_else(wrong)?;
            Trouble::Fault { operation: number, what, repeat }
        };
        Ok(Case { base: base.parse()?, scenario, trouble })
    }
}

/// Runs the whole sweep, in an order by `seed`, until `goes_on` says no.
///
/// # Errors
/// A promise that is broken though nothing went wrong.
pub fn run(seed: u64, outcome: &mut Outcome, goes_on: &mut dyn FnMut() -> bool) -> Checked {
    let grounds = [Ground::new(Base::Empty)?, Ground::new(Base::Closed)?, Ground::new(Base::Unclean)?];
    let mut cases = Vec::new();
    for base in Base::ALL {
        for scenario in 0..SCENARIOS.len() {
            list(base, scenario, &grounds[base as usize], &mut cases)?;
        }
    }
    fastrand::Rng::with_seed(seed).shuffle(&mut cases);
    for case in cases {
        let ground = &grounds[case.base as usize];
        outcome.note(&case, guarded(|| run_case(&case, ground)));
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

/// All cases of one scenario, found by running it without trouble.
fn list(base: Base, scenario: usize, ground: &Ground, cases: &mut Vec<Case>) -> Checked {
    let mut session = ground.session(2);
    session.disk.record();
    let used = session.disk.used();
    run_scenario(&mut session, scenario)?;
    for operation in session.disk.take_record() {
        for what in 0..WHATS.len() {
            for repeat in 0..REPEATS.len() {
                if makes_sense(&operation, WHATS[what].1, REPEATS[repeat].1) {
                    let trouble = Trouble::Fault { operation: operation.number, what, repeat };
                    cases.push(Case { base, scenario, trouble });
                }
            }
        }
    }
    let most = session.disk.used().saturating_sub(used) + 600;
    for at in 0..QUOTAS.len() {
        for free in (0..most).step_by(QUOTA_STEP) {
            cases.push(Case { base, scenario, trouble: Trouble::Full { at, free } });
        }
    }
    Ok(())
}

/// Whether a fault is another one than an error that is tried anyway.
fn makes_sense(operation: &Operation, what: What, repeat: Repeat) -> bool {
    use OperationKind::{Read, Sync, SyncFolder, Write};
    match what {
        What::PartialError(_) => operation.kind == Write,
        What::Short(bytes) => matches!(operation.kind, Read | Write) && (bytes as u64) < operation.len,
        What::Sync(..) => matches!(operation.kind, Sync | SyncFolder),
        // The system never fails for ever with an interruption; whoever tries again need not count.
        What::Error(Errno::INTR) => repeat != Repeat::Sticky,
        What::Error(_) => true,
    }
}

fn run_scenario(session: &mut Session, scenario: usize) -> Checked<Course> {
    let mut course = session.open(Ended::Power, Depth::Quick)?;
    for digit in SCENARIOS[scenario].bytes() {
        let number = char::from(digit).to_digit(16).map_or(usize::MAX, |digit| digit as usize);
        let op = OPS.get(number).copied().unwrap_or(Op::Read);
        course = session.perform(op)?;
    }
    Ok(course)
}

fn run_case(case: &Case, ground: &Ground) -> Checked<Tally> {
    let mut session = ground.session(2);
    match case.trouble {
        Trouble::Fault { operation, what, repeat } => {
            let (what, repeat) = (WHATS[what].1, REPEATS[repeat].1);
            session.disk.arm(Fault { at: At::Operation(operation), repeat, what });
        }
        Trouble::Full { at, free } => {
            let bytes = session.disk.used() + free;
            session.disk.set_quota(Some(Quota { bytes, at: QUOTAS[at].1 }));
        }
    }
    run_scenario(&mut session, case.scenario)?;
    if session.disk.struck() == 0 && matches!(case.trouble, Trouble::Fault { .. }) {
        return broken(0, "the fault did not strike: the scenario is not the one that was recorded");
    }
    let mut tally = Tally::default();
    let seed = case.seed();
    if seed.is_multiple_of(2) {
        // What an append that goes on writes over must not matter.
        tally.add(&check_ends(&session, seed)?);
    }
    check_goes_on(&mut session)?;
    session.kill();
    tally.add(&session.tally);
    tally.struck(match case.trouble {
        Trouble::Fault { what, .. } => WHATS[what].0,
        Trouble::Full { at, .. } => QUOTAS[at].0,
    });
    tally.add(&check_ends(&session, seed)?);
    Ok(tally)
}

/// Once nothing goes wrong any more, a log that is not poisoned works on, with the positions that it promised.
fn check_goes_on(session: &mut Session) -> Checked {
    session.disk.disarm();
    let quota = session.disk.quota();
    session.disk.set_quota(None);
    if !session.is_open() {
        must(open_at_last(session, Ended::Process, Depth::Quick)?)?;
    }
    let (end, is_poisoned) = (session.model.end(), session.model.is_poisoned());
    must(session.perform(Op::Append(1, 20))?)?;
    if !is_poisoned && session.model.end() != end + 1 {
        return broken(11, "an append fails though nothing is wrong any more");
    }
    session.disk.set_quota(quota);
    Ok(())
}

/// The process ends; the cache may stay, or go, or the power fails.
fn check_ends(session: &Session, seed: u64) -> Checked<Tally> {
    let mut tally = Tally::default();
    let mut check = |mut left: Session, ended: Ended| {
        left.disk.set_quota(None);
        let checked = check_left(&mut left, ended, First::Open);
        tally.add(&left.tally);
        checked
    };
    check(after_death(session, 3), Ended::Process)?;
    let evicted = after_death(session, 3);
    evicted.disk.evict();
    check(evicted, if session.disk.struck() > 0 { Ended::Power } else { Ended::Process })?;
    let by_chance = [Crash::Adversarial(seed), Crash::Adversarial(seed + 1), Crash::Ordered(seed)];
    for crash in [Crash::AllLost, Crash::AllKept].into_iter().chain(by_chance) {
        check(after_power_loss(session, crash), Ended::Power)?;
    }
    // Only making a log needs room.
    if session.is_open() && session.disk.quota().is_some_and(|quota| quota.at == QuotaAt::Write) {
        check_full(&mut after_death(session, 4), Ended::Process)?;
        check_full(&mut after_power_loss(session, Crash::Adversarial(seed + 2)), Ended::Power)?;
    }
    Ok(tally)
}
