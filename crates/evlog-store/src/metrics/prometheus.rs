//! Snapshots in Prometheus' text format, version 0.0.4.
//!
//! The names are part of the interface: dashboards and alerts hold on to them. What stands here is stated once, as
//! tables, in the order in which it is shown.

use super::{HistogramSnapshot, TopicSnapshot};
use std::fmt::{self, Display, Formatter};

/// Shows the counts of topics in Prometheus' text format, each sample with the label `topic`.
///
/// What it returns writes itself: `write!(out, "{}", prometheus(&topics))`.
///
/// See [`TopicMetrics`](super::TopicMetrics) for an example.
pub fn prometheus<N: AsRef<str>>(topics: &[(N, TopicSnapshot)]) -> impl Display {
    Text { topics }
}

/// A name without its prefix `evlog_`, what it says, and where a snapshot holds it.
type Family<R> = (&'static str, &'static str, R);
type Number = fn(&TopicSnapshot) -> u64;
type Seconds = fn(&TopicSnapshot) -> f64;
type Sizes = fn(&TopicSnapshot) -> &HistogramSnapshot;

const COUNTERS: [Family<Number>; 12] = [
    ("append_events_total", "Events written.", |t| t.append_events),
    ("append_bytes_total", "Bytes of payload written.", |t| t.append_bytes),
    ("append_batches_total", "Batches written.", |t| t.append_batches),
    ("sync_total", "Syncs that succeeded.", |t| t.sync_nanos.count()),
    ("reads_total", "Reads of the log.", |t| t.reads),
    ("read_events_total", "Events read.", |t| t.read_events),
    ("read_bytes_total", "Bytes of payload read.", |t| t.read_bytes),
    ("read_errors_total", "Reads that failed for another reason than damage.", |t| t.read_errors),
    ("damage_total", "Places of damage met.", |t| t.damage),
    ("repairs_total", "Opens that found the log unfinished and recovered it.", |t| t.repairs),
    ("segments_rolled_total", "Segments begun.", |t| t.segments_rolled),
    ("trimmed_bytes_total", "Bytes of segments trimmed.", |t| t.trimmed_bytes),
];

const GAUGES: [Family<Number>; 7] = [
    ("start_position", "First readable position.", |t| t.start_position),
    ("end_position", "Position of the next event.", |t| t.end_position),
    ("durable_position", "Position up to which everything is synced.", |t| t.durable_position),
    ("bytes", "Bytes of all segments.", |t| t.bytes),
    ("segments", "Segments of the log.", |t| t.segments),
    ("pending_bytes", "Bytes accepted and not yet written.", |t| t.pending_bytes),
    ("poisoned", "1 where the topic takes no appends until it is opened again.", |t| u64::from(t.poisoned)),
];

const SPANS: [Family<Seconds>; 2] = [
    ("last_write_seconds", "Duration of the last group's write, with its sync.", |t| {
        t.last_write.as_secs_f64()
    }),
    ("last_read_seconds", "Duration of the last read.", |t| t.last_read.as_secs_f64()),
];

/// With what one unit of the name is in the units that were counted.
const HISTOGRAMS: [(Family<Sizes>, f64); 3] = [
    (("sync_seconds", "Duration of a sync.", |t| &t.sync_nanos), 1e9),
    (("commit_wait_seconds", "How long callers waited for their tickets.", |t| &t.commit_wait_nanos), 1e9),
    (("group_events", "Events in a group.", |t| &t.group_events), 1.0),
];

struct Text<'a, N> {
    topics: &'a [(N, TopicSnapshot)],
}

impl<N: AsRef<str>> Display for Text<'_, N> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for family in COUNTERS {
            self.numbers(out, family, "counter")?;
        }
        self.append_errors(out)?;
        for family in GAUGES {
            self.numbers(out, family, "gauge")?;
        }
        for family in SPANS {
            self.numbers(out, family, "gauge")?;
        }
        for (family, unit) in HISTOGRAMS {
            self.histogram(out, family, unit)?;
        }
        Ok(())
    }
}

impl<N: AsRef<str>> Text<'_, N> {
    /// One sample a topic.
    fn numbers<V: Display>(
        &self,
        out: &mut Formatter<'_>,
        (name, help, value): Family<fn(&TopicSnapshot) -> V>,
        kind: &str,
    ) -> fmt::Result {
        head(out, name, help, kind)?;
        for (topic, snapshot) in self.topics {
            writeln!(out, "evlog_{name}{{topic=\"{}\"}} {}", Label(topic.as_ref()), value(snapshot))?;
        }
        Ok(())
    }

    fn append_errors(&self, out: &mut Formatter<'_>) -> fmt::Result {
        head(out, "append_errors_total", "Appends that were refused or failed.", "counter")?;
        for (topic, snapshot) in self.topics {
            let topic = Label(topic.as_ref());
            for (why, count) in snapshot.append_errors {
                let kind = why.as_str();
                writeln!(out, "evlog_append_errors_total{{topic=\"{topic}\",kind=\"{kind}\"}} {count}")?;
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus' own values are floats")]
    fn histogram(
        &self,
        out: &mut Formatter<'_>,
        (name, help, histogram): Family<Sizes>,
        unit: f64,
    ) -> fmt::Result {
        head(out, name, help, "histogram")?;
        for (topic, snapshot) in self.topics {
            let (topic, histogram) = (Label(topic.as_ref()), histogram(snapshot));
            for (bound, count) in histogram.cumulative() {
                let bound = bound as f64 / unit;
                writeln!(out, "evlog_{name}_bucket{{topic=\"{topic}\",le=\"{bound}\"}} {count}")?;
            }
            let count = histogram.count();
            writeln!(out, "evlog_{name}_bucket{{topic=\"{topic}\",le=\"+Inf\"}} {count}")?;
            writeln!(out, "evlog_{name}_sum{{topic=\"{topic}\"}} {}", histogram.sum() as f64 / unit)?;
            writeln!(out, "evlog_{name}_count{{topic=\"{topic}\"}} {count}")?;
        }
        Ok(())
    }
}

fn head(out: &mut Formatter<'_>, name: &str, help: &str, kind: &str) -> fmt::Result {
    writeln!(out, "# HELP evlog_{name} {help}\n# TYPE evlog_{name} {kind}")
}

/// The value of a label, with what would end it or its line escaped.
struct Label<'a>(&'a str);

impl Display for Label<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for character in self.0.chars() {
            match character {
                '\\' => out.write_str("\\\\")?,
                '"' => out.write_str("\\\"")?,
                '\n' => out.write_str("\\n")?,
                other => out.write_char(other)?,
            }
        }
        Ok(())
    }
}
