//! What a measurement says, in the words in which processes hand it on.

use std::error::Error;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Why something was not measured. People read it: the text is all that matters.
pub type Failure = Box<dyn Error + Send + Sync>;
/// What a measurement gives, or why not.
pub type Result<T> = std::result::Result<T, Failure>;

/// The line that a measuring process ends with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was measured.
    Measured(Outcome),
    /// The subject cannot do it, and why.
    Unsupported(String),
}

/// What was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Events that went in or out in the time.
    pub events: u64,
    /// The time, in seconds.
    pub seconds: f64,
    /// How long single steps took, where they were measured one by one.
    pub latency: Option<Latency>,
    /// Resident memory before the subject was opened, in bytes.
    pub memory_before: Option<u64>,
    /// The most resident memory of the process, in bytes.
    pub memory_at_most: Option<u64>,
    /// Bytes on disk after an orderly close.
    pub disk_bytes: Option<u64>,
    /// Threads of the process while it worked.
    pub threads: Option<u64>,
    /// Files that it had open while it worked.
    pub handles: Option<u64>,
}

impl Outcome {
    /// So many events in that time.
    pub fn new(events: u64, took: Duration) -> Outcome {
        Outcome { events, seconds: took.as_secs_f64(), ..Outcome::default() }
    }

    /// Events a second.
    #[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }
}

/// How long single steps took, in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the steps took no longer.
    pub p50: f64,
    /// Of a hundred, ninety-nine.
    pub p99: f64,
    /// Of a thousand, all but one.
    pub p999: f64,
    /// The longest.
    pub longest: f64,
    /// Shares of all steps, each with the time that so many took no longer than: for plots.
    pub curve: Vec<(f64, f64)>,
}

/// Shares of steps that a plot of latencies shows.
const SHARES: [f64; 14] =
    [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999];

/// Times of single steps, kept with three digits.
pub struct Times {
    nanoseconds: Histogram<u64>,
}

impl Times {
    /// None yet.
    ///
    /// # Errors
    /// None that can be mended: where the histogram refuses its own bounds.
    pub fn new() -> Result<Times> {
        // A second minute and more counts as one minute: nothing measured here takes that long.
        Ok(Times { nanoseconds: Histogram::new_with_bounds(1, 60_000_000_000, 3)? })
    }

    /// Another one.
    pub fn record(&mut self, took: Duration) {
        self.nanoseconds.saturating_record(took.as_nanos() as u64);
    }

    /// Those of another thread.
    ///
    /// # Errors
    /// As for [`Times::new`].
    pub fn join(&mut self, other: &Times) -> Result<()> {
        Ok(self.nanoseconds.add(&other.nanoseconds)?)
    }

    /// What they come to.
    pub fn latency(&self) -> Latency {
        #[expect(clippy::cast_precision_loss, reason = "three digits are kept")]
        let at = |share: f64| self.nanoseconds.value_at_quantile(share) as f64 / 1e3;
        Latency {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            longest: at(1.0),
            curve: SHARES.iter().map(|&share| (share, at(share))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_steps() {
        let (mut one, mut other) = (Times::new().unwrap(), Times::new().unwrap());
        for microseconds in 1..=500 {
            one.record(Duration::from_micros(microseconds));
            other.record(Duration::from_micros(500 + microseconds));
        }
        one.join(&other).unwrap();
        let latency = one.latency();
        let near = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 0.002;
        assert!(near(latency.p50, 500.0) && near(latency.p99, 990.0), "{latency:?}");
        assert!(near(latency.p999, 999.0) && near(latency.longest, 1000.0), "{latency:?}");
    }

    #[test]
    fn an_answer_comes_back_from_its_line() {
        let line =
            serde_json::to_string(&Answer::Measured(Outcome::new(10, Duration::from_secs(2)))).unwrap();
        let Answer::Measured(outcome) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
        assert!((outcome.rate() - 5.0).abs() < 1e-9);
    }
}
