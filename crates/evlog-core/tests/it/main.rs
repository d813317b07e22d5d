//! Tests of the log as its users see it, on the real disk.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests play the part of others, who do to the disk what they like"
)]
#![allow(
    clippy::bool_to_int_with_if,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::cast_sign_loss,
    clippy::cloned_ref_to_slice_refs,
    clippy::new_ret_no_self,
    reason = "names and numbers in tests are their own"
)]
#![allow(clippy::cast_possible_wrap, reason = "positions in tests are small")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it should be"
)]

mod append;
mod common;
mod craft;
mod damage;
mod examples;
mod faulty;
mod golden;
mod hostile;
mod lock;
mod pool;
mod process;
mod read_only;
mod recovery;
mod scene;
mod simple;
