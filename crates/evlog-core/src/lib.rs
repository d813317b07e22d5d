//! The log.
pub mod format;
mod position;
pub use position::{ParsePlaceError, Place, Position, Timestamp};
