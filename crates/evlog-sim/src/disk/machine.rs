//! The machine behind a [`SimDisk`](super::SimDisk): files, folders, processes, locks, a clock, and what is going
//! to go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use evlog_core::Timestamp;
use evlog_core::storage::LockKind;

use super::contents::Contents;
use super::entries::{Entries, NameChange};
use super::fault::{Armed, Errno, FailedSync, Fault, OperationKind, What};

mod files;
mod folders;

/// The folder that all paths begin at.
pub(crate) const ROOT: u64 = 1;

/// What a number of the file system stands for.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    File(Contents),
    Folder(Entries),
}

/// When the process that does the work dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Instead of the changing operation with this number, counted from 0.
    Before(u64),
    /// In the midst of it: of a write, only a part is done; everything else is done and never returns.
    Within(u64),
}

/// How many bytes all files may have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The bound.
    pub bytes: u64,
    /// When it is looked at.
    pub at: QuotaAt,
}

/// When a full disk is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaAt {
    /// By the write that no longer fits: what fits is written.
    Write,
    /// By the sync only, which then fails in this way.
    Sync(FailedSync),
}

/// One entry of the operation log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its number, counted over all kinds from 0.
    pub number: u64,
    /// What was asked.
    pub kind: OperationKind,
    /// The name of the file or folder.
    pub name: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// How many bytes.
    pub len: u64,
    /// What was injected.
    pub fault: Option<What>,
}

/// An open file.
#[derive(Clone, Debug)]
struct Open {
    process: u32,
    node: u64,
    name: Arc<str>,
    writable: bool,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    handle: u64,
    node: u64,
    byte: u64,
    kind: LockKind,
}

/// What once stood in a file, there or gone.
#[derive(Clone, Debug)]
pub(crate) struct Ghost {
    pub(crate) node: u64,
    pub(crate) bytes: Arc<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) next_node: u64,
    /// What stood in files that are gone or were cut by earlier crashes: a device gives old bytes for new sectors.
    pub(crate) ghosts: Vec<Ghost>,
    next_handle: u64,
    open: BTreeMap<u64, Open>,
    pub(crate) open_folders: usize,
    held: Vec<Held>,
    pub(crate) next_process: u32,
    dead: BTreeSet<u32>,
    pub(crate) forked: BTreeSet<u32>,
    pub(crate) death: Option<Death>,
    pub(crate) faults: Vec<Armed>,
    pub(crate) quota: Option<Quota>,
    pub(crate) is_read_only: bool,
    pub(crate) operations: u64,
    by_kind: BTreeMap<OperationKind, u64>,
    pub(crate) changes: u64,
    pub(crate) recorded: Option<Vec<Operation>>,
    pub(crate) struck: u64,
    pub(crate) lied: u64,
    pub(crate) now: Timestamp,
    pub(crate) tick: Timestamp,
    pub(crate) chance: fastrand::Rng,
}

/// Who asks for what, for the log and the faults.
struct Request<'a> {
    process: u32,
    kind: OperationKind,
    name: &'a str,
    offset: u64,
    len: u64,
    is_change: bool,
}

/// How far an operation may go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// As asked.
    Whole,
    /// Only so far, and its process will not see the answer.
    Dying,
    /// As the fault says.
    Struck(What),
}

impl Course {
    /// For operations that have no half way: they are done, or fail.
    fn whole(self) -> io::Result<()> {
        match self {
            Course::Whole | Course::Dying | Course::Struck(What::Short(_)) => Ok(()),
            Course::Struck(What::Error(errno) | What::PartialError(errno) | What::Sync(_, errno)) => {
                Err(errno.into())
            }
        }
    }
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Machine {
        Machine {
            nodes: BTreeMap::from([(ROOT, Node::Folder(Entries::new(ROOT)))]),
            next_node: ROOT + 1,
            ghosts: Vec::new(),
            next_handle: 0,
            open: BTreeMap::new(),
            open_folders: 0,
            held: Vec::new(),
            next_process: 1,
            dead: BTreeSet::new(),
            forked: BTreeSet::new(),
            death: None,
            faults: Vec::new(),
            quota: None,
            is_read_only: false,
            operations: 0,
            by_kind: BTreeMap::new(),
            changes: 0,
            recorded: None,
            struck: 0,
            lied: 0,
            now: 1_700_000_000_000_000,
            tick: 1,
            chance: fastrand::Rng::with_seed(seed),
        }
    }

    /// The same machine after the power came back: nothing is open, nothing pending, nothing about to go wrong.
    pub(crate) fn restarted(&self, nodes: BTreeMap<u64, Node>, seed: u64) -> Machine {
        Machine {
            nodes,
            next_node: self.next_node,
            ghosts: self.ghosts.clone(),
            now: self.now,
            tick: self.tick,
            quota: self.quota,
            is_read_only: self.is_read_only,
            next_process: self.next_process,
            changes: self.changes,
            ..Machine::new(seed)
        }
    }

