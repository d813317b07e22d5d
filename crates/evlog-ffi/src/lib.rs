//! The C interface of evlog: what `include/evlog.h` declares, and nothing else. `docs/C-API.md` explains it.
//!
//! No logic stands here: what can be done, `evlog-store` does. What is here translates, and checks what a C compiler
//! does not. Every entry goes through [`boundary`], which catches panics and writes to the caller's memory only
//! where all went well; every handle is looked up in a table of slots, so a stale one is an error and nothing worse.
//!
//! The Rust items are public so that the documentation shows them; they are of use from C alone.

#![warn(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]

// In dependency order: a module imports only modules above it.
/// Which interface this is.
pub mod abi;

pub mod status;

mod failure;

mod fork;

mod handle;

pub mod boundary;

pub mod time;

pub mod library;

pub mod error;
pub mod text;

pub mod options;

pub mod store;

pub mod batch;
pub mod topic;

pub mod append;
pub mod reader;

pub mod report;

#[cfg(feature = "test-hooks")]
pub mod hook;
#[cfg(feature = "test-hooks")]
pub mod player;
