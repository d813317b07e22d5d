//! A process that uses a log and keeps the model beside it.

use std::sync::Arc;

use evlog_core::storage::Storage;
use evlog_core::{Error, Group, Log, Options, Position};

use crate::disk::SimDisk;
use crate::disk::fault::OperationKind;
use crate::model::{Checked, Ended, Known, Model, batch_of, broken};
use crate::oracle::{Depth, check_open_log, check_opened};
use crate::tally::{Tally, Verdict};

/// The folder of the log that the tests use. Its parent is the root.
pub const LOG: &str = "/log";

/// Something that a user does with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Appends a batch of so many events, whose payloads grow from nothing, or one event, up to so many bytes.
    Append(u16, u32),
    /// Appends so many batches of one event each, in one write.
    Group(u16, u32),
    /// Appends an event whose payload is a piece of the newest segment: whole batches, in the wrong place.
    Embed,
    /// Makes what was appended durable.
    Sync,
    /// Starts a new segment.
    Roll,
    /// Marks an idle log.
    Mark,
    /// Drops everything that may be dropped.
    Trim,
    /// Closes and opens again.
    Reopen,
    /// Reads everything.
    Read,
    /// Reads everything in another process, which may only read.
    Look,
}

/// The operations of bounded exhaustive workloads.
pub const OPS: [Op; 11] = [
    Op::Append(1, 40),
    Op::Append(3, 700),
    Op::Append(1, 5_000),
    Op::Sync,
    Op::Roll,
    Op::Mark,
    Op::Trim,
    Op::Reopen,
    Op::Read,
    Op::Look,
    Op::Group(6, 40),
];

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It does.
    On,
    /// Its process is dead.
    Dead,
    /// It could not open the log, with a fault of the disk as the excuse.
    Shut,
    /// A sync that lied has cost the log itself.
    Lost,
}

/// A process, its open log, and what is known of it.
#[derive(Debug)]
pub struct Session {
    /// The process.
    pub disk: SimDisk,
    /// What is known.
    pub model: Model,
    /// What its opens found.
    pub tally: Tally,
    log: Option<Log>,
    options: Options,
    /// Number of the next event, which makes its bytes its own.
    serial: u64,
    /// Whether the power has failed and no open has decided yet what is left.
    is_unsettled: bool,
}

/// Opening, and what comes at the end.
impl Session {
    /// A process that has not opened the log yet. Events get their bytes from numbers that begin at `serial`.
    pub fn new(disk: SimDisk, model: Model, options: Options, serial: u64) -> Session {
        Session { disk, model, tally: Tally::default(), log: None, options, serial, is_unsettled: false }
    }

    /// Opens the log and checks what the open decided.
    ///
    /// # Errors
    /// A broken promise; an error of the open too, unless something went wrong on the disk.
    pub fn open(&mut self, ended: Ended, depth: Depth) -> Checked<Course> {
        self.is_unsettled |= ended == Ended::Power;
        let ended = if self.is_unsettled { Ended::Power } else { Ended::Process };
        let (before, half_made) = (self.before(), self.half_made());
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let opened = self.options.open_on(storage, LOG);
        match &opened {
            _ if self.disk.is_dead() => {}
            Ok(log) => self.tally.opened(Verdict::of(log.report())),
            Err(error) => self.tally.opened(Verdict::of_error(error)),
        }
        self.excuse(&before);
        match opened {
            Ok(log) => {
                let checked = check_opened(&log, &mut self.model, ended, depth);
                self.unless_unreadable(&before, checked)?;
                self.log = Some(log);
                self.is_unsettled = false;
                Ok(if self.disk.is_dead() { Course::Dead } else { Course::On })
            }
            Err(_) if self.disk.is_dead() => Ok(Course::Dead),
            Err(error) if self.disk.struck() > before.struck => {
                // A failed sync may have dropped from the cache what was written and never synced.
                self.is_unsettled |= matches!(error, Error::Io { operation: "sync", .. });
                self.check_nothing_half_made(&before, &half_made)?;
                Ok(Course::Shut)
            }
            // Even the header of its last segment may be lost to a sync that lied.
            Err(Error::NotALog { .. }) if self.model.is_excused() => Ok(Course::Lost),
            Err(error) => broken(16, format!("the log does not open: {error:?}")),
        }
    }

    /// A log that could not be made leaves nothing behind, unless removing that fails too.
    fn check_nothing_half_made(&self, before: &Before, half_made: &[String]) -> Checked {
        let new = self.half_made().into_iter().find(|path| !half_made.contains(path));
        match new.filter(|_| self.disk.struck() == before.struck + 1) {
            Some(path) => broken(24, format!("the open failed, and {path} is left")),
            None => Ok(()),
        }
    }

    fn half_made(&self) -> Vec<String> {
        self.disk.paths().into_iter().filter(|path| path.starts_with("new-")).collect()
    }

