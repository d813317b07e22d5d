//! `-o KEY=VALUE`: options of the store for this one command.

use std::str::FromStr;
use std::time::Duration;

use evlog_store::Options;
use evlog_store::units::{self, OptionError, Problem};

/// One `KEY=VALUE` that the store takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    key: String,
    value: String,
}

/// All options, with the defaults for those that were not given.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What the store is opened with.
    pub(crate) options: Options,
    /// Most events in one batch.
    pub(crate) batch_size: usize,
    /// How long an event waits for others, and how long it may be undurable.
    pub(crate) batch_timeout: Duration,
    /// Most bytes of one event.
    pub(crate) max_event_bytes: usize,
}

impl Settings {
    /// The defaults, changed by what was given; of two values for one key the last holds.
    ///
    /// # Errors
    /// Where two options do not go together.
    pub(crate) fn new(given: &[Setting]) -> Result<Settings, OptionError> {
        let mut settings = Settings {
            options: Options::new(),
            batch_size: 1_000,
            batch_timeout: Duration::from_secs(1),
            max_event_bytes: 16 << 20,
        };
        for Setting { key, value } in given {
            settings.options.set(key, value)?;
            // The command gathers batches itself, so it has to know these too.
            let narrow = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            match key.as_str() {
                "batch_size" => settings.batch_size = narrow(units::count(key, value)?),
                "batch_timeout_ms" => {
                    settings.batch_timeout = Duration::from_millis(units::count(key, value)?);
                }
                "max_event_bytes" => settings.max_event_bytes = narrow(units::size(key, value)?),
                _ => {}
            }
        }
        settings.options.kept().check()?;
        Ok(settings)
    }
}

/// Every key, for messages.
fn keys() -> String {
    Options::KEYS.join(", ")
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(format!("say KEY=VALUE; the keys are {}", keys()));
        };
        match Options::new().set(key, value) {
            Ok(_) => Ok(Setting { key: key.to_owned(), value: value.to_owned() }),
            Err(OptionError { problem: Problem::UnknownKey, .. }) => {
                Err(format!("there is no option {key:?}; there are {}", keys()))
            }
            Err(error) => Err(error.to_string()),
        }
    }
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
        let settings = Settings::new(&given).expect("options that go together");
        assert_eq!(settings.batch_size, 9);
        assert_eq!(settings.batch_timeout, Duration::from_secs(1));
        assert_eq!(settings.max_event_bytes, 16 << 20);
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
            ("batch_timeout_ms=0", "above zero"),
            ("retention_age=soon", "7d"),
            ("wrap=4", "FILESxBYTES"),
            ("segment_bytes=64M", "64MiB"),
            ("segment_bytes=0", "above zero"),
            ("max_event_bytes=99999999999999999999", "2^64"),
            ("durability=fsync", "buffered, written or synced"),
            ("recovery=Strict", "tolerant or strict"),
            ("segment-bytes=1", "there are durability, batch_size"),
            ("=1", "there is no option \"\""),
        ] {
            let message = text.parse::<Setting>().expect_err(text);
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
