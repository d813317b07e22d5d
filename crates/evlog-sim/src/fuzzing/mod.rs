//! What the fuzz targets of the log check. A target is one line around a check; what was ever found is replayed by a
//! test. The targets of what stands above the log lie beside their programs, in `fuzz`.
//!
//! A check takes bytes, panics where a promise is broken, and returns how many bytes the log under test had on disk:
//! that bounds the memory which opening and reading it may take.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a check stops at the first promise that is broken"
)]

mod input;

mod folder;
mod forge;

mod view;

mod exercise;
mod history;

mod survivors;

mod corrupt_log;
mod crafted_log;
mod decode;
mod open_segment;
mod places;
mod resync_embed;

pub use forge::reseal;
use input::Case;

/// Something to throw bytes at.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of the folders with its inputs too.
    pub name: &'static str,
    /// The check.
    pub check: fn(&[u8]) -> usize,
    /// What the check makes of the bytes, for people.
    pub describe: fn(&[u8]) -> String,
}

/// All targets of the log.
pub const TARGETS: &[Target] = &[
    Target::of_bytes("decode_header", decode::header),
    Target::of_bytes("decode_batch", decode::batch),
    Target::of_bytes("open_segment", open_segment::check),
    Target::of_cases::<corrupt_log::CorruptLog>("corrupt_log"),
    Target::of_cases::<crafted_log::CraftedLog>("crafted_log"),
    Target::of_cases::<resync_embed::ResyncEmbed>("resync_embed"),
    Target::of_bytes("places", places::check),
];

impl Target {
    const fn of_bytes(name: &'static str, check: fn(&[u8]) -> usize) -> Target {
        Target { name, check, describe: |bytes| bytes.escape_ascii().to_string() }
    }

    const fn of_cases<C: Case>(name: &'static str) -> Target {
        Target {
            name,
            check: |bytes| C::of_bytes(bytes).map_or(0, |case| case.check()),
            describe: |bytes| format!("{:#?}", C::of_bytes(bytes)),
        }
    }
}

/// The most memory, in bytes, that a check may take where the log has so many bytes on disk: a bound that a length
/// which is believed without looking breaks at once.
pub fn most_memory(disk_bytes: usize) -> u64 {
    (8 << 20) + 64 * disk_bytes as u64
}
