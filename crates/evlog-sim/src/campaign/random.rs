//! Many lives of one log, each with its own schedule, its own faults and its own end, all by chance.

use evlog_core::Options;

use super::base::{First, check_left, open_at_last};
use super::{Outcome, guarded};
use crate::disk::SimDisk;
use crate::disk::crash::Crash;
use crate::disk::fault::{At, ERRORS, Errno, FailedSync, Fault, Repeat, What};
use crate::disk::machine::{Death, Quota, QuotaAt};
use crate::model::{Checked, Ended, Model};
use crate::oracle::Depth;
use crate::session::{Course, Op, Session};
use crate::tally::Tally;

/// How many short lives with trouble of their own come behind a long one.
const RECOVERIES: [&str; 4] = [
    "no trouble in the recovery",
    "trouble in the recovery",
    "trouble in two recoveries",
    "trouble in three recoveries",
];

/// Runs cases, each by its own number, from `seed` on, until `goes_on` says no.
pub fn run(seed: u64, outcome: &mut Outcome, goes_on: &mut dyn FnMut() -> bool) {
    for case in seed.wrapping_mul(1 << 32).. {
        outcome.note(&case, replay(case));
        if outcome.is_over() || !goes_on() {
            break;
        }
    }
}

/// Repeats one case.
///
/// # Errors
/// What it breaks.
pub fn replay(case: u64) -> Checked<Tally> {
    guarded(|| Lives::new(case).run())
}

/// One log through its lives.
struct Lives {
    chance: fastrand::Rng,
    disk: SimDisk,
    model: Model,
    options: Options,
    serial: u64,
    tally: Tally,
    /// What happened between the last life and the next.
    ended: Ended,
}

impl Lives {
    fn new(case: u64) -> Lives {
        let mut chance = fastrand::Rng::with_seed(case);
        let mut options = Options::new();
        options.segment_bytes(pick(&mut chance, &[8 << 10, 12 << 10, 16 << 10, 64 << 10]));
        options.pad_group_to(pick(&mut chance, &[None, None, None, Some(512), Some(4096)]));
        Lives {
            disk: SimDisk::new(chance.u64(..)),
            model: Model::new(),
            options,
            serial: 0,
            tally: Tally::default(),
            ended: Ended::Process,
            chance,
        }
    }

    fn run(mut self) -> Checked<Tally> {
        for _ in 0..self.chance.usize(1..=4) {
            // Now and then several recoveries in a row meet trouble before one of them is left in peace.
            let recoveries = if self.chance.u8(0..3) == 0 { self.chance.usize(1..=3) } else { 0 };
            let lengths = std::iter::once(60).chain(std::iter::repeat_n(3, recoveries));
            for length in lengths {
                if self.live(length)? == Course::Lost {
                    return Ok(self.tally);
                }
            }
            self.tally.struck(RECOVERIES[recoveries]);
        }
        let first = if self.chance.bool() && self.disk.lied() == 0 { First::Look } else { First::Open };
        let mut session = self.session();
        // A group whose sync failed may be shown by a reader until a writer has recovered the log.
        let first = if session.model.is_poisoned() { First::Open } else { first };
        check_left(&mut session, self.ended, first)?;
        self.tally.add(&session.tally);
        Ok(self.tally)
    }

    fn session(&self) -> Session {
        Session::new(self.disk.clone(), self.model.clone(), self.options.clone(), self.serial)
    }

    /// One life: open, do fewer than so many things, and end somehow.
    fn live(&mut self, length: usize) -> Checked<Course> {
        let mut session = self.session();
        self.plan_trouble(length);
        let mut course = session.open(self.ended, Depth::Quick)?;
        let mut ops = self.chance.usize(0..length);
        while ops > 0 && matches!(course, Course::On | Course::Shut) {
            let op = self.next_op();
            course = session.perform(op)?;
            ops -= 1;
        }
        if course == Course::Shut {
            // Whatever it was, it is over.
            self.disk.disarm();
            self.disk.set_quota(None);
            course = open_at_last(&mut session, self.ended, Depth::Quick)?;
        }
        if course == Course::On && self.chance.u8(..) < 80 {
            session.close()?;
        }
        session.kill();
        let is_poisoned = session.model.is_poisoned();
        self.tally.add(&session.tally);
        self.model = session.model.clone();
        self.serial = session.serial();
        self.end(&session, is_poisoned);
        Ok(course)
    }

