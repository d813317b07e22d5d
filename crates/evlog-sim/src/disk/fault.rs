//! What can be made to go wrong, when, and how often.

use rustix::io::Errno as Number;

pub use rustix::io::Errno;

/// Every error that the sweeps inject.
pub const ERRORS: [Errno; 7] =
    [Number::IO, Number::NOSPC, Number::DQUOT, Number::FBIG, Number::MFILE, Number::ACCESS, Number::INTR];

/// What is asked of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Opening a folder.
    OpenFolder,
    /// Asking for the number or the file system of a folder.
    FolderNumber,
    /// Listing a folder.
    Names,
    /// Opening or creating a file.
    Open,
    /// Making a folder.
    CreateFolder,
    /// Renaming.
    Rename,
    /// Removing a file.
    Remove,
    /// Removing a folder.
    RemoveFolder,
    /// Syncing a folder.
    SyncFolder,
    /// Asking for the length of a file.
    Len,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Cutting or lengthening.
    SetLen,
    /// Syncing a file.
    Sync,
    /// Taking a lock.
    Lock,
    /// Giving a lock back.
    Unlock,
    /// Asking for the number of a file.
    Number,
    /// Asking for random bytes.
    Random,
}

impl OperationKind {
    /// Whether it may change what a crash leaves behind.
    pub fn is_change(self) -> bool {
        use OperationKind::{
            CreateFolder, Open, Remove, RemoveFolder, Rename, SetLen, Sync, SyncFolder, Write,
        };
        matches!(
            self,
            Open | CreateFolder | Rename | Remove | RemoveFolder | SyncFolder | Write | SetLen | Sync
        )
    }
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: At,
    /// How often it comes back.
    pub repeat: Repeat,
    /// What goes wrong.
    pub what: What,
}

/// When a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At the operation with this number, counted over all kinds from 0.
    Operation(u64),
    /// At the operation with this number among its kind, counted from 0.
    Nth(OperationKind, u64),
}

/// How often a fault comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Once,
    /// At every later operation of the same kind, too.
    Sticky,
    /// At every second operation of the same kind.
    Flapping,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing is done, this error comes back.
    Error(Errno),
    /// A write does part of its work, nobody knows which, and this error comes back; anything else does nothing.
    PartialError(Errno),
    /// A read or write does only so many bytes of what was asked, at least 1; anything else works.
    Short(usize),
    /// A sync of a file or folder fails in this way; anything else gets the error and does nothing.
    Sync(FailedSync, Errno),
}

/// What a failed sync leaves behind. File systems differ: see "Can applications recover from fsync failures?"
/// (Rebello and others, 2020).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedSync {
    /// The cache keeps the new bytes and takes them for written, the disk has the old ones; said once.
    Dropped,
    /// The same, but only the next sync of the file says so.
    Late,
    /// The cache goes back to what the disk has.
    Reverted,
    /// Some of it reached the disk, the cache takes all of it for written; said once.
    Partial,
    /// Nothing was lost: what is pending stays pending, and the next sync writes it.
    Kept,
}

impl FailedSync {
    /// Every way.
    pub const ALL: [FailedSync; 5] =
        [FailedSync::Dropped, FailedSync::Late, FailedSync::Reverted, FailedSync::Partial, FailedSync::Kept];
}

/// A [`Fault`] and whether it has begun.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    fault: Fault,
    begun: Option<OperationKind>,
    seen: u64,
}

impl Armed {
    pub(crate) fn new(fault: Fault) -> Armed {
        Armed { fault, begun: None, seen: 0 }
    }

    /// What this fault does to an operation, given its number among all and among its kind.
    pub(crate) fn strike(&mut self, kind: OperationKind, number: u64, nth: u64) -> Option<What> {
        if let Some(begun) = self.begun {
            if begun != kind {
                return None;
            }
            self.seen += 1;
            let strikes = match self.fault.repeat {
                Repeat::Once => false,
                Repeat::Sticky => true,
                Repeat::Flapping => self.seen.is_multiple_of(2),
            };
            return strikes.then_some(self.fault.what);
        }
        let begins = match self.fault.at {
            At::Operation(wanted) => wanted == number,
            At::Nth(wanted, count) => wanted == kind && count == nth,
        };
        begins.then(|| {
            self.begun = Some(kind);
            self.fault.what
        })
    }
}
