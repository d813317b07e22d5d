//! A measuring process for the peers that evlog is compared with; `cargo xtask bench peers` starts it.
//!
//! Each is set up as its documentation recommends for the durability that the workload asks for. Where a peer keeps events
//! under keys, the key is the position.

#![forbid(unsafe_code)]

mod positions;
#[cfg(feature = "commitlog")]
mod commitlog;
#[cfg(feature = "walrus")]
mod walrus;
#[cfg(feature = "okaywal")]
mod okaywal;
#[cfg(feature = "raft")]
mod raft;
#[cfg(feature = "wal-db")]
mod waldb;
#[cfg(feature = "nano-wal")]
mod nanowal;
#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sled")]
mod sled;
#[cfg(feature = "rocksdb")]
mod rocksdb;

use std::process::ExitCode;

use evlog_benches::subject::Candidate;

fn main() -> ExitCode {
    let peers: Vec<Candidate> = vec![
        #[cfg(feature = "commitlog")]
        commitlog::PEER,
        #[cfg(feature = "walrus")]
        walrus::PEER,
        #[cfg(feature = "okaywal")]
        okaywal::PEER,
        #[cfg(feature = "raft")]
        raft::PEER,
        #[cfg(feature = "raft")]
        raft::PREFILLED,
        #[cfg(feature = "wal-db")]
        waldb::PEER,
        #[cfg(feature = "nano-wal")]
        nanowal::PEER,
        #[cfg(feature = "fjall")]
        fjall::PEER,
        #[cfg(feature = "redb")]
        redb::PEER,
        #[cfg(feature = "sqlite")]
        sqlite::PEER,
        #[cfg(feature = "sled")]
        sled::PEER,
        #[cfg(feature = "rocksdb")]
        rocksdb::PEER,
    ];
    evlog_benches::program::run(&peers)
}
