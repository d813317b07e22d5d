//! How far a long command is: a bar on the standard error output, on a terminal only, after half a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::{Console, Verbosity};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that may never be seen.
#[derive(Debug)]
pub(crate) struct Progress {
    is_wanted: bool,
    began: Instant,
    total: u64,
    unit: Unit,
    bar: Option<ProgressBar>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Events,
}

impl Progress {
    /// Of `total` units nothing is done yet. Where the total is not known there is no bar.
    pub(crate) fn new(console: Console, unit: Unit, total: impl Into<Option<u64>>) -> Progress {
        let total = total.into();
        let is_wanted = total.is_some() && console.verbosity > Verbosity::Quiet;
        let total = total.unwrap_or_default();
        Progress { is_wanted, began: Instant::now(), total, unit, bar: None }
    }

    /// So many units are done. Cheap, but no thing to call for every event.
    pub(crate) fn at(&mut self, done: u64) {
        if !self.is_wanted || self.began.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| bar(self.unit, self.total));
        bar.set_position(done);
    }

    /// Lets `say` write to the standard error output without being drawn over.
    pub(crate) fn interrupted_by(&self, say: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(unit: Unit, total: u64) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        Unit::Events => "{wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
    };
    // This target draws on a terminal only.
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    // The templates are ours; a wrong one would only look plain.
    ProgressStyle::with_template(template).map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}
