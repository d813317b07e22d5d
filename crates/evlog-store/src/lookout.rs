//! What those who read a topic need of it: how far it reaches, and word of more, also where another process writes it.

use std::ops::Range;
#[cfg(feature = "async")]
use std::task::{Context, Poll};
use std::time::Duration;

use evlog_core::Log;

use crate::committer::{Access, Committer};
use crate::error::{Error, Result};
use crate::metrics::{Extent, TopicSnapshot};
#[cfg(feature = "async")]
use crate::watermark::Seat;
use crate::watermark::{Goal, Growth};

/// The longest that a wait without an end sleeps before it looks again.
const LONG: Duration = Duration::from_secs(3_600);
/// How long a reader of another process's topic waits for a change before it looks all the same.
const LONGEST_BLIND: Duration = Duration::from_secs(1);
/// As above, where changes cannot be watched.
const LONGEST_UNWATCHED: Duration = Duration::from_millis(50);

impl Committer {
    /// Refuses what is closed, and looks what another process has done meanwhile.
    pub(crate) fn check_readable(&self) -> Result<()> {
        match self.access {
            Access::ReadOnly => self.with_log(Log::refresh),
            Access::ReadWrite if self.is_closing() => Err(Error::Closed { topic: self.name.clone() }),
            Access::ReadWrite => Ok(()),
        }
    }

    /// Waits until the goal is reached; `false` where `timeout` has passed before. Without one it waits as long as the
    /// topic can change.
    pub(crate) fn wait_until(&self, goal: Goal, timeout: Option<Duration>) -> Result<bool> {
        loop {
            match self.wait_for(goal, timeout.unwrap_or(LONG))? {
                (true, _) => return Ok(true),
                (false, Growth::Open) if timeout.is_some() => return Ok(false),
                (false, Growth::Open) => {}
                (false, ended) => return Err(self.ended(ended)),
            }
        }
    }

    /// As [`Committer::wait_until`], for a task.
    #[cfg(feature = "async")]
    pub(crate) fn poll_until(
        &self,
        goal: Goal,
        context: &Context<'_>,
        seat: &mut Option<Seat>,
    ) -> Poll<Result<()>> {
        if self.access == Access::ReadOnly {
            self.check_readable()?;
            self.begin_watch();
        }
        match self.watermark.poll_for(goal, context.waker(), seat) {
            (true, _) => Poll::Ready(Ok(())),
            (false, Growth::Open) => Poll::Pending,
            (false, ended) => Poll::Ready(Err(self.ended(ended))),
        }
    }

    /// What those are told who wait for what can happen no more.
    fn ended(&self, growth: Growth) -> Error {
        match growth {
            Growth::Poisoned => self.poisoned(),
            Growth::Open | Growth::Closed => Error::Closed { topic: self.name.clone() },
        }
    }

    /// Waits until the goal is reached, the topic can change no more, or `timeout` has passed; says whether it is
    /// reached, and whether the topic may still change.
    fn wait_for(&self, goal: Goal, timeout: Duration) -> Result<(bool, Growth)> {
        if self.access == Access::ReadWrite {
            return Ok(self.watermark.wait_for(goal, timeout));
        }
        let deadline = self.elapsed().saturating_add(timeout);
        // Before the first look, so that nothing can happen unseen between look and wait.
        let mut watch = self.view.watch().ok();
        loop {
            match self.check_readable() {
                Err(Error::Closed { .. }) => return Ok((false, Growth::Closed)),
                other => other?,
            }
            let left = deadline.saturating_sub(self.elapsed());
            let seen = self.watermark.wait_for(goal, Duration::ZERO);
            if seen.0 || left.is_zero() {
                return Ok(seen);
            }
            match &mut watch {
                // Now and then also without a change: the writer may have died, and then all of its log counts.
                Some(watch) => {
                    let waited = watch.wait(left.min(LONGEST_BLIND));
                    waited.map_err(|source| Error::from(self.io("watch", source)))?;
                }
                None => _ = self.watermark.wait_for(goal, left.min(LONGEST_UNWATCHED)),
            }
        }
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> evlog_core::Error {
        evlog_core::Error::Io { operation, path: self.view.path().to_owned(), offset: None, source }
    }

    /// Counts as they stand, and how far the topic reaches.
    pub(crate) fn snapshot(&self) -> Result<TopicSnapshot> {
        let segments = self.view.segments()?;
        // Before the range: what is durable by now lies within it, also while the topic grows or is trimmed.
        let durable = self.view.durable_end();
        let Range { start, end } = self.view.range();
        self.metrics.reaches(Extent {
            start,
            end,
            durable: durable.max(start),
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segments: segments.len() as u64,
        });
        Ok(self.metrics.snapshot())
    }
}
