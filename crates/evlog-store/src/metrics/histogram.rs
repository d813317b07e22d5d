//! Histograms that many threads count into without a lock.
//!
//! The bounds are round numbers in steps of 1, 2, 5, as a person and Prometheus want them. A bucket counts what is at
//! most its bound, so the cumulative counts are exact, which buckets by powers of two would not give at round bounds.

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bounds of durations: 10 microseconds to 10 seconds.
pub(super) const NANOSECONDS: &[u64] = &[
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Bounds of counts of events: 1 to 100,000.
pub(super) const EVENTS: &[u64] =
    &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/// Counts values by size.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: the last counts what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// An empty histogram; the bounds ascend.
    pub(super) fn new(bounds: &'static [u64]) -> Histogram {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Histogram { bounds, counts, sum: AtomicU64::default() }
    }

    pub(super) fn count(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    pub(super) fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Relaxed)).collect(),
            sum: self.sum.load(Relaxed),
        }
    }
}

/// How many values of which size there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramSnapshot {
    bounds: &'static [u64],
    counts: Box<[u64]>,
    sum: u64,
}

impl HistogramSnapshot {
    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// For each bound, ascending, how many values were at most that; values above the last bound are in
    /// [`count`](HistogramSnapshot::count) alone.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.bounds.iter().zip(&self.counts).scan(0, |below, (bound, count)| {
            *below += count;
            Some((*bound, *below))
        })
    }

    /// The least bound that a share of all values does not exceed: `at_most(0.99)` for 99 of 100.
    ///
    /// None where there are no values, or where that many are not within the last bound.
    pub fn at_most(&self, share: f64) -> Option<u64> {
        let count = self.count();
        #[expect(clippy::cast_precision_loss, reason = "a share of more than 2^53 values need not be exact")]
        let reached = |below: u64| count > 0 && below as f64 >= share * count as f64;
        self.cumulative().find(|(_, below)| reached(*below)).map(|(bound, _)| bound)
    }
}
