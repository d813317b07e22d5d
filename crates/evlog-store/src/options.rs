//! How a store treats its topics. The names that [`Options::set`] knows are those of the command's `-o` and of C.

use std::time::Duration;

use evlog_core::Recovery;
use evlog_core::storage::Pool;

use crate::retention::Retention;
use crate::units::{self, OptionError, Problem};

/// What a wait waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Nothing: the event was accepted and has its position.
    Buffered,
    /// The event was given to the system: it outlives this process, not a power loss.
    Written,
    /// The event is on the disk.
    #[default]
    Synced,
}

/// What an append does while as many bytes wait to be written as the options allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits until there is room.
    #[default]
    Block,
    /// It fails at once.
    Fail,
    /// It waits that long at most.
    Wait(Duration),
}

/// Which timestamp an event gets that is given one, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// The one that was given, else the time of day.
    #[default]
    AsGiven,
    /// As above, but never one before that of the event before it. Batches keep their own.
    Monotone,
}

/// How to open a [`Store`](crate::Store). Nothing of it is stored: it holds for this open.
///
/// ```
/// use evlog_store::{Durability, Options};
///
/// let mut options = Options::new();
/// options.durability(Durability::Written).set("retention_age", "7d")?;
/// assert!(options.set("colour", "red").is_err());
/// # Ok::<(), evlog_store::units::OptionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) durability: Durability,
    pub(crate) batch_size: u64,
    pub(crate) batch_timeout: Duration,
    pub(crate) segment_bytes: u64,
    pub(crate) retention: Retention,
    pub(crate) max_event_bytes: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) when_full: WhenFull,
    pub(crate) timestamps: Timestamps,
    pub(crate) recovery: Recovery,
    pub(crate) pad_group_to: Option<u32>,
    pub(crate) batching_threads: usize,
    pub(crate) handles: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// The names that [`Options::set`] knows.
    pub const KEYS: [&'static str; 16] = [
        "durability",
        "batch_size",
        "batch_timeout_ms",
        "segment_bytes",
        "retention_bytes",
        "retention_age",
        "retention_events",
        "wrap",
        "max_event_bytes",
        "queue_bytes",
        "when_full",
        "timestamps",
        "recovery",
        "pad_group_to",
        "batching_threads",
        "handles",
    ];

    /// The defaults, which each setter names.
    pub fn new() -> Options {
        Options {
            durability: Durability::default(),
            batch_size: 1_000,
            batch_timeout: Duration::from_secs(1),
            segment_bytes: 64 << 20,
            retention: Retention::everything(),
            max_event_bytes: 16 << 20,
            queue_bytes: 8 << 20,
            when_full: WhenFull::default(),
            timestamps: Timestamps::default(),
            recovery: Recovery::default(),
            pad_group_to: None,
            batching_threads: 2,
            handles: Pool::DEFAULT_LIMIT,
        }
    }

    /// What a wait on a ticket waits for; [`Durability::Synced`] by default.
    pub fn durability(&mut self, durability: Durability) -> &mut Options {
        self.durability = durability;
        self
    }

    /// So many waiting events are written without being asked for; 1,000 by default.
    pub fn batch_size(&mut self, events: u64) -> &mut Options {
        self.batch_size = events;
        self
    }

    /// At the latest so long after it was accepted an event is written and synced; a second by default.
    pub fn batch_timeout(&mut self, timeout: Duration) -> &mut Options {
        self.batch_timeout = timeout;
        self
    }

    /// Size in bytes at which the next segment is started; 64 MiB by default, less where the retention is small.
    pub fn segment_bytes(&mut self, bytes: u64) -> &mut Options {
        self.segment_bytes = bytes;
        self
    }

    /// What topics keep; everything by default.
    pub fn retention(&mut self, retention: Retention) -> &mut Options {
        self.retention = retention;
        self
    }

    /// Largest payload of one event, in bytes; 16 MiB by default.
    pub fn max_event_bytes(&mut self, bytes: usize) -> &mut Options {
        self.max_event_bytes = bytes;
        self
    }

    /// Bytes of a topic that may wait to be written, those being written included; 8 MiB by default. One larger
    /// event or batch may pass alone.
    pub fn queue_bytes(&mut self, bytes: usize) -> &mut Options {
        self.queue_bytes = bytes;
        self
    }

    /// What an append does where the queue is full; it waits by default.
    pub fn when_full(&mut self, when_full: WhenFull) -> &mut Options {
        self.when_full = when_full;
        self
    }

    /// Which timestamps events get; as given by default.
    pub fn timestamps(&mut self, timestamps: Timestamps) -> &mut Options {
        self.timestamps = timestamps;
        self
    }

    /// What an open does about damage; tolerant by default.
    pub fn recovery(&mut self, recovery: Recovery) -> &mut Options {
        self.recovery = recovery;
        self
    }

    /// Pads what is written together to a multiple of so many bytes; not by default. See
    /// [`evlog_core::Options::pad_group_to`].
    pub fn pad_group_to(&mut self, bytes: Option<u32>) -> &mut Options {
        self.pad_group_to = bytes;
        self
    }

    /// Threads that write for callers who do not wait, for all topics together; 2 by default, at least 1.
    pub fn batching_threads(&mut self, threads: usize) -> &mut Options {
        self.batching_threads = threads.max(1);
        self
    }

    /// Files and folders that may be open at the same time, for all topics together; 256 by default, at least 1. Those
    /// that were not used for longest are closed, and opened again when needed; see [`evlog_core::storage::Pool`].
    pub fn handles(&mut self, handles: usize) -> &mut Options {
        self.handles = handles.max(1);
        self
    }

    /// Sets an option by its name.
    ///
    /// # Errors
    /// [`OptionError`], which names the option, the value and what would have been right.
    pub fn set(&mut self, key: &str, value: &str) -> Result<&mut Options, OptionError> {
        let wrong = |problem| OptionError::new(key, value, problem);
        match key {
            "durability" => {
                self.durability = match value {
                    "buffered" => Durability::Buffered,
                    "written" => Durability::Written,
                    "synced" => Durability::Synced,
                    _ => return Err(wrong(Problem::NotAWord("buffered, written or synced"))),
                }
            }
            "batch_size" => self.batch_size = units::count(key, value)?,
            "batch_timeout_ms" => self.batch_timeout = Duration::from_millis(units::count(key, value)?),
            "segment_bytes" => self.segment_bytes = units::size(key, value)?,
            "retention_bytes" => self.retention = self.retention.bytes(units::size(key, value)?),
            "retention_age" => self.retention = self.retention.age(units::age(key, value)?),
            "retention_events" => self.retention = self.retention.events(units::count(key, value)?),
            "wrap" => {
                let (files, bytes) = units::wrap(key, value)?;
                self.retention = Retention::wrap(files, bytes);
            }
            "max_event_bytes" => self.max_event_bytes = in_memory(key, value)?,
            "queue_bytes" => self.queue_bytes = in_memory(key, value)?,
            "when_full" => {
                self.when_full = match value {
                    "block" => WhenFull::Block,
                    "fail" => WhenFull::Fail,
                    span => WhenFull::Wait(units::span(key, span)?),
                }
            }
            "timestamps" => {
                self.timestamps = match value {
                    "as_given" => Timestamps::AsGiven,
                    "monotone" => Timestamps::Monotone,
                    _ => return Err(wrong(Problem::NotAWord("as_given or monotone"))),
                }
            }
            "recovery" => {
                self.recovery = match value {
                    "tolerant" => Recovery::Tolerant,
                    "strict" => Recovery::Strict,
                    _ => return Err(wrong(Problem::NotAWord("tolerant or strict"))),
                }
            }
            "pad_group_to" => {
                let bytes = units::size(key, value)?;
                self.pad_group_to = Some(u32::try_from(bytes).map_err(|_| wrong(Problem::TooLarge))?);
            }
            "batching_threads" => self.batching_threads = in_number(key, value)?,
            "handles" => self.handles = in_number(key, value)?,
            _ => return Err(wrong(Problem::UnknownKey)),
        }
        Ok(self)
    }

    /// What topics keep.
    pub fn kept(&self) -> &Retention {
        &self.retention
    }

    /// Refuses what only shows when all options are known.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        let positive = [
            ("batch_size", self.batch_size),
            ("max_event_bytes", self.max_event_bytes as u64),
            ("queue_bytes", self.queue_bytes as u64),
            ("batch_timeout_ms", u64::from(!self.batch_timeout.is_zero())),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(OptionError::new(key, "0", Problem::Zero));
            }
        }
        self.retention.check()
    }

    /// The options of the log of a topic.
    pub fn of_log(&self) -> evlog_core::Options {
        let mut options = evlog_core::Options::new();
        options
            .segment_bytes(self.retention.segment_bytes(self.segment_bytes))
            .recovery(self.recovery)
            .pad_group_to(self.pad_group_to);
        options
    }
}

fn in_number(key: &str, value: &str) -> Result<usize, OptionError> {
    let count = units::count(key, value)?;
    usize::try_from(count).map_err(|_| OptionError::new(key, value, Problem::TooLarge))
}

fn in_memory(key: &str, value: &str) -> Result<usize, OptionError> {
    let bytes = units::size(key, value)?;
    usize::try_from(bytes).map_err(|_| OptionError::new(key, value, Problem::TooLarge))
}
