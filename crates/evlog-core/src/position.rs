//! Positions, times, and the one grammar in which people name a place in a log.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The place of an event in its log: 0, 1, 2 … without holes, never used twice.
pub type Position = u64;

/// Microseconds since the Unix epoch, 1970-01-01T00:00:00Z; negative before it.
pub type Timestamp = i64;

/// The longest span that can be written in microseconds, in microseconds: nearly 20,000 years.
const LONGEST_SPAN: u64 = 631_107_417_600_000_000;

/// Where in a log to start or to stop.
///
/// The text forms are the same in Rust, in C and in the shell:
///
/// | text | place |
/// |---|---|
/// | `oldest` | [`Place::Oldest`] |
/// | `end` | [`Place::End`] |
/// | `42` | [`Place::At`] position 42 |
/// | `-100` | [`Place::Last`] 100 events |
/// | `@2026-11-22T10:00:00Z` | [`Place::Since`] that time |
/// | `@1700000000000000` | [`Place::Since`] that many microseconds since the Unix epoch |
/// | `@-1h30m`, `@-7d` | [`Place::Ago`], that long before now |
///
/// ```
/// use evlog_core::Place;
///
/// assert_eq!("-100".parse::<Place>()?, Place::Last(100));
/// assert_eq!("@1970-01-01T00:00:01Z".parse::<Place>()?, Place::Since(1_000_000));
/// assert!("yesterday".parse::<Place>().is_err());
/// # Ok::<(), evlog_core::ParsePlaceError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The first event that is still there.
    Oldest,
    /// This position.
    At(Position),
    /// The first event whose timestamp is at or after this time.
    Since(Timestamp),
    /// The first event whose timestamp lies at most this long before now.
    Ago(Duration),
    /// So many events before the end.
    Last(u64),
    /// Behind the last event.
    End,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Oldest => write!(out, "oldest"),
            Place::At(position) => write!(out, "{position}"),
            // The grammar has no number for a time before 1970: it would read like so long ago.
            Place::Since(time @ ..0) => match jiff::Timestamp::from_microsecond(*time) {
                Ok(time) => write!(out, "@{time}"),
                Err(_) => write!(out, "@{time}"),
            },
            Place::Since(time) => write!(out, "@{time}"),
            Place::Ago(span) => write!(out, "@-{}us", span.as_micros()),
            Place::Last(count) => write!(out, "-{count}"),
            Place::End => write!(out, "end"),
        }
    }
}

impl FromStr for Place {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<Place, ParsePlaceError> {
        let wrong = || ParsePlaceError { text: text.to_owned() };
        match text {
            "oldest" => return Ok(Place::Oldest),
            "end" => return Ok(Place::End),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@') {
            return parse_time(time).ok_or_else(wrong);
        }
        // `u64::from_str` would accept a leading plus sign, which the grammar does not have.
        let (digits, last) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number = digits.parse().map_err(|_| wrong())?;
        Ok(if last { Place::Last(number) } else { Place::At(number) })
    }
}

fn parse_time(text: &str) -> Option<Place> {
    if let Ok(micros) = text.parse::<i64>() {
        // `@-5` would read like "5 ago" to a person; a span has a unit, a time before 1970 is written out.
        return (!text.starts_with(['-', '+'])).then_some(Place::Since(micros));
    }
    if let Some(span) = text.strip_prefix('-') {
        return parse_span(span).map(Place::Ago);
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Place::Since(time.as_microsecond()))
}

/// A span such as `1h30m` or `7d`, days being of 24 hours; in whole microseconds, as all times are.
fn parse_span(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    let exact = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let micros = u64::try_from(exact.as_micros()).ok()?;
    // Several units together may be more than any one of them can say.
    (micros <= LONGEST_SPAN).then_some(Duration::from_micros(micros))
}

/// A text that names no [`Place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePlaceError {
    text: String,
}

impl fmt::Display for ParsePlaceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:?} is no place in a topic: say oldest, end, a position (42), the last so many (-100), \
             or a time (@2026-11-22T10:00:00Z, @-1h)",
            self.text
        )
    }
}

impl std::error::Error for ParsePlaceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_form_is_read() {
        let cases = [
            ("oldest", Place::Oldest),
            ("end", Place::End),
            ("0", Place::At(0)),
            ("18446744073709551615", Place::At(u64::MAX)),
            ("-0", Place::Last(0)),
            ("-100", Place::Last(100)),
            ("@0", Place::Since(0)),
            ("@2026-11-22T10:00:00Z", Place::Since(1_795_341_600_000_000)),
            ("@2026-11-22T11:00:00+01:00", Place::Since(1_795_341_600_000_000)),
            ("@-1h", Place::Ago(Duration::from_secs(3600))),
            ("@-1h30m", Place::Ago(Duration::from_secs(5400))),
            ("@-7d", Place::Ago(Duration::from_secs(7 * 86_400))),
        ];
        for (text, place) in cases {
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for place in [
            Place::Oldest,
            Place::End,
            Place::At(7),
            Place::Last(3),
            Place::Since(12),
            Place::Since(-1),
            Place::Since(-62_135_596_800_000_001),
            Place::Ago(Duration::from_micros(1_500)),
            Place::Ago(Duration::from_micros(LONGEST_SPAN)),
        ] {
            assert_eq!(place.to_string().parse(), Ok(place), "{place}");
        }
    }

    #[test]
    fn whatever_span_is_read_is_shown_so_that_it_can_be_read() {
        let span = |text: &str| text.parse::<Place>().ok();
        assert_eq!(span("@-1ns"), Some(Place::Ago(Duration::ZERO)));
        assert_eq!(span("@-1500ns"), Some(Place::Ago(Duration::from_micros(1))));
        let longest = Some(Place::Ago(Duration::from_micros(LONGEST_SPAN)));
        assert_eq!(span("@-175307616h"), longest);
        assert_eq!(span("@-175307616h1us"), None);
    }

    #[test]
    fn anything_else_is_refused_with_its_text() {
        for text in [
            "",
            "-",
            "--1",
            "+1",
            "1.5",
            "0x10",
            "18446744073709551616",
            "@",
            "@-",
            "@+5",
            "@-5",
            "@noon",
            "@-1y2",
            "END",
            " 1",
            "1 ",
            "@NaN",
        ] {
            let error = text.parse::<Place>().expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")));
        }
    }
}
