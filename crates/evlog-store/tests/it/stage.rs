//! A simulated disk on which a test directs what happens when: calls can be held up, fail, or panic.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evlog_core::storage::{File, Folder, LockKind, OpenMode, Storage};
use evlog_sim::{At, Errno, Fault, OperationKind, Repeat, SimDisk, What};
use evlog_store::{Clock, MonotonicClock, Options, Store};
use parking_lot::{Condvar, Mutex};

/// Long enough for everything that happens at all, also on a machine that is busy with other things.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Lets time pass in which something may happen, or must not.
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Where the store lies on the simulated disk.
const PATH: &str = "/store";

/// A machine with a simulated disk.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) disk: SimDisk,
    director: Arc<Director>,
}

#[derive(Debug, Default)]
struct Director {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many calls of each kind there were.
    calls: BTreeMap<OperationKind, u64>,
    /// What happens to the next calls of a kind, in their order.
    cues: BTreeMap<OperationKind, VecDeque<Cue>>,
    /// How many calls are held up.
    held: usize,
    /// How many of those may go on.
    released: usize,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cue {
    /// It goes to the disk.
    Go,
    /// It waits for [`Stage::release`], and then goes to the disk.
    Hold,
    /// The thread that calls panics.
    Panic,
}

impl Stage {
    pub(crate) fn new(seed: u64) -> Stage {
        Stage::on(SimDisk::new(seed))
    }

    /// A stage on which a disk is left from an earlier one.
    pub(crate) fn on(disk: SimDisk) -> Stage {
        Stage { disk, director: Arc::default() }
    }

    pub(crate) fn open(&self, options: &Options) -> Store {
        self.open_with(Arc::new(MonotonicClock::default()), options)
    }

    pub(crate) fn open_with(&self, clock: Arc<dyn Clock>, options: &Options) -> Store {
        Store::open_on(Arc::new(self.clone()), clock, PATH, options).unwrap()
    }

    /// What happens to the next calls of this kind.
    pub(crate) fn cue(&self, kind: OperationKind, cues: impl IntoIterator<Item = Cue>) {
        self.director.state.lock().cues.entry(kind).or_default().extend(cues);
    }

    /// Has the next call of this kind meet a fault of the disk.
    pub(crate) fn strike_next(&self, kind: OperationKind, what: What) {
        let count = self.director.state.lock().calls.get(&kind).copied().unwrap_or(0);
        self.disk.arm(Fault { at: At::Nth(kind, count), repeat: Repeat::Once, what });
    }

    /// How many calls of this kind there were.
    pub(crate) fn calls(&self, kind: OperationKind) -> u64 {
        self.director.state.lock().calls.get(&kind).copied().unwrap_or(0)
    }

    /// Waits until so many calls are held up.
    pub(crate) fn until_held(&self, calls: usize) {
        let mut state = self.director.state.lock();
        let waited = self.director.changed.wait_while_for(&mut state, |state| state.held < calls, LONG);
        assert!(!waited.timed_out(), "{} of {calls} calls came to the disk", state.held);
    }

    /// Lets one call go on that is held up.
    pub(crate) fn release(&self) {
        let mut state = self.director.state.lock();
        assert!(state.held > 0, "nothing is held up");
        state.held -= 1;
        state.released += 1;
        self.director.changed.notify_all();
    }

    /// Lets everything go on, from now on.
    pub(crate) fn end(&self) {
        let mut state = self.director.state.lock();
        state.cues.clear();
        state.released = usize::MAX;
        self.director.changed.notify_all();
    }

    fn pass(&self, kind: OperationKind) {
        let mut state = self.director.state.lock();
        *state.calls.entry(kind).or_insert(0) += 1;
        match state.cues.get_mut(&kind).and_then(VecDeque::pop_front).unwrap_or(Cue::Go) {
            Cue::Go => {}
            Cue::Panic => {
                drop(state);
                panic!("a panic that the test asked for");
            }
            Cue::Hold => {
                state.held += 1;
                self.director.changed.notify_all();
                let waited =
                    self.director.changed.wait_while_for(&mut state, |state| state.released == 0, LONG);
                assert!(!waited.timed_out(), "nobody let the call go on");
                state.released -= 1;
            }
        }
    }

    fn folder(&self, inner: Arc<dyn Folder>) -> Arc<dyn Folder> {
        Arc::new(StagedFolder { inner, stage: self.clone() })
    }
}

/// A fault in which nothing is done.
pub(crate) fn refusal(errno: Errno) -> What {
    What::Error(errno)
}

impl Storage for Stage {
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>> {
        self.pass(OperationKind::OpenFolder);
        self.disk.open_folder(path).map(|inner| self.folder(inner))
    }

    fn now(&self) -> i64 {
        self.disk.now()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        self.disk.random()
    }

    fn pause(&self, span: Duration) {
        self.disk.pause(span);
    }

    fn process(&self) -> u32 {
        self.disk.process()
    }
}

#[derive(Debug)]
struct StagedFolder {
    inner: Arc<dyn Folder>,
    stage: Stage,
}

impl Folder for StagedFolder {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn number(&self) -> io::Result<u64> {
        self.inner.number()
    }

    fn unreliable(&self) -> io::Result<Option<&'static str>> {
        self.inner.unreliable()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.inner.names()
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.stage.pass(OperationKind::Open);
        let inner = self.inner.open(name, mode)?;
        Ok(Arc::new(StagedFile { inner, stage: self.stage.clone() }))
    }

    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>> {
        self.stage.pass(OperationKind::OpenFolder);
        self.inner.open_folder(name).map(|inner| self.stage.folder(inner))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.stage.pass(OperationKind::CreateFolder);
        self.inner.create_folder(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.stage.pass(OperationKind::Rename);
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.stage.pass(OperationKind::Remove);
        self.inner.remove(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.inner.remove_folder(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.stage.pass(OperationKind::SyncFolder);
        self.inner.sync()
    }
}

#[derive(Debug)]
struct StagedFile {
    inner: Arc<dyn File>,
    stage: Stage,
}

impl File for StagedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.stage.pass(OperationKind::Read);
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.stage.pass(OperationKind::Write);
        self.inner.write_at(pieces, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.stage.pass(OperationKind::SetLen);
        self.inner.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.stage.pass(OperationKind::Sync);
        self.inner.sync()
    }

    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool> {
        self.inner.try_lock(byte, kind)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        self.inner.unlock(byte)
    }

    fn number(&self) -> io::Result<(u64, u64)> {
        self.inner.number()
    }
}

/// A clock that a test moves.
#[derive(Debug, Default)]
pub(crate) struct HandClock {
    millis: AtomicU64,
}

impl HandClock {
    pub(crate) fn advance(&self, span: Duration) {
        self.millis.fetch_add(span.as_millis() as u64, Ordering::AcqRel);
    }
}

impl Clock for HandClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Acquire))
    }
}