    fn end(&mut self, session: &Session, is_poisoned: bool) {
        let seed = self.chance.u64(..);
        let crash = match self.chance.u8(0..12) {
            0..=2 => None,
            3 => Some(Crash::AllLost),
            4 => Some(Crash::AllKept),
            5 => Some(Crash::Prefix(self.chance.usize(..=session.disk.units().len()))),
            6 => Some(Crash::AllButOne(self.chance.usize(..=session.disk.units().len()))),
            7 => Some(Crash::Ordered(seed)),
            8 => Some(Crash::Tearing(seed)),
            _ => Some(Crash::Adversarial(seed)),
        };
        self.disk = match crash {
            Some(crash) => session.disk.crash(crash),
            None => session.disk.copy(seed),
        };
        let is_lost = crash.is_some() || session.is_unsettled();
        self.ended = if is_lost { Ended::Power } else { Ended::Process };
        self.tally.struck(if crash.is_some() { "power lost" } else { "process ended" });
        if crash.is_none() && is_poisoned && self.chance.bool() {
            // What a failed sync dropped shows once the cache forgets it.
            self.disk.evict();
            self.ended = Ended::Power;
            self.tally.struck("cache lost");
        }
        self.disk.set_quota(None);
    }

    /// Trouble for a life of such a length; that of a short one comes soon.
    fn plan_trouble(&mut self, length: usize) {
        let chance = &mut self.chance;
        let (operations, changes) = (length as u64 * 10, length as u64 + 20);
        for _ in 0..chance.usize(0..3) {
            let sync = FailedSync::ALL[chance.usize(..FailedSync::ALL.len())];
            let errno = ERRORS[chance.usize(..ERRORS.len())];
            let (what, name) = match chance.u8(0..8) {
                0..=1 => (What::Error(errno), "error"),
                2 => (What::PartialError(Errno::IO), "partial write"),
                3..=4 => (What::Short(chance.usize(1..3_000)), "short read or write"),
                _ => (What::Sync(sync, Errno::IO), "failed sync"),
            };
            // Whoever tries again after an interruption need not count; two that alternate would interrupt for ever.
            let is_endless = what == What::Error(Errno::INTR);
            let repeats = [Repeat::Once, Repeat::Flapping, Repeat::Sticky];
            let repeat = repeats[chance.usize(..if is_endless { 1 } else { 3 })];
            self.disk.arm(Fault { at: At::Operation(chance.u64(0..operations)), repeat, what });
            self.tally.struck(name);
        }
        if chance.u8(0..6) == 0 {
            let free = chance.u64(0..30_000);
            let hows = [QuotaAt::Write, QuotaAt::Write, QuotaAt::Sync(FailedSync::Dropped)];
            let at = hows[chance.usize(..hows.len())];
            self.disk.set_quota(Some(Quota { bytes: self.disk.used() + free, at }));
            self.tally.struck("full disk");
        }
        if chance.u8(0..3) == 0 {
            let change = self.disk.changes() + chance.u64(0..changes);
            self.disk.die(if chance.bool() { Death::Before(change) } else { Death::Within(change) });
            self.tally.struck("process killed");
        }
        if chance.u8(0..4) == 0 {
            self.disk.set_clock(chance.i64(-(1 << 56)..1 << 56), chance.i64(-1_000_000..1_000_000));
            self.tally.struck("clock jumped");
        }
    }

    fn next_op(&mut self) -> Op {
        let chance = &mut self.chance;
        match chance.u8(0..40) {
            0..=11 => Op::Append(1, chance.u32(0..300)),
            12..=15 => Op::Append(chance.u16(1..40), chance.u32(0..200)),
            16..=17 => Op::Append(chance.u16(1..4), chance.u32(0..9_000)),
            18 => Op::Group(chance.u16(2..9), chance.u32(0..200)),
            19 => Op::Embed,
            20..=28 => Op::Sync,
            29..=30 => Op::Roll,
            31..=32 => Op::Mark,
            33 => Op::Trim,
            34..=35 => Op::Reopen,
            36..=37 => Op::Look,
            _ => Op::Read,
        }
    }
}

fn pick<T: Copy>(chance: &mut fastrand::Rng, choices: &[T]) -> T {
    choices[chance.usize(..choices.len())]
}
