//! `-o KEY=VALUE`: options of the store for this one command.

use std::str::FromStr;
use std::time::Duration;

use evlog_core::Recovery;
use evlog_store::units::{self, OptionError, Problem};

/// Every key, for the message about an unknown one.
pub(crate) const KEYS: &str =
    "segment_bytes, batch_size, batch_timeout_ms, max_event_bytes, durability, recovery";

/// One `KEY=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    SegmentBytes(u64),
    BatchSize(usize),
    BatchTimeout(Duration),
    MaxEventBytes(usize),
    Durability(Durability),
    Recovery(Recovery),
}

/// What a wait for an append waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Buffered,
    Written,
    Synced,
}

/// All options, with the defaults for those that were not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Bytes after which a segment is finished and the next begun; the log's own default where there is none.
    pub(crate) segment_bytes: Option<u64>,
    /// Most events in one batch.
    pub(crate) batch_size: usize,
    /// How long an event waits for others, and how long it may be undurable.
    pub(crate) batch_timeout: Duration,
    /// Most bytes of one event.
    pub(crate) max_event_bytes: usize,
    pub(crate) recovery: Recovery,
}

impl Settings {
    /// The defaults, changed by what was given; of two values for one key the last holds.
    pub(crate) fn new(given: &[Setting]) -> Settings {
        let mut settings = Settings {
            segment_bytes: None,
            batch_size: 1_000,
            batch_timeout: Duration::from_secs(1),
            max_event_bytes: 16 << 20,
            recovery: Recovery::Tolerant,
        };
        for setting in given {
            match *setting {
                Setting::SegmentBytes(bytes) => settings.segment_bytes = Some(bytes),
                Setting::BatchSize(events) => settings.batch_size = events,
                Setting::BatchTimeout(timeout) => settings.batch_timeout = timeout,
                Setting::MaxEventBytes(bytes) => settings.max_event_bytes = bytes,
                Setting::Recovery(recovery) => settings.recovery = recovery,
                // The command waits for every event to be durable before it ends, and only `--sync` says when before.
                Setting::Durability(_) => {}
            }
        }
        settings
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(format!("say KEY=VALUE; the keys are {KEYS}"));
        };
        match read(key, value) {
            Err(OptionError { problem: Problem::UnknownKey, .. }) => {
                Err(format!("there is no option {key:?}; there are {KEYS}"))
            }
            other => other.map_err(|error| error.to_string()),
        }
    }
}

fn read(key: &str, value: &str) -> Result<Setting, OptionError> {
    let wrong = |problem| OptionError::new(key, value, problem);
    let word = |words| wrong(Problem::NotAWord(words));
    let narrow = |number: u64| usize::try_from(number).map_err(|_| wrong(Problem::TooLarge));
    Ok(match key {
        "segment_bytes" => Setting::SegmentBytes(units::size(key, value)?),
        "batch_size" => Setting::BatchSize(narrow(units::count(key, value)?)?),
        "batch_timeout_ms" => Setting::BatchTimeout(Duration::from_millis(units::number(key, value)?)),
        "max_event_bytes" => Setting::MaxEventBytes(narrow(units::size(key, value)?)?),
        "durability" => Setting::Durability(match value {
            "buffered" => Durability::Buffered,
            "written" => Durability::Written,
            "synced" => Durability::Synced,
            _ => return Err(word("buffered, written or synced")),
        }),
        "recovery" => Setting::Recovery(match value {
            "tolerant" => Recovery::Tolerant,
            "strict" => Recovery::Strict,
            _ => return Err(word("tolerant or strict")),
        }),
        _ => return Err(wrong(Problem::UnknownKey)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_values_holds_and_the_rest_keep_their_defaults() {
        let given: Vec<Setting> = ["batch_size=7", "segment_bytes=1MiB", "batch_size=9", "recovery=strict"]
            .iter()
            .map(|text| text.parse().expect(text))
            .collect();
        let settings = Settings::new(&given);
        assert_eq!(settings.batch_size, 9);
        assert_eq!(settings.segment_bytes, Some(1 << 20));
        assert_eq!(settings.recovery, Recovery::Strict);
        assert_eq!(settings.batch_timeout, Duration::from_secs(1));
        assert_eq!(settings.max_event_bytes, 16 << 20);
    }

    #[test]
    fn every_key_is_read() {
        for text in [
            "segment_bytes=64KiB",
            "batch_size=1",
            "batch_timeout_ms=0",
            "max_event_bytes=1",
            "durability=buffered",
            "durability=written",
            "durability=synced",
            "recovery=tolerant",
        ] {
            text.parse::<Setting>().expect(text);
            let key = text.split('=').next().expect("a key");
            assert!(KEYS.split(", ").any(|known| known == key), "{key} is missing in the list");
        }
    }

    #[test]
    fn wrong_values_are_refused_and_say_what_would_be_right() {
        for (text, hint) in [
            ("", "KEY=VALUE"),
            ("batch_size", "KEY=VALUE"),
            ("batch_size=", "whole number"),
            ("batch_size=0", "above zero"),
            ("batch_size=-1", "whole number"),
            ("batch_timeout_ms=1s", "whole number"),
            ("segment_bytes=64M", "64MiB"),
            ("segment_bytes=0", "above zero"),
            ("max_event_bytes=99999999999999999999", "2^64"),
            ("durability=fsync", "buffered, written or synced"),
            ("recovery=Strict", "tolerant or strict"),
            ("segment-bytes=1", "there are segment_bytes, batch_size"),
            ("=1", "there is no option \"\""),
        ] {
            let message = text.parse::<Setting>().expect_err(text);
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
