//! In which process of a family of forks this is.
//!
//! Threads and locks of a parent do not live on in its child, so nothing of the parent's may be touched there. The child
//! is told when it begins, which costs a call of the interface one load; asking for the process number would cost it a
//! system call.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How many forks lie between this process and the one that loaded the library.
static GENERATION: AtomicU32 = AtomicU32::new(0);
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// How many forks lie between this process and the one that loaded the library.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Has forks counted from now on; `false` where the system has no memory for that.
pub(crate) fn watch() -> bool {
    if IS_WATCHED.load(Ordering::Acquire) {
        return true;
    }
    // SAFETY: `in_child` does nothing but add to an atomic number, which is allowed between fork and exec.
    let error = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    // Two threads that come here at once both register: then a fork counts twice, which does no harm.
    IS_WATCHED.store(error == 0, Ordering::Release);
    error == 0
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
