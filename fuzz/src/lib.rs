//! What all fuzz targets share: the check by its name, and the bound on the memory that it may take.
//!
//! The checks themselves stand in `evlog_sim::fuzzing`, so that a test replays their inputs with the stable compiler.
#![forbid(unsafe_code)]

use evlog_sim::fuzzing::{TARGETS, most_memory};

/// Runs the check of the target `name` over the bytes.
///
/// # Panics
/// Where a promise is broken.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    let mut disk_bytes = 0;
    let memory = allocation_counter::measure(|| disk_bytes = (target.check)(bytes)).bytes_max;
    assert!(memory <= most_memory(disk_bytes), "{memory} bytes of memory for {disk_bytes} bytes of log");
}