    pub(crate) fn arm(&mut self, fault: Fault) {
        self.faults.push(Armed::new(fault));
    }

    pub(crate) fn new_process(&mut self) -> u32 {
        self.next_process += 1;
        self.next_process - 1
    }

    /// Ends a process: its locks are free, its handles do nothing any more.
    pub(crate) fn kill(&mut self, process: u32) {
        self.dead.insert(process);
        let open = &self.open;
        self.held.retain(|held| open.get(&held.handle).is_some_and(|one| one.process != process));
    }

    pub(crate) fn is_dead(&self, process: u32) -> bool {
        self.dead.contains(&process)
    }

    /// Files that living processes have open.
    pub(crate) fn open_files(&self) -> usize {
        self.open.values().filter(|one| !self.dead.contains(&one.process)).count()
    }

    pub(crate) fn close(&mut self, handle: u64) {
        self.held.retain(|held| held.handle != handle);
        self.open.remove(&handle);
    }

    pub(crate) fn count(&self, kind: OperationKind) -> u64 {
        self.by_kind.get(&kind).copied().unwrap_or(0)
    }

    fn begin(&mut self, request: &Request<'_>) -> io::Result<Course> {
        if self.dead.contains(&request.process) {
            return Err(dead());
        }
        let number = self.operations;
        self.operations += 1;
        let by_kind = self.by_kind.entry(request.kind).or_insert(0);
        let nth = *by_kind;
        *by_kind += 1;
        let mut course = Course::Whole;
        for armed in &mut self.faults {
            if let Some(what) = armed.strike(request.kind, number, nth) {
                self.struck += 1;
                course = Course::Struck(what);
            }
        }
        self.record(request, number, course);
        if request.is_change {
            let change = self.changes;
            match self.death {
                Some(Death::Before(at)) if at <= change => {
                    self.kill(request.process);
                    return Err(dead());
                }
                Some(Death::Within(at)) if at <= change => {
                    self.kill(request.process);
                    course = Course::Dying;
                }
                _ => {}
            }
            self.changes += 1;
        }
        Ok(course)
    }

    fn record(&mut self, request: &Request<'_>, number: u64, course: Course) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(Operation {
                number,
                kind: request.kind,
                name: request.name.to_owned(),
                offset: request.offset,
                len: request.len,
                fault: if let Course::Struck(what) = course { Some(what) } else { None },
            });
        }
    }

    fn begin_whole(&mut self, process: u32, kind: OperationKind, name: &str) -> io::Result<()> {
        let is_change = kind.is_change() && kind != OperationKind::Open;
        let request = Request { process, kind, name, offset: 0, len: 0, is_change };
        self.begin(&request)?.whole()
    }

    fn done<T>(&self, process: u32, value: T) -> io::Result<T> {
        if self.is_dead(process) { Err(dead()) } else { Ok(value) }
    }

    pub(crate) fn entries(&self, folder: u64) -> io::Result<&Entries> {
        match self.nodes.get(&folder) {
            Some(Node::Folder(entries)) => Ok(entries),
            Some(Node::File(_)) => Err(Errno::NOTDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    fn change_names(&mut self, folder: u64, change: NameChange) -> io::Result<()> {
        if self.is_read_only {
            return Err(Errno::ROFS.into());
        }
        let order = self.changes;
        match self.nodes.get_mut(&folder) {
            Some(Node::Folder(entries)) => entries.change(change, order),
            _ => return Err(Errno::NOTDIR.into()),
        }
        Ok(())
    }

    fn contents(&mut self, handle: u64) -> io::Result<&mut Contents> {
        let node = self.open.get(&handle).map(|open| open.node).ok_or(Errno::BADF)?;
        match self.nodes.get_mut(&node) {
            Some(Node::File(contents)) => Ok(contents),
            _ => Err(Errno::BADF.into()),
        }
    }

    pub(crate) fn random(&mut self, process: u32) -> io::Result<[u8; 16]> {
        self.begin_whole(process, OperationKind::Random, "")?;
        Ok(self.chance.u128(..).to_le_bytes())
    }

    pub(crate) fn tick(&mut self) -> Timestamp {
        let now = self.now;
        self.now = self.now.saturating_add(self.tick);
        now
    }

    /// Lets the clock go on without waiting.
    pub(crate) fn wait(&mut self, span: Duration) {
        self.now = self.now.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX));
    }

    /// What is used of the quota: the files that have a name or are open.
    pub(crate) fn used(&self) -> u64 {
        let mut counted: BTreeSet<u64> = self.open.values().map(|open| open.node).collect();
        for node in self.nodes.values() {
            if let Node::Folder(entries) = node {
                counted.extend(entries.names().values());
            }
        }
        counted
            .iter()
            .map(|number| match self.nodes.get(number) {
                Some(Node::File(contents)) => contents.len() as u64,
                _ => 0,
            })
            .sum()
    }
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}
