//! Values of options as people write them.

use evlog_store::units::{self, OptionError, Problem};
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn sizes_are_read() {
    let cases = [
        ("1", 1),
        ("65536", 65_536),
        ("007", 7),
        ("5B", 5),
        ("64KiB", 65_536),
        ("64kib", 65_536),
        ("64MiB", 67_108_864),
        ("64 MiB", 67_108_864),
        ("2GiB", 2_147_483_648),
        ("1TiB", 1_099_511_627_776),
        ("3kB", 3_000),
        ("1MB", 1_000_000),
        ("1GB", 1_000_000_000),
        ("1TB", 1_000_000_000_000),
        ("18446744073709551615", u64::MAX),
    ];
    for (text, bytes) in cases {
        assert_eq!(units::size("segment_bytes", text), Ok(bytes), "{text}");
    }
}

#[test]
fn other_sizes_are_refused_with_the_reason() {
    let cases = [
        ("", Problem::NotASize),
        ("MiB", Problem::NotASize),
        ("64M", Problem::NotASize),
        ("64MiB ", Problem::NotASize),
        ("-1", Problem::NotASize),
        ("+1", Problem::NotASize),
        ("1.5GiB", Problem::NotASize),
        ("1e6", Problem::NotASize),
        ("０", Problem::NotASize),
        ("0", Problem::Zero),
        ("0GiB", Problem::Zero),
        ("18446744073709551616", Problem::TooLarge),
        ("16777216TiB", Problem::TooLarge),
    ];
    for (text, problem) in cases {
        assert_eq!(
            units::size("segment_bytes", text),
            Err(OptionError::new("segment_bytes", text, problem)),
            "{text:?}"
        );
    }
}

#[test]
fn ages_are_read() {
    let hour = Duration::from_secs(3_600);
    let cases = [
        ("7d", 24 * 7 * hour),
        ("1h30m", hour + hour / 2),
        ("2w", 24 * 14 * hour),
        ("90s", Duration::from_secs(90)),
        ("250ms", Duration::from_millis(250)),
        ("PT1H", hour),
    ];
    for (text, age) in cases {
        assert_eq!(units::age("retention_age", text), Ok(age), "{text}");
    }
}

#[test]
fn other_ages_are_refused_with_the_reason() {
    let cases = [
        ("", Problem::NotASpan),
        ("7", Problem::NotASpan),
        ("-7d", Problem::NotASpan),
        ("7d ago", Problem::NotASpan),
        ("1mo", Problem::NotASpan),
        ("1y", Problem::NotASpan),
        ("soon", Problem::NotASpan),
        ("0s", Problem::Zero),
    ];
    for (text, problem) in cases {
        assert_eq!(
            units::age("retention_age", text),
            Err(OptionError::new("retention_age", text, problem)),
            "{text:?}"
        );
    }
    assert_eq!(units::span("timeout", "0s"), Ok(Duration::ZERO));
}

#[test]
fn wraps_are_read() {
    assert_eq!(units::wrap("wrap", "4x1MiB"), Ok((4, 1 << 20)));
    assert_eq!(units::wrap("wrap", "10X65536"), Ok((10, 65_536)));
}

#[test]
fn other_wraps_are_refused_with_the_whole_text() {
    let cases = [
        ("", Problem::NotAWrap),
        ("4", Problem::NotAWrap),
        ("x", Problem::NotAWrap),
        ("4x", Problem::NotAWrap),
        ("x1MiB", Problem::NotAWrap),
        ("4x1Mi", Problem::NotAWrap),
        ("4x4x4", Problem::NotAWrap),
        ("0x1MiB", Problem::Zero),
        ("4x0", Problem::Zero),
        ("18446744073709551615x2", Problem::TooLarge),
    ];
    for (text, problem) in cases {
        assert_eq!(units::wrap("wrap", text), Err(OptionError::new("wrap", text, problem)), "{text:?}");
    }
}

#[test]
fn numbers_have_only_digits() {
    assert_eq!(units::number("batch_timeout_ms", "0"), Ok(0));
    assert_eq!(units::count("batch_size", "1000"), Ok(1000));
    for (text, problem) in [
        ("", Problem::NotANumber),
        ("+1", Problem::NotANumber),
        ("1_000", Problem::NotANumber),
        ("18446744073709551616", Problem::TooLarge),
        ("0", Problem::Zero),
    ] {
        assert_eq!(
            units::count("batch_size", text),
            Err(OptionError::new("batch_size", text, problem)),
            "{text:?}"
        );
    }
}

#[test]
fn an_error_names_the_key_the_text_and_what_would_be_right() {
    let error = units::size("segment_bytes", "64M").expect_err("a bare M means two things");
    assert_eq!(
        error.to_string(),
        "option segment_bytes: say a size such as 65536, 64MiB or 1GB, but \"64M\" was given"
    );
}

proptest! {
    #[test]
    fn every_size_comes_back(bytes in 1..=u64::MAX) {
        prop_assert_eq!(units::size("size", &bytes.to_string()), Ok(bytes));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let results = [
            units::number("key", &text).is_ok(),
            units::size("key", &text).is_ok(),
            units::span("key", &text).is_ok(),
            units::wrap("key", &text).is_ok(),
        ];
        // A text is at most one kind of value, but that a plain number is a size too.
        prop_assert!(results.iter().filter(|ok| **ok).count() <= 2);
    }
}

#[test]
fn numbers_of_threads_and_handles_are_options_too() {
    let mut options = evlog_store::Options::new();
    options.set("batching_threads", "3").unwrap().set("handles", "64").unwrap();
    let shown = format!("{options:?}");
    assert!(shown.contains("batching_threads: 3") && shown.contains("handles: 64"), "{shown}");
    for key in ["batching_threads", "handles"] {
        for (value, problem) in [("0", Problem::Zero), ("many", Problem::NotANumber)] {
            assert_eq!(options.set(key, value).unwrap_err(), OptionError::new(key, value, problem));
        }
    }
}