    /// Opens the log in another process that may only read, checks what it shows, and that it changes nothing.
    ///
    /// # Errors
    /// A broken promise; an error of the open too, unless something went wrong on the disk.
    pub fn look(&mut self) -> Checked {
        // Where a writer is at work, it is the one who says what is durable.
        let bound = if self.log.is_some() { self.model.durable() } else { self.model.end() };
        self.look_up_to(bound)
    }

    fn look_up_to(&mut self, bound: Position) -> Checked {
        let before = self.before();
        let other = self.disk.spawn();
        let storage: Arc<dyn Storage> = Arc::new(other.clone());
        let changes = count_changes(&other);
        let looked = self.options.open_read_only_on(storage, LOG);
        let log = match looked {
            Ok(log) => log,
            Err(_) if self.disk.struck() > before.struck || other.is_dead() => return Ok(()),
            Err(Error::NotFound { .. }) if self.model.end() == 0 => return Ok(()),
            Err(error) => return broken(16, format!("the log does not open to read: {error:?}")),
        };
        if count_changes(&other) != changes {
            return broken(16, "an open to read only has changed something");
        }
        let shown = log.range().start..log.durable_end();
        if shown.end > bound {
            return broken(8, format!("{shown:?} is shown as durable, {bound} may be"));
        }
        let checked = self.model.shown(&shown).and_then(|()| check_open_log(&log, &self.model, Depth::Quick));
        self.excuse(&before);
        self.unless_unreadable(&before, checked)
    }

    /// Whether the log is open.
    pub fn is_open(&self) -> bool {
        self.log.is_some()
    }

    /// The open log.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// Whether the power has failed, and no open has decided yet what is left.
    pub fn is_unsettled(&self) -> bool {
        self.is_unsettled
    }

    /// Number of the next event.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Kills the process: its handles end without closing the log.
    pub fn kill(&mut self) {
        self.disk.kill();
        drop(self.log.take());
    }

    /// Closes the log.
    ///
    /// # Errors
    /// Promises 10 and 28.
    pub fn close(&mut self) -> Checked {
        let Some(log) = self.log.take() else { return Ok(()) };
        let before = self.before();
        let answer = log.close();
        if self.model.is_poisoned() && answer.is_ok() {
            return broken(10, "the close of a poisoned log succeeded");
        }
        if let Err(error) = &answer
            && self.disk.struck() == before.struck
            && !self.disk.is_dead()
            && !self.model.is_poisoned()
        {
            return broken(28, format!("the close fails: {error:?}"));
        }
        let checked = match answer {
            // Everything is durable; only the note that makes the next open quick could not be written.
            Err(Error::Io { .. }) => Ok(()),
            answer => self.answered(answer),
        };
        self.excuse(&before);
        checked?;
        let open_files = self.disk.open_files();
        if open_files > 0 && !self.disk.is_dead() {
            return broken(28, format!("{open_files} files stay open behind the close"));
        }
        Ok(())
    }
}

/// What a fault may excuse.
#[derive(Clone, Copy, Debug)]
struct Before {
    struck: u64,
    lied: u64,
    durable: Position,
}

impl Session {
    fn before(&self) -> Before {
        Before { struck: self.disk.struck(), lied: self.disk.lied(), durable: self.model.durable() }
    }

    /// What a sync that lied has vouched for is nobody's fault.
    fn excuse(&mut self, before: &Before) {
        if self.disk.lied() > before.lied {
            self.model.excuse(before.durable);
        }
    }

    /// A read error is fine where the disk refuses to be read; a wrong answer never is.
    fn unless_unreadable(&self, before: &Before, checked: Checked) -> Checked {
        match checked {
            Err(broken) if broken.promise == 14 && self.disk.struck() > before.struck => Ok(()),
            Err(broken) if broken.promise == 14 && self.disk.is_dead() => Ok(()),
            checked => checked,
        }
    }
}

/// What users do.
impl Session {
    /// Does one thing and keeps the model in step. Where the log is shut, tries to open it instead.
    ///
    /// # Errors
    /// A broken promise.
    pub fn perform(&mut self, op: Op) -> Checked<Course> {
        let Some(mut log) = self.log.take() else {
            return self.open(Ended::Process, Depth::Quick);
        };
        let before = self.before();
        let performed = match op {
            Op::Append(count, size) => {
                let events = self.invent(count, size);
                self.append(&mut log, &[events])
            }
            Op::Group(count, size) => {
                let batches: Vec<Vec<Known>> = (0..count).map(|_| self.invent(1, size)).collect();
                self.append(&mut log, &batches)
            }
            Op::Embed => {
                let event = self.embed();
                self.append(&mut log, &[vec![event]])
            }
            Op::Sync => {
                let answer = log.sync();
                self.answered(answer)
            }
            Op::Roll => {
                let answer = log.roll();
                self.answered(answer)
            }
            Op::Mark => match log.mark() {
                Ok(()) => Ok(()),
                Err(_) if self.disk.is_dead() => Ok(()),
                Err(error) => self.model.not_synced(&error),
            },
            Op::Trim => self.trim(&mut log),
            Op::Reopen => {
                self.log = Some(log);
                self.close()?;
                return if self.disk.is_dead() {
                    Ok(Course::Dead)
                } else {
                    self.open(Ended::Process, Depth::Quick)
                };
            }
            Op::Read => {
                let checked = check_open_log(&log, &self.model, Depth::Full);
                self.unless_unreadable(&before, checked)
            }
            Op::Look => self.look_up_to(self.model.durable()),
        };
        performed?;
        if self.disk.is_dead() {
            return Ok(Course::Dead);
        }
        self.check_ends(&log, &before)?;
        self.log = Some(log);
        Ok(Course::On)
    }

