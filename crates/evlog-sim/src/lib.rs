//! For tests of evlog only: a disk that crashes, tears and refuses, and a naive model of what a log owes its user.
//!
//! Nothing here looks at a clock, at the order of a hash table or at real files: the same seed gives the same
//! crash, on every machine.
//!
//! ```
//! use std::path::Path;
//!
//! use evlog_core::storage::{OpenMode, Storage};
//! use evlog_sim::{Crash, SimDisk};
//!
//! let disk = SimDisk::new(7);
//! let root = disk.open_folder(Path::new("/"))?;
//! let file = root.open("file", OpenMode::CreateNew)?;
//! file.write_at(&[std::io::IoSlice::new(b"hello")], 0)?;
//! file.sync()?;
//! // The file is durable, its name is not.
//! assert_eq!(disk.crash(Crash::AllLost).paths(), Vec::<String>::new());
//! root.sync()?;
//! assert_eq!(disk.crash(Crash::AllLost).paths(), ["file"]);
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::cast_possible_wrap,
    clippy::missing_errors_doc,
    clippy::needless_range_loop,
    clippy::similar_names,
    reason = "for tests: names and numbers are its own and small, and cases are told by their numbers"
)]

mod disk;

mod model;

mod oracle;

mod tally;

mod session;

mod anatomy;

mod campaign;

pub mod fuzzing;

pub use campaign::{Failure, Outcome, errors, files, flips, random, workloads};
pub use disk::crash::{Crash, Fate, Unit, UnitKind};
pub use disk::damage::{Damage, Fill};
pub use disk::fault::{At, ERRORS, Errno, FailedSync, Fault, OperationKind, Repeat, What};
pub use disk::machine::{Death, Operation, Quota, QuotaAt};
pub use disk::{SECTOR, SimDisk};
pub use model::{Checked, Ended, Known, Model, Violation, batch_of};
pub use oracle::{Depth, check_open_log, check_opened};
pub use session::{Course, LOG, OPS, Op, Session, invented};
pub use tally::{Tally, Verdict};
