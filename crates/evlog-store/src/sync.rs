//! The one door to locks, atomics and channels.
//!
//! Nothing else in this crate names `std::sync`, `parking_lot` or `crossbeam_channel`, so that a model checker can
//! take their place here and run the shipped modules, never a copy of them.

#![allow(unused_imports, reason = "the door is complete; who walks through it differs by feature")]

/// Atomics.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

/// Channels to the batching threads.
pub(crate) mod channel {
    pub(crate) use crossbeam_channel::{
        Receiver, RecvTimeoutError, Sender, TrySendError, bounded, unbounded,
    };
}

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
pub(crate) use std::sync::{Arc, Weak};
