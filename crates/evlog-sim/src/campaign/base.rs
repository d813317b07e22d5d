//! The disks that cases begin with, and what every case ends with.

use std::fmt;
use std::str::FromStr;

use evlog_core::Options;

use crate::disk::SimDisk;
use crate::disk::crash::Crash;
use crate::model::{Checked, Ended, Model, broken};
use crate::oracle::Depth;
use crate::session::{Course, Op, Session};
use crate::tally::Tally;

/// What a workload finds on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Empty,
    /// A log of two segments, closed.
    Closed,
    /// The same log, left without closing it.
    Unclean,
}

impl Base {
    /// Each of them.
    pub const ALL: [Base; 3] = [Base::Empty, Base::Closed, Base::Unclean];
}

impl fmt::Display for Base {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Base::Empty => "empty",
            Base::Closed => "closed",
            Base::Unclean => "unclean",
        })
    }
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Base, String> {
        Base::ALL.into_iter().find(|base| base.to_string() == text).ok_or(format!("no base is called {text}"))
    }
}

/// A disk with a log on it, what is known of the log, and the number of the next event.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) disk: SimDisk,
    pub(crate) model: Model,
    pub(crate) serial: u64,
}

/// The options of all cases: segments so small that everything happens soon.
pub(crate) fn options() -> Options {
    let mut options = Options::new();
    options.segment_bytes(16 << 10);
    options
}

impl Ground {
    /// Makes one.
    ///
    /// # Errors
    /// A broken promise, though nothing went wrong.
    pub(crate) fn new(base: Base) -> Checked<Ground> {
        let disk = SimDisk::new(1);
        if base == Base::Empty {
            return Ok(Ground { disk, model: Model::new(), serial: 0 });
        }
        let mut session = Session::new(disk, Model::new(), options(), 0);
        session.open(Ended::Process, Depth::Quick)?;
        for op in [Op::Append(1, 40), Op::Roll, Op::Append(3, 700), Op::Sync] {
            session.perform(op)?;
        }
        match base {
            Base::Unclean => session.kill(),
            _ => session.close()?,
        }
        let (model, serial) = (session.model.clone(), session.serial());
        Ok(Ground { disk: session.disk.crash(Crash::AllKept), model, serial })
    }

    /// A process on a copy of the disk.
    pub(crate) fn session(&self, seed: u64) -> Session {
        Session::new(self.disk.copy(seed), self.model.clone(), options(), self.serial)
    }
}

/// Opens what a case has left, with nothing going wrong any more: it opens, it shows what it must, it takes another
/// event, and that event is there after a power loss.
pub(crate) fn check_left(session: &mut Session, ended: Ended, first: First) -> Checked {
    if first == First::Look {
        // Some of it may be shown before anybody recovers it, and what was shown stays.
        session.look()?;
        let mut lost = after_power_loss(session, Crash::AllLost);
        let course = open_at_last(&mut lost, ended, Depth::Quick)?;
        if course != Course::Lost {
            must(course)?;
        }
        session.tally.add(&lost.tally);
    }
    let course = open_at_last(session, ended, Depth::Full)?;
    if course == Course::Lost {
        return Ok(());
    }
    must(course)?;
    let is_temporary = |path: &String| path.starts_with("log/") && path.ends_with(".tmp");
    if let Some(path) = session.disk.paths().into_iter().find(is_temporary) {
        return broken(16, format!("{path} is still there"));
    }
    must(session.perform(Op::Append(1, 30))?)?;
    must(session.perform(Op::Sync)?)?;
    let disk = session.disk.crash(Crash::AllLost);
    let mut again = Session::new(disk, session.model.clone(), options(), session.serial());
    let course = again.open(Ended::Power, Depth::Quick)?;
    if course == Course::Lost {
        return Ok(());
    }
    must(course)?;
    again.close()?;
    session.tally.add(&again.tally);
    Ok(())
}

/// Opens, and again for every file of which the system tells now that an earlier sync had failed.
pub(crate) fn open_at_last(session: &mut Session, ended: Ended, depth: Depth) -> Checked<Course> {
    let mut course = session.open(ended, depth)?;
    for _ in 0..3 {
        if course == Course::Shut && session.model.is_excused() {
            course = session.open(ended, depth)?;
        }
    }
    Ok(course)
}

/// On a disk that is still full: it opens, what is there is read, trimmed and closed, and nothing of that needs room.
pub(crate) fn check_full(session: &mut Session, ended: Ended) -> Checked {
    must(session.open(ended, Depth::Full)?)?;
    let before = session.disk.struck();
    must(session.perform(Op::Trim)?)?;
    if session.disk.struck() != before {
        return broken(11, "a trim needs room");
    }
    session.close()
}

/// Who comes first to what a case has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// A writer.
    Open,
    /// A process that may only read.
    Look,
}

pub(crate) fn must(course: Course) -> Checked {
    match course {
        Course::On => Ok(()),
        course => broken(16, format!("nothing went wrong, but the process is {course:?}")),
    }
}

/// A session on what a power loss has left.
pub(crate) fn after_power_loss(session: &Session, crash: Crash) -> Session {
    Session::new(session.disk.crash(crash), session.model.clone(), options(), session.serial())
}

/// A session on what the death of the process has left.
pub(crate) fn after_death(session: &Session, seed: u64) -> Session {
    Session::new(session.disk.copy(seed), session.model.clone(), options(), session.serial())
}

pub(crate) fn tally_of(session: Session) -> Tally {
    session.tally
}
