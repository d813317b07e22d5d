//! The one fake disk.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evlog_core::Timestamp;

pub(crate) mod fault;

pub(crate) mod contents;
pub(crate) mod entries;

pub(crate) mod machine;

pub(crate) mod crash;
pub(crate) mod damage;
mod handles;

use contents::Contents;
use crash::{Crash, Fate, Unit};
use fault::{Errno, Fault, OperationKind};
use machine::{Death, Machine, Node, Operation, Quota};

/// What reaches a disk whole or not at all, in bytes.
pub const SECTOR: usize = 512;

/// A process on a machine whose disk can crash, tear and refuse.
///
/// A clone is the same process. [`SimDisk::spawn`] starts another one on the same machine, [`SimDisk::kill`] ends
/// this one, and after [`SimDisk::crash`] there is another machine, with what this one's disk was left with.
#[derive(Clone)]
pub struct SimDisk {
    machine: Arc<Mutex<Machine>>,
    process: u32,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SimDisk").field("process", &self.process).finish_non_exhaustive()
    }
}

/// Machines and processes.
impl SimDisk {
    /// The first process of a new machine with an empty disk. The seed decides its random bytes, the order of its
    /// listings and how far its faults go.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk::start(Machine::new(seed))
    }

    fn start(machine: Machine) -> SimDisk {
        let mut machine = machine;
        let process = machine.new_process();
        SimDisk { machine: Arc::new(Mutex::new(machine)), process }
    }

    /// The machine, whatever a test that panicked while it held it did.
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another process on the same machine.
    pub fn spawn(&self) -> SimDisk {
        let process = self.machine().new_process();
        SimDisk { machine: Arc::clone(&self.machine), process }
    }

    /// Ends this process, as `SIGKILL` does: the page cache survives, locks are freed, nothing else happens.
    pub fn kill(&self) {
        self.machine().kill(self.process);
    }

    /// Whether this process was ended.
    pub fn is_dead(&self) -> bool {
        self.machine().is_dead(self.process)
    }

    /// From here on this process is told another number, as the child of a fork is.
    pub fn fork(&self) {
        self.machine().forked.insert(self.process);
    }

    /// A copy of the whole machine, page cache included, on which nothing is open. The copy draws other random
    /// bytes, by its own seed.
    pub fn copy(&self, seed: u64) -> SimDisk {
        let machine = self.machine();
        SimDisk::start(machine.restarted(machine.nodes.clone(), seed))
    }

    /// Another machine with the disk that a power loss leaves.
    pub fn crash(&self, crash: Crash) -> SimDisk {
        let machine = self.machine();
        let units = machine.units();
        let seed = machine.chance.clone().u64(..);
        SimDisk::start(machine.crashed(&machine.fates(&units, crash), seed))
    }

    /// Another machine with the disk that a power loss leaves in which the parts of [`SimDisk::units`], in their
    /// order, meet these fates.
    pub fn crash_with(&self, fates: &[Fate]) -> SimDisk {
        let machine = self.machine();
        let seed = machine.chance.clone().u64(..);
        SimDisk::start(machine.crashed(fates, seed))
    }

    /// Everything that was not synced.
    pub fn units(&self) -> Vec<Unit> {
        self.machine().units()
    }
}

/// What goes wrong.
impl SimDisk {
    /// Makes something go wrong. Several faults may be armed at the same time.
    pub fn arm(&self, fault: Fault) {
        self.machine().arm(fault);
    }

    /// From here on nothing goes wrong that was armed.
    pub fn disarm(&self) {
        self.machine().faults.clear();
    }

    /// How often something went wrong.
    pub fn struck(&self) -> u64 {
        self.machine().struck
    }

    /// How often a sync said that it succeeded, and did not.
    pub fn lied(&self) -> u64 {
        self.machine().lied
    }

    /// Makes whichever process comes to this changing operation die.
    pub fn die(&self, death: Death) {
        self.machine().death = Some(death);
    }

    /// Bounds the bytes of all files, or lifts the bound.
    pub fn set_quota(&self, quota: Option<Quota>) {
        self.machine().quota = quota;
    }

    /// The bound of the bytes of all files.
    pub fn quota(&self) -> Option<Quota> {
        self.machine().quota
    }

    /// Bytes of all files that have a name or are open.
    pub fn used(&self) -> u64 {
        self.machine().used()
    }

    /// Makes all changes of names and all opening to write fail with `EROFS`.
    pub fn make_read_only(&self) {
        self.machine().is_read_only = true;
    }

    /// Forgets the clean pages: what is read afterwards comes from the disk, whatever the cache believed.
    pub fn evict(&self) {
        for node in self.machine().nodes.values_mut() {
            if let Node::File(contents) = node {
                contents.evict();
            }
        }
    }

    /// Sets the clock and by how much it moves each time it is read, in microseconds.
    pub fn set_clock(&self, now: Timestamp, tick: Timestamp) {
        let mut machine = self.machine();
        (machine.now, machine.tick) = (now, tick);
    }
}

/// What can be seen from outside.
impl SimDisk {
    /// How many operations there were so far, of all kinds.
    pub fn operations(&self) -> u64 {
        self.machine().operations
    }

    /// How many operations there were so far that may change what a crash leaves.
    pub fn changes(&self) -> u64 {
        self.machine().changes
    }

    /// How many operations of this kind there were so far.
    pub fn count(&self, kind: OperationKind) -> u64 {
        self.machine().count(kind)
    }

    /// Begins to keep an operation log.
    pub fn record(&self) {
        self.machine().recorded = Some(Vec::new());
    }

    /// The operation log since [`SimDisk::record`], which begins anew.
    pub fn take_record(&self) -> Vec<Operation> {
        self.machine().recorded.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Files that living processes have open.
    pub fn open_files(&self) -> usize {
        self.machine().open_files()
    }

    /// Folders that are open.
    pub fn open_folders(&self) -> usize {
        self.machine().open_folders
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> Vec<String> {
        let machine = self.machine();
        let mut paths = Vec::new();
        collect(&machine, machine::ROOT, "", &mut paths);
        paths.sort();
        paths
    }

    /// What the system shows of the file with this path.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is no such file.
    pub fn bytes(&self, path: &str) -> io::Result<Vec<u8>> {
        let machine = self.machine();
        match machine.nodes.get(&machine.walk(path)?) {
            Some(Node::File(contents)) => Ok(contents.cached().to_vec()),
            _ => Err(Errno::NOENT.into()),
        }
    }

    /// Puts a durable file there, or replaces one, in a folder that exists.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is no such folder.
    pub fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        let (folder, name) = parent_of(path);
        let mut machine = self.machine();
        let folder = machine.walk(folder)?;
        machine.put(folder, name, Node::File(Contents::durable(Arc::new(bytes))))
    }

    /// Puts a durable empty folder into a folder that exists.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is no such folder.
    pub fn put_folder(&self, path: &str) -> io::Result<()> {
        let (folder, name) = parent_of(path);
        let mut machine = self.machine();
        let folder = machine.walk(folder)?;
        machine.put(folder, name, Node::Folder(entries::Entries::new(folder)))
    }
}

/// The folder and the name of a path; the root has no name.
fn parent_of(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn collect(machine: &Machine, folder: u64, prefix: &str, paths: &mut Vec<String>) {
    let Ok(entries) = machine.entries(folder) else { return };
    for (name, &node) in entries.names() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        match machine.nodes.get(&node) {
            Some(Node::Folder(_)) => collect(machine, node, &path, paths),
            _ => paths.push(path),
        }
    }
}
