//! The log of evlog: events in, events out, on a disk that may fail at any moment.
//!
//! No threads, no topics, no policy: a [`Log`] is a folder of segments, and every call does its work before it
//! returns. `evlog-store` puts topics, batching threads and retention on top.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("log");
//! use evlog_core::{Batch, Log, Place};
//!
//! let mut log = Log::open(&path)?;
//! let mut batch = Batch::new();
//! batch.push(1_700_000_000_000_000, b"one")?;
//! batch.push(1_700_000_000_000_001, b"two")?;
//! log.append(&batch)?; // all of it or nothing of it, whatever happens
//! log.sync()?; // durable, and visible to readers
//!
//! let mut reader = log.read(Place::Last(1))?;
//! assert_eq!(reader.next()?.map(|event| event.payload.to_vec()), Some(b"two".to_vec()));
//! log.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules below stand in the order in which they build on each other.
#![forbid(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
compile_error!("evlog supports 64-bit little-endian Linux only");

mod position;

mod error;

pub mod format;

pub mod storage;

mod batch;
mod read;

mod segment;

mod scan;

mod recover;

mod lock;

mod listing;

mod chain;

mod reader;

mod view;

mod verify;

mod create;

mod options;

mod open;

mod log;

mod dump;

pub use batch::{Batch, Group};
pub use create::remove;
pub use dump::{Dump, DumpItem};
pub use error::{Error, Gap, GapReason, Result, UnknownFeature};
pub use format::checksum::checksum;
pub use log::Log;
pub use options::{Create, Options, Recovery};
pub use position::{ParsePlaceError, Place, Position, Timestamp};
pub use read::{Event, OwnedEvent, Read, ReadLevel};
pub use reader::Reader;
pub use recover::{Found, Report};
pub use segment::SegmentName;
pub use verify::{Progress, Verification};
pub use view::{SegmentSummary, View};
