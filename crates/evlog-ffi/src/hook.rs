//! An entry that panics, to see what a panic does. Only in builds for tests.

use crate::boundary::{ErrorOut, Outcome, Shared, call};
use crate::status::Status;
use crate::topic::Topic;

/// Panics inside a call with this topic.
///
/// # Panics
/// Always; it does not get out.
#[unsafe(no_mangle)]
#[expect(clippy::panic, reason = "this is what it is for")]
pub extern "C" fn evlog_test_panic(topic: Shared<Topic>, err: ErrorOut) -> Status {
    call(topic, (), err, |topic| -> Outcome<()> { panic!("asked to, with topic {}", topic.0.name()) })
}
