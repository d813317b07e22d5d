//! Signals: Ctrl-C and SIGTERM, and the one for a file that may not grow.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, low_level};

use crate::exit::Exit;

const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Lets a signal end the process at once, with the exit code that says so. Right for whatever only reads: a recovery
/// under way is as safe from it as from a power loss.
///
/// # Errors
/// What the system says.
pub(crate) fn end_at_once() -> io::Result<()> {
    end_when(&Arc::new(AtomicBool::new(true)))
}

/// Lets a write beyond the largest size of a file (`ulimit -f`) be an error as on a full disk. By default the system ends
/// the process.
///
/// # Errors
/// What the system says.
pub(crate) fn survive_large_files() -> io::Result<()> {
    // Any action will do; that the signal came, the failed write says.
    flag::register(SIGXFSZ, Arc::default()).map(drop)
}

fn end_when(condition: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in SIGNALS {
        flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(condition))?;
    }
    Ok(())
}

/// A signal as a wish: whoever appends finishes the batch in hand first. A second signal ends the process at once.
#[derive(Debug)]
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
    wakes: UnixStream,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There is something to read, or the input ended.
    Input,
    Timeout,
    Interrupt,
}

impl Interrupt {
    /// From now on a signal is a wish.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn listen() -> io::Result<Interrupt> {
        let asked = Arc::new(AtomicBool::new(false));
        let (wakes, rings) = UnixStream::pair()?;
        // In this order: the first signal finds the flag unset, the second finds it set.
        end_when(&asked)?;
        for signal in SIGNALS {
            flag::register(signal, Arc::clone(&asked))?;
            low_level::pipe::register(signal, rings.try_clone()?)?;
        }
        Ok(Interrupt { asked, wakes })
    }

    /// Whether there was a signal.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until `input` has something to read, a signal comes, or the time is over.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn wait(&self, input: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<Woken> {
        // A time too long for the system is as good as none.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut ready =
            [PollFd::from_borrowed_fd(input, PollFlags::IN), PollFd::new(&self.wakes, PollFlags::IN)];
        let count = match poll(&mut ready, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => 0,
            other => other?,
        };
        Ok(if self.is_asked() {
            Woken::Interrupt
        } else if count == 0 {
            Woken::Timeout
        } else {
            Woken::Input
        })
    }
}
