//! Texts from outside: places in a log.

use evlog_core::Place;

/// Bytes as the text of a place.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let found = text.parse::<Place>();
    if !may_be_written_time(&text) {
        assert_eq!(found.clone().ok(), place_without_time(&text), "{text:?}");
    }
    match found {
        Ok(place) => {
            assert!(text.starts_with('@') == matches!(place, Place::Since(_) | Place::Ago(_)), "{text:?}");
            assert_eq!(place.to_string().parse(), Ok(place), "{text:?} is shown as {place}");
        }
        Err(error) => assert!(error.to_string().contains(&format!("{text:?}"))),
    }
    bytes.len()
}

fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Whether the text may be a time that is written out, or a span: what those look like is not repeated here.
fn may_be_written_time(text: &str) -> bool {
    let is_micros = |time| number(time).is_some_and(|micros| i64::try_from(micros).is_ok());
    text.strip_prefix('@').is_some_and(|time| !is_micros(time))
}

/// The whole grammar but for these.
fn place_without_time(text: &str) -> Option<Place> {
    match text {
        "oldest" => return Some(Place::Oldest),
        "end" => return Some(Place::End),
        _ => {}
    }
    if let Some(micros) = text.strip_prefix('@') {
        return number(micros).map(|micros| Place::Since(micros as i64));
    }
    match text.strip_prefix('-') {
        Some(digits) => number(digits).map(Place::Last),
        None => number(text).map(Place::At),
    }
}
