//! A process that appends until it is stopped, and says what it was told.
//!
//! A line for each answer, written as soon as it is known:
//!
//! - `ack LEVEL THREAD SEQUENCE COUNT START`: these events, with these positions, have reached the level;
//! - `never THREAD SEQUENCE COUNT`: they were not written and will never appear;
//! - `trim POSITION`: everything before it may be dropped from now on;
//! - `opened`, `closed`, and `failed WHAT`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use evlog_store::retention::Retention;
use evlog_store::{Batch, Durability, Error, Options, Position, Store, Timestamp, Topic};

use crate::process::Failure;

/// What a writer is asked for.
#[derive(Args)]
pub(crate) struct Writer {
    /// The store.
    #[arg(long)]
    dir: PathBuf,
    /// What it does.
    #[arg(long, value_enum)]
    mode: Mode,
    /// Number of this life, which every event of it tells.
    #[arg(long)]
    life: u64,
    /// How often each thread appends before it closes the store; without it, until it is stopped.
    #[arg(long)]
    appends: Option<u64>,
}

/// What a writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Appends singly and in batches.
    Append,
    /// The same, with segments of 8 KiB.
    Segments,
    /// The same, with a retention that drops most of it.
    Retention,
    /// Rolls and trims by hand meanwhile.
    Trim,
    /// Eight threads append.
    Threads,
    /// Everything for the first time: the store is fresh in each life.
    Create,
}

impl Mode {
    pub(crate) const EACH: [Mode; 6] =
        [Mode::Append, Mode::Segments, Mode::Retention, Mode::Trim, Mode::Threads, Mode::Create];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Append => "append",
            Mode::Segments => "segments",
            Mode::Retention => "retention",
            Mode::Trim => "trim",
            Mode::Threads => "threads",
            Mode::Create => "create",
        }
    }

    /// With what the store is opened.
    pub(crate) fn options(self) -> Options {
        let mut options = Options::new();
        match self {
            Mode::Append | Mode::Create => &mut options,
            Mode::Segments | Mode::Trim | Mode::Threads => options.segment_bytes(8 << 10),
            Mode::Retention => options.segment_bytes(8 << 10).retention(Retention::everything().events(500)),
        };
        options
    }

    /// Whether events may go that nobody has asked to trim.
    pub(crate) fn drops_by_itself(self) -> bool {
        self == Mode::Retention
    }

    fn threads(self) -> u64 {
        if self == Mode::Threads { 8 } else { 1 }
    }
}

/// When everything happened: nothing here depends on it.
const SOME_TIME: Timestamp = 1_700_000_000_000_000;

/// Name of the topic.
pub(crate) const TOPIC: &str = "t";

/// Who has appended an event, and as its how-manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token {
    pub(crate) life: u64,
    pub(crate) thread: u64,
    pub(crate) sequence: u64,
}

impl Token {
    /// The payload of its event: what it is, and bytes that follow from that.
    pub(crate) fn payload(self) -> Vec<u8> {
        let Token { life, thread, sequence } = self;
        let mut payload = format!("{life} {thread} {sequence} ").into_bytes();
        let length = match sequence % 16 {
            0 => 3_000,
            1 => 0,
            other => other as usize * 11,
        };
        let mut chance = fastrand::Rng::with_seed(life << 40 ^ thread << 32 ^ sequence);
        payload.extend(std::iter::repeat_with(|| chance.u8(..)).take(length));
        payload
    }

    /// The token of a payload, if it is one from the first byte to the last.
    pub(crate) fn of(payload: &[u8]) -> Option<Token> {
        let mut words = payload.splitn(4, |&byte| byte == b' ');
        let mut number = || std::str::from_utf8(words.next()?).ok()?.parse().ok();
        let token = Token { life: number()?, thread: number()?, sequence: number()? };
        (token.payload() == payload).then_some(token)
    }
}

/// Writes. An error is said, not returned: what it leaves is for others to judge.
///
/// # Errors
/// Where nothing can be said any more.
pub(crate) fn run(asked: &Writer) -> Result<(), Failure> {
    let said = write(asked).map_or_else(|error| format!("failed {error:?}"), |()| "closed".to_owned());
    say(&said)
}

fn write(asked: &Writer) -> Result<(), Failure> {
    let store = Store::open(&asked.dir, &asked.mode.options())?;
    let topic = store.topic(TOPIC)?;
    say("opened")?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..asked.mode.threads())
            .map(|thread| {
                scope.spawn({
                    let topic = &topic;
                    move || append(asked, topic, thread)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread has panicked")?)
    })?;
    Ok(store.close()?)
}

fn append(asked: &Writer, topic: &Topic, thread: u64) -> Result<(), Failure> {
    let mut chance = fastrand::Rng::with_seed(asked.life << 8 | thread);
    let mut sequence = 0;
    for _ in 0..asked.appends.unwrap_or(u64::MAX) {
        let count = if chance.bool() { 1 } else { chance.u64(1..20) };
        let first = Token { life: asked.life, thread, sequence };
        sequence += count;
        append_one(topic, first, count, &mut chance)?;
        if asked.mode == Mode::Trim && chance.u8(0..20) == 0 {
            let before = topic.range().end.saturating_sub(chance.u64(0..200));
            say(&format!("trim {before}"))?;
            topic.roll()?;
            topic.trim_before(before)?;
        }
    }
    Ok(())
}

fn append_one(topic: &Topic, first: Token, count: u64, chance: &mut fastrand::Rng) -> Result<(), Failure> {
    let tokens = (0..count).map(|more| Token { sequence: first.sequence + more, ..first });
    let (level, name) =
        if chance.u8(0..4) == 0 { (Durability::Written, "written") } else { (Durability::Synced, "synced") };
    let mut batch = Batch::new();
    for token in tokens {
        batch.push(SOME_TIME, &token.payload())?;
    }
    let Token { thread, sequence, .. } = first;
    match topic.append_batch(&batch).and_then(|ticket| ticket.wait_for(level)) {
        Ok(positions) => {
            let start: Position = positions.start;
            say(&format!("ack {name} {thread} {sequence} {count} {start}"))
        }
        Err(error) if is_never(&error) => say(&format!("never {thread} {sequence} {count}")),
        Err(error) => Err(error.into()),
    }
}

/// Whether an error promises that the events never appear.
fn is_never(error: &Error) -> bool {
    use evlog_core::Error as LogError;
    match error {
        Error::NotWritten { .. } => true,
        Error::Log(error) => matches!(**error, LogError::NotWritten { .. } | LogError::NoSpace { .. }),
        _ => false,
    }
}

/// Says one line, in one write.
fn say(line: &str) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(format!("{line}\n").as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_tells_its_token_and_one_that_was_changed_does_not() {
        for sequence in 0..40 {
            let token = Token { life: 3, thread: 7, sequence };
            let mut payload = token.payload();
            assert_eq!(Token::of(&payload), Some(token));
            payload.push(b'x');
            assert_eq!(Token::of(&payload), None);
            payload.pop();
            *payload.last_mut().unwrap() ^= 1;
            assert_eq!(Token::of(&payload), None);
        }
    }
}
