//! Keys for peers that know none of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use evlog_benches::subject::Workload;

/// What a store of keys is measured with.
pub const ALL: &[Workload] = &[
    Workload::W1,
    Workload::W2,
    Workload::W3,
    Workload::W4,
    Workload::R1,
    Workload::R2,
    Workload::R3,
    Workload::R4,
    Workload::R5,
];

/// All but many topics.
pub const ONE_TOPIC: &[Workload] = ALL.split_at(8).0;

/// The next position, for all threads.
pub struct Positions(AtomicU64);

impl Positions {
    /// Going on behind so many events.
    pub fn behind(events: u64) -> Positions {
        Positions(AtomicU64::new(events))
    }

    /// The next one.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A position as a key that sorts.
#[allow(dead_code, reason = "not every peer keeps bytes as keys")]
pub fn key(position: u64) -> [u8; 8] {
    position.to_be_bytes()
}

/// The position that a key stands for.
#[allow(dead_code, reason = "not every peer keeps bytes as keys")]
pub fn position(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

/// A key for a topic and the position in it.
#[allow(dead_code, reason = "not every peer has topics")]
pub fn key_in(topic: usize, position: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&(topic as u32).to_be_bytes());
    key[4..].copy_from_slice(&position.to_be_bytes());
    key
}
