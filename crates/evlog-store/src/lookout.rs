//! What those who read a topic need of it: how far it reaches, and word of more, also where another process writes it.

use std::ops::Range;
use std::time::Duration;

use evlog_core::{Log, Position, ReadLevel};

use crate::committer::{Access, Committer};
use crate::error::{Error, Result};
use crate::metrics::{Extent, TopicSnapshot};
use crate::watermark::Growth;

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

    /// Waits until an event at `position` can be read, the topic can grow no more, or `timeout` has passed; says
    /// whether it can be read, and whether the topic may still grow.
    pub(crate) fn wait_past(
        &self,
        position: Position,
        level: ReadLevel,
        timeout: Duration,
    ) -> Result<(bool, Growth)> {
        if self.access == Access::ReadWrite {
            return Ok(self.watermark.wait_past(position, level, timeout));
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
            let seen = self.watermark.wait_past(position, level, Duration::ZERO);
            if seen.0 || left.is_zero() {
                return Ok(seen);
            }
            match &mut watch {
                // Now and then also without a change: the writer may have died, and then all of its log counts.
                Some(watch) => {
                    let waited = watch.wait(left.min(LONGEST_BLIND));
                    waited.map_err(|source| Error::from(self.io("watch", source)))?;
                }
                None => _ = self.watermark.wait_past(position, level, left.min(LONGEST_UNWATCHED)),
            }
        }
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> evlog_core::Error {
        evlog_core::Error::Io { operation, path: self.view.path().to_owned(), offset: None, source }
    }

    /// Counts as they stand, and how far the topic reaches.
    pub(crate) fn snapshot(&self) -> Result<TopicSnapshot> {
        let segments = self.view.segments()?;
        let Range { start, end } = self.view.range();
        self.metrics.reaches(Extent {
            start,
            end,
            durable: self.view.durable_end(),
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segments: segments.len() as u64,
        });
        Ok(self.metrics.snapshot())
    }
}
