//! What writers were told, kept outside of them, and whether the store keeps to it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use evlog_store::{Place, Position, Read, ReadLevel, Store, Topic};

use super::writer::{Mode, TOPIC, Token};
use crate::process::Failure;

/// Which answers bind after what has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survives {
    /// The process died: what was written is there.
    Written,
    /// The power failed: what was synced is there.
    Synced,
}

/// Who opens the store to check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A writer, which recovers it first, and closes it.
    Writer,
    /// Somebody who may only read.
    Reader,
}

/// What writers of one store were told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    acknowledged: BTreeMap<Position, Token>,
    never: HashSet<Token>,
    /// Events before this position may have been dropped.
    droppable: Position,
    /// The highest start that was found.
    start: Position,
}

impl Ledger {
    /// Takes up what a writer said in one of its lives.
    ///
    /// # Errors
    /// A line that no writer says.
    pub(crate) fn note(&mut self, life: u64, said: &[String], survives: Survives) -> Result<(), Failure> {
        said.iter().try_for_each(|line| {
            self.note_answer(life, line, survives).ok_or_else(|| format!("a writer said {line:?}").into())
        })
    }

    fn note_answer(&mut self, life: u64, answer: &str, survives: Survives) -> Option<()> {
        let parts: Vec<&str> = answer.split(' ').collect();
        let number = |at: usize| parts.get(at)?.parse::<u64>().ok();
        let token = |at: usize| Some(Token { life, thread: number(at)?, sequence: number(at + 1)? });
        match parts[0] {
            "ack" if parts.get(1) == Some(&"written") && survives == Survives::Synced => {}
            "ack" => {
                let (first, count, start) = (token(2)?, number(4)?, number(5)?);
                for more in 0..count {
                    let token = Token { sequence: first.sequence + more, ..first };
                    self.acknowledged.insert(start + more, token);
                }
            }
            "never" => {
                let (first, count) = (token(1)?, number(3)?);
                self.never.extend((0..count).map(|more| Token { sequence: first.sequence + more, ..first }));
            }
            "trim" => self.droppable = self.droppable.max(number(1)?),
            "opened" | "closed" | "failed" => {}
            _ => return None,
        }
        Some(())
    }

    /// How many events were acknowledged and may not have been dropped.
    pub(crate) fn len(&self) -> u64 {
        self.acknowledged.range(self.droppable.max(self.start)..).count() as u64
    }

    /// Opens the store and compares; returns how many events were read.
    ///
    /// # Errors
    /// The first thing that is not as it was promised.
    pub(crate) fn check(&mut self, dir: &Path, mode: Mode, by: By) -> Result<u64, Failure> {
        let opened = match by {
            By::Writer => Store::open(dir, &mode.options()),
            By::Reader => Store::open_read_only(dir, &mode.options()),
        };
        let store = match opened.and_then(|store| store.existing_topic(TOPIC).map(|topic| (store, topic))) {
            Err(_) if self.acknowledged.is_empty() => return Ok(0),
            opened => opened?,
        };
        let (store, topic) = store;
        let count = self.compare(&topic, mode)?;
        drop(topic);
        store.close()?;
        Ok(count)
    }

    fn compare(&mut self, topic: &Topic, mode: Mode) -> Result<u64, Failure> {
        let range = topic.range();
        let report = topic.recovery_report();
        if !report.gaps.is_empty() || !report.foreign.is_empty() {
            return Err(format!("the open reports damage where nothing was damaged: {report:?}").into());
        }
        if range.start < self.start {
            return Err(format!("{range:?}: what was dropped before {} is back", self.start).into());
        }
        if range.start > self.droppable && !mode.drops_by_itself() {
            return Err(format!("{range:?}: only {} were to be dropped", self.droppable).into());
        }
        self.start = range.start;
        let last = self.acknowledged.last_key_value().map_or(0, |(&position, _)| position + 1);
        if range.end < last {
            return Err(format!("{range:?}: {last} events were acknowledged").into());
        }
        let mut expected = range.start;
        let mut newest: HashMap<(u64, u64), u64> = HashMap::new();
        let mut reader = topic.read(Read::from(Place::Oldest).level(ReadLevel::Written))?;
        while let Some(event) = reader.next()? {
            let position = event.position;
            if position != expected {
                return Err(format!("position {position} stands where {expected} should").into());
            }
            expected += 1;
            let token = Token::of(event.payload).ok_or(format!("{position} was never appended"))?;
            if self.never.contains(&token) {
                return Err(format!("{position} is {token:?}, which was called not written").into());
            }
            let before = newest.insert((token.life, token.thread), token.sequence);
            if before.is_some_and(|before| before >= token.sequence) {
                return Err(format!("{position} is {token:?}, behind {before:?} of the same thread").into());
            }
            if self.acknowledged.get(&position).is_some_and(|known| *known != token) {
                let known = self.acknowledged.get(&position);
                return Err(format!("{position} is {token:?}, and {known:?} was acknowledged").into());
            }
        }
        if expected != range.end {
            return Err(format!("{expected} is the last that can be read of {range:?}").into());
        }
        Ok(range.end - range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    /// A store with events of life 1, and a ledger that knows what was said of them.
    fn check(lines: &[&str]) -> Result<u64, String> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &Mode::Append.options()).unwrap();
        let topic = store.topic(TOPIC).unwrap();
        for sequence in [0, 1, 2] {
            topic.append(Token { life: 1, thread: 0, sequence }.payload()).unwrap().wait().unwrap();
        }
        store.close().unwrap();
        let mut ledger = Ledger::default();
        ledger.note(1, &said(lines), Survives::Written).unwrap();
        ledger.check(folder.path(), Mode::Append, By::Reader).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_there_as_it_was_acknowledged_passes() {
        assert_eq!(check(&["opened", "ack synced 0 0 3 0", "closed"]), Ok(3));
        assert_eq!(check(&["ack written 0 1 1 1", "never 0 7 2"]), Ok(3));
    }

    #[test]
    fn what_is_not_as_it_was_said_is_found() {
        let found = |lines: &[&str], part: &str| {
            let error = check(lines).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        found(&["ack synced 0 3 1 3"], "4 events were acknowledged");
        found(&["ack synced 0 5 1 1"], "was acknowledged");
        found(&["never 0 2 1"], "called not written");
    }

    #[test]
    fn what_no_writer_says_is_an_error() {
        let mut ledger = Ledger::default();
        for line in ["ack synced 0 0", "hello", "never x 1 1"] {
            assert!(ledger.note(1, &said(&[line]), Survives::Written).is_err(), "{line}");
        }
    }

    #[test]
    fn an_answer_that_the_power_takes_along_does_not_bind_behind_it() {
        let mut ledger = Ledger::default();
        ledger.note(1, &said(&["ack written 0 0 4 0", "ack synced 0 4 2 4"]), Survives::Synced).unwrap();
        assert_eq!(ledger.len(), 2);
    }
}