    /// What the log says of itself behind every operation, and that reads go on after failed writes.
    fn check_ends(&mut self, log: &Log, before: &Before) -> Checked {
        self.model.shown_durable(log.durable_end())?;
        self.excuse(before);
        if !self.model.is_poisoned() && log.range().end != self.model.end() {
            return broken(8, format!("{:?} is there, {} were written", log.range(), self.model.end()));
        }
        if self.model.is_poisoned() {
            let checked = check_open_log(log, &self.model, Depth::Quick);
            return self.unless_unreadable(before, checked);
        }
        Ok(())
    }

    /// The next events, each with bytes of its own.
    fn invent(&mut self, count: u16, size: u32) -> Vec<Known> {
        let schema = (self.serial % 3) as u32;
        let greatest = u64::from(size);
        (0..u64::from(count))
            .map(|number| {
                let size = if count == 1 { greatest } else { greatest * number / u64::from(count - 1) };
                self.serial += 1;
                invented(self.serial, schema, size as usize)
            })
            .collect()
    }

    /// An event that looks like batches.
    fn embed(&mut self) -> Known {
        self.serial += 1;
        let mut event = invented(self.serial, 0, 0);
        let newest = self.disk.paths().into_iter().rfind(|path| path.ends_with(".seg"));
        let bytes = newest.and_then(|path| self.disk.bytes(&path).ok()).unwrap_or_default();
        let from = bytes.len().saturating_sub(2_000).next_multiple_of(8).min(bytes.len());
        event.payload.extend_from_slice(&bytes[from..]);
        event
    }

    fn append(&mut self, log: &mut Log, batches: &[Vec<Known>]) -> Checked {
        let framed: Result<Vec<_>, _> = batches.iter().map(|events| batch_of(events)).collect();
        let framed = framed.or_else(|error| broken(11, format!("a batch takes no events: {error:?}")))?;
        let answer = if let [batch] = &framed[..] {
            log.append(batch)
        } else {
            let mut group = Group::new();
            for batch in &framed {
                group.push_batch(batch);
            }
            log.append_group(&mut group)
        };
        match answer {
            Ok(positions) => self.model.appended(batches, &positions),
            Err(error) => self.model.not_appended(batches, (!self.disk.is_dead()).then_some(&error)),
        }
    }

    /// What came of something that makes everything durable.
    fn answered(&mut self, answer: Result<(), Error>) -> Checked {
        match answer {
            Ok(()) if self.model.is_poisoned() => broken(10, "a sync or roll succeeded on a poisoned log"),
            Ok(()) => {
                self.model.synced();
                Ok(())
            }
            Err(_) if self.disk.is_dead() => Ok(()),
            Err(error) => self.model.not_synced(&error),
        }
    }

    fn trim(&mut self, log: &mut Log) -> Checked {
        let asked: Position = log.range().end;
        match log.trim_before(asked) {
            Ok(start) => self.model.trimmed(asked, start),
            Err(error) => {
                self.model.maybe_trimmed(asked);
                match error {
                    _ if self.disk.is_dead() => Ok(()),
                    Error::Io { .. } => Ok(()),
                    error => self.model.not_synced(&error),
                }
            }
        }
    }
}

/// Operations that change names or bytes. Opening counts where it creates; that shows as a name.
fn count_changes(disk: &SimDisk) -> (u64, Vec<String>) {
    use OperationKind::{CreateFolder, Remove, RemoveFolder, Rename, SetLen, Write};
    let kinds = [CreateFolder, Remove, RemoveFolder, Rename, SetLen, Write];
    (kinds.into_iter().map(|kind| disk.count(kind)).sum(), disk.paths())
}

/// The event with this number: no two are the same, and their times go back now and then.
pub fn invented(serial: u64, schema: u32, size: usize) -> Known {
    let mut payload = vec![0; size];
    fastrand::Rng::with_seed(serial).fill(&mut payload);
    let back = if serial.is_multiple_of(5) { 35 } else { 0 };
    Known { timestamp: serial as i64 * 10 - back, schema, payload }
}
