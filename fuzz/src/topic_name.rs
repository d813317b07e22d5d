//! Bytes as the name of a topic. A test of evlog-store replays the inputs of this target.

use evlog_store::{NameFault, TopicName};

/// Takes the bytes for a name, and for the folder of a topic.
///
/// # Panics
/// Where a promise is broken.
pub fn check(bytes: &[u8]) {
    let is_fine = |(at, byte): (usize, &u8)| {
        matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') || at > 0 && *byte == b'.'
    };
    let bad = bytes.iter().enumerate().position(|place| !is_fine(place));
    match TopicName::from_bytes(bytes) {
        Ok(name) => {
            assert!(bad.is_none() && (1..=200).contains(&bytes.len()), "{name} is no name");
            assert_eq!(name.as_str().as_bytes(), bytes);
            assert_eq!(name.to_string().parse(), Ok(name.clone()));
            assert_eq!(name.folder(), format!("t-{name}"));
            assert_eq!(TopicName::of_folder(&name.folder()), Some(name));
        }
        Err(error) => {
            let expected = match bad {
                Some(at) => NameFault::Byte { at, byte: bytes[at] },
                None if bytes.is_empty() => NameFault::Empty,
                None => NameFault::TooLong { bytes: bytes.len() },
            };
            assert_eq!(error.fault, expected);
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }
    // The same bytes as the name of a folder: what it holds is found again by that name alone.
    let folder = String::from_utf8_lossy(bytes);
    if let Some(name) = TopicName::of_folder(&folder) {
        assert_eq!(name.folder(), folder);
    }
}
