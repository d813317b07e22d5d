//! The log.
#![forbid(unsafe_code)]
pub mod format;
mod position;
pub mod storage;
pub use position::{ParsePlaceError, Place, Position, Timestamp};
