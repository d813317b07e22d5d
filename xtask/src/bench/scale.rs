//! How much is measured.

use std::path::Path;

use evlog_benches::subject::Workload;

use super::programs::{Subject, Task};

/// How many rounds, of which workloads, at which sizes, with how many events.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) rounds: usize,
    pub(super) sizes: Vec<usize>,
    /// Only these; all where none is named.
    pub(super) workloads: Vec<Workload>,
    pub(super) events: Events,
    /// Seconds of each load.
    pub(super) load_seconds: u64,
    /// Events of the longest log of `growth`.
    pub(super) longest: u64,
    /// Batch timeouts over which the original's rates are measured.
    pub(super) cycles: u32,
}

/// Events of the workloads that write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Events {
    alone: u64,
    together: u64,
    batched: u64,
    unawaited: u64,
    in_topics: u64,
}

/// Sizes that are measured, in bytes.
const SIZES: [usize; 3] = [128, 512, 1024];
/// Events of a batch of W3.
const BATCH: usize = 1000;
/// Threads of W2.
const THREADS: usize = 16;
/// Topics of R5.
const TOPICS: usize = 1000;

impl Scale {
    /// What docs/BENCHMARKS.md describes.
    pub(super) fn full() -> Scale {
        let events = Events {
            alone: 2_000,
            together: 16_000,
            batched: 200_000,
            unawaited: 1_000_000,
            in_topics: 1_000_000,
        };
        Scale {
            rounds: 3,
            sizes: SIZES.to_vec(),
            workloads: Vec::new(),
            events,
            load_seconds: 10,
            longest: 10_000_000,
            cycles: 2,
        }
    }

    /// A tenth of it: shows that everything can be measured, and little more.
    pub(super) fn quick() -> Scale {
        let events =
            Events { alone: 300, together: 3_200, batched: 20_000, unawaited: 100_000, in_topics: 100_000 };
        Scale { rounds: 1, events, load_seconds: 2, longest: 1_000_000, cycles: 1, ..Scale::full() }
    }

    /// Whether this workload is asked for.
    pub(super) fn measures(&self, workload: Workload) -> bool {
        self.workloads.is_empty() || self.workloads.contains(&workload)
    }

    /// Whether this subject is to write this workload. Who is to be read must write first.
    pub(super) fn wants(&self, subject: &Subject, workload: Workload) -> bool {
        let is_read = workload == Workload::W4 && {
            let reads = [Workload::R1, Workload::R2, Workload::R3, Workload::R4];
            let own = reads.iter().any(|read| self.measures(*read) && subject.workloads.contains(read));
            // The limits that only read, read what this one wrote.
            own || subject.name == "raw-extend" && reads.iter().any(|read| self.measures(*read))
        };
        subject.workloads.contains(&workload) && (self.measures(workload) || is_read)
    }

    /// The size at which opening is measured: what is largest.
    pub(super) fn opened_size(&self) -> usize {
        self.sizes.iter().copied().max().unwrap_or(0)
    }

    /// Events in the log that is opened, and that is read.
    pub(super) fn unawaited(&self) -> u64 {
        self.events.unawaited
    }

    pub(super) fn task<'a>(
        &self,
        subject: &'a Subject,
        workload: Workload,
        size: usize,
        folder: &'a Path,
    ) -> Task<'a> {
        let count = match workload {
            Workload::W1 => self.events.alone,
            Workload::W2 => self.events.together,
            Workload::W3 => self.events.batched,
            Workload::R5 => self.events.in_topics,
            _ => self.events.unawaited,
        };
        Task {
            subject,
            workload,
            size,
            count,
            batch: BATCH,
            threads: THREADS,
            topics: TOPICS,
            rate: 1000,
            readers: 0,
            folder,
        }
    }
}
