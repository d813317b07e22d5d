//! What all fuzz targets share: the check by its name, and the bound on the memory that it may take.
//!
//! The checks of the log stand in `evlog_sim::fuzzing`, those of what stands above it here. So tests replay their inputs
//! with the stable compiler, each beside what it tests.
#![forbid(unsafe_code)]

pub mod ffi_calls;
pub mod topic_name;

use evlog_sim::fuzzing::{TARGETS, most_memory};

/// Runs the check of the target `name` over the bytes.
///
/// # Panics
/// Where a promise is broken.
pub fn check(name: &str, bytes: &[u8]) {
    match name {
        "ffi_calls" => ffi_calls::check(bytes),
        "topic_name" => bounded(|| {
            topic_name::check(bytes);
            bytes.len()
        }),
        _ => {
            let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
            bounded(|| (target.check)(bytes));
        }
    }
}

/// A check that says how many bytes it had on disk may take so much memory for them, and no more.
fn bounded(check: impl FnOnce() -> usize) {
    let mut disk_bytes = 0;
    let memory = allocation_counter::measure(|| disk_bytes = check()).bytes_max;
    assert!(memory <= most_memory(disk_bytes), "{memory} bytes of memory for {disk_bytes} bytes of log");
}
