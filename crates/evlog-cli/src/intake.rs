//! Gathers events into batches, from the command line or from an input.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use evlog_core::{Batch, Error, Timestamp};
use evlog_store::schema::Scratch;

use crate::exit::{Exit, Failure};
use crate::input::{Arrival, Input};
use crate::interrupt::Interrupt;
use crate::settings::Settings;
use crate::splitter::{Splitter, TooLong};
use crate::value::Values;

/// Where events come from, and how they become batches.
#[derive(Debug)]
pub(crate) struct Intake {
    source: Source,
    size: BatchSize,
    timeout: Duration,
    max_event_bytes: usize,
    /// When the events that were taken so far have to be durable.
    due: Option<Instant>,
    /// When the bytes came that are being cut into events.
    arrived: Timestamp,
    bytes: u64,
    shape: Shape,
    scratch: Scratch,
}

/// What becomes of the bytes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// They are the payload.
    Bytes,
    /// They are JSON, and the payload is the value that it tells.
    Values,
}

/// What the events come from.
#[derive(Debug)]
enum Source {
    /// Words of the command line, one event each; the first `taken` of them went away.
    Words {
        words: Vec<OsString>,
        taken: usize,
    },
    Input {
        input: Input,
        splitter: Splitter,
    },
}

/// How many events make a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchSize {
    /// So many: the user relies on it.
    Exactly(usize),
    /// So many, or as many as fit into a batch.
    UpTo(usize),
}

/// Why gathering pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The batch has all its events.
    Full,
    /// What was taken has to be durable now.
    Due,
    End,
    Interrupt,
}

impl Intake {
    /// Takes words of the command line, one event each.
    pub(crate) fn of_words(
        words: Vec<OsString>,
        size: BatchSize,
        shape: Shape,
        settings: &Settings,
    ) -> Intake {
        Intake::new(Source::Words { words, taken: 0 }, size, shape, settings)
    }

    /// Takes what `splitter` makes of an input.
    pub(crate) fn of_input(
        input: Input,
        splitter: Splitter,
        size: BatchSize,
        shape: Shape,
        settings: &Settings,
    ) -> Intake {
        Intake::new(Source::Input { input, splitter }, size, shape, settings)
    }

    fn new(source: Source, size: BatchSize, shape: Shape, settings: &Settings) -> Intake {
        Intake {
            source,
            size,
            timeout: settings.batch_timeout,
            max_event_bytes: settings.max_event_bytes,
            due: None,
            arrived: now(),
            bytes: 0,
            shape,
            scratch: Scratch::default(),
        }
    }

    /// Adds events to `batch` until there is a reason to pause. It only ever has whole events.
    ///
    /// # Errors
    /// [`Exit::Usage`] for an event that is too large, or a batch that the user wants larger than one may be; what the
    /// system says of the input.
    pub(crate) fn gather(&mut self, batch: &mut Batch, interrupt: &Interrupt) -> Result<Pause, Failure> {
        loop {
            if let Some(pause) = self.take(batch)? {
                return Ok(pause);
            }
            let Source::Input { input, splitter } = &mut self.source else { return Ok(Pause::End) };
            if splitter.has_ended() {
                return Ok(Pause::End);
            }
            match input.read(splitter.room(), self.due, interrupt)? {
                Arrival::Bytes(count) => {
                    splitter.filled(count);
                    self.bytes += count as u64;
                    self.arrived = now();
                }
                Arrival::End => splitter.end(),
                Arrival::Silence => return Ok(Pause::Due),
                Arrival::Interrupt => return Ok(Pause::Interrupt),
            }
        }
    }

    /// Adds the events that have come already. Nothing where `batch` could take more.
    fn take(&mut self, batch: &mut Batch) -> Result<Option<Pause>, Failure> {
        let (BatchSize::Exactly(most) | BatchSize::UpTo(most)) = self.size;
        loop {
            let number = self.source.number() + 1;
            let Some(event) = self.source.next_event(self.max_event_bytes)? else { return Ok(None) };
            let payload = match self.shape {
                Shape::Bytes => event,
                Shape::Values => Values::encode(event, &mut self.scratch)
                    .map_err(|why| Failure::refused(Exit::Usage, format!("event {number}: {why}")))?,
            };
            match batch.push(self.arrived, payload) {
                Ok(()) => {}
                Err(Error::TooLarge { .. }) if self.size == BatchSize::UpTo(most) && !batch.is_empty() => {
                    self.source.put_back();
                    return Ok(Some(Pause::Full));
                }
                Err(error) => return Err(error.into()),
            }
            if self.due.is_none() {
                self.due = Instant::now().checked_add(self.timeout);
            }
            if batch.len() >= most {
                return Ok(Some(Pause::Full));
            }
        }
    }

    /// Whether what was taken so far has to be durable now.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    /// Notes that what was taken so far is durable.
    pub(crate) fn settle(&mut self) {
        self.due = None;
    }

    /// Bytes of the input that came so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Source {
    /// The next event that has come already.
    fn next_event(&mut self, limit: usize) -> Result<Option<&[u8]>, Failure> {
        match self {
            Source::Words { words, taken } => {
                let Some(word) = words.get(*taken) else { return Ok(None) };
                *taken += 1;
                if word.len() > limit {
                    return Err(too_long(&format!("event {taken} on the command line"), limit));
                }
                Ok(Some(word.as_bytes()))
            }
            Source::Input { input, splitter } => {
                let number = splitter.events() + 1;
                splitter
                    .next_event()
                    .map_err(|TooLong| too_long(&format!("event {number} of {}", input.name()), limit))
            }
        }
    }

    /// How many events were taken so far.
    fn number(&self) -> u64 {
        match self {
            Source::Words { taken, .. } => *taken as u64,
            Source::Input { splitter, .. } => splitter.events(),
        }
    }

    fn put_back(&mut self) {
        match self {
            Source::Words { taken, .. } => *taken -= 1,
            Source::Input { splitter, .. } => splitter.put_back(),
        }
    }
}

fn too_long(what: &str, limit: usize) -> Failure {
    let message =
        format!("{what} has more than {limit} bytes, which the option max_event_bytes does not allow");
    Failure::refused(Exit::Usage, message)
}

/// Microseconds since the Unix epoch.
fn now() -> Timestamp {
    jiff::Timestamp::now().as_microsecond()
}
