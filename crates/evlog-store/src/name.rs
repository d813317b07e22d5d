//! Names of topics, and the folders that hold them.

use std::fmt;
use std::str::FromStr;

/// Most bytes of a name.
const LONGEST: usize = 200;

/// What stands before the name in the folder's name, so that no topic collides with a file of the store.
const PREFIX: &str = "t-";

/// The name of a topic: 1 to 200 bytes out of `A-Z a-z 0-9 _ - .`, the first of them no dot.
///
/// Such a name cannot leave the store's folder, and it looks the same in every file system, shell and URL. Names that
/// differ only in the case of a letter are different topics.
///
/// ```
/// use evlog_store::TopicName;
///
/// let name: TopicName = "orders.2026".parse()?;
/// assert_eq!(name.folder(), "t-orders.2026");
/// assert_eq!(TopicName::of_folder("t-orders.2026"), Some(name));
/// assert!("../orders".parse::<TopicName>().is_err());
/// # Ok::<(), evlog_store::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Box<str>);

impl TopicName {
    /// Takes a name from bytes that may be anything.
    ///
    /// # Errors
    /// [`InvalidName`] with the first byte that is not allowed.
    pub fn from_bytes(bytes: &[u8]) -> Result<TopicName, InvalidName> {
        let wrong = |fault| InvalidName { text: String::from_utf8_lossy(bytes).into_owned(), fault };
        if bytes.is_empty() {
            return Err(wrong(NameFault::Empty));
        }
        let is_allowed = |(at, &byte): (usize, &u8)| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && at > 0)
        };
        if let Some((at, &byte)) = bytes.iter().enumerate().find(|&place| !is_allowed(place)) {
            return Err(wrong(NameFault::Byte { at, byte }));
        }
        if bytes.len() > LONGEST {
            return Err(wrong(NameFault::TooLong { bytes: bytes.len() }));
        }
        // All of it is ASCII, so nothing is replaced.
        Ok(TopicName(String::from_utf8_lossy(bytes).into()))
    }

    /// The name of the topic that a folder of this name holds; none where it is not the folder of a topic.
    pub fn of_folder(folder: &str) -> Option<TopicName> {
        folder.strip_prefix(PREFIX)?.parse().ok()
    }

    /// The name of the folder that holds the topic.
    pub fn folder(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl FromStr for TopicName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<TopicName, InvalidName> {
        TopicName::from_bytes(text.as_bytes())
    }
}

/// A text that names no topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{text:?} is no name of a topic: {fault}")]
pub struct InvalidName {
    /// The text; bytes that are not UTF-8 are shown as replacement characters.
    pub text: String,
    /// What is wrong with it.
    pub fault: NameFault,
}

/// What is wrong with an [`InvalidName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// A byte that a name cannot have, or not there.
    #[error("byte {at} is {}; letters, digits, _ and - are allowed, and behind the first also dots", shown(*byte))]
    Byte {
        /// Where it stands, counted from 0.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// Too many bytes.
    #[error("it has {bytes} bytes, and at most {LONGEST} are allowed")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
}

/// A byte as a person recognises it, whatever it would do to a terminal.
fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() || byte == b' ' {
        format!("{:?} ({byte:#04x})", char::from(byte))
    } else {
        format!("{byte:#04x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_and_found_again_in_their_folders() {
        let longest = "n".repeat(LONGEST);
        for text in ["a", "A", "0", "_", "-", "a.b", "a..b", "a.", "--", "CON", "orders-2026_eu.v1", &longest]
        {
            let name: TopicName = text.parse().expect(text);
            assert_eq!(name.as_str(), text);
            assert_eq!(name.folder(), format!("t-{text}"));
            assert_eq!(TopicName::of_folder(&name.folder()), Some(name));
        }
    }

    #[test]
    fn the_first_byte_that_is_not_allowed_is_named() {
        let byte = |at, byte| NameFault::Byte { at, byte };
        let cases: [(&[u8], NameFault); 16] = [
            (b"", NameFault::Empty),
            (b".", byte(0, b'.')),
            (b"..", byte(0, b'.')),
            (b".hidden", byte(0, b'.')),
            (b"a/b", byte(1, b'/')),
            (b"../x", byte(0, b'.')),
            (b"/abs", byte(0, b'/')),
            (b"a\\b", byte(1, b'\\')),
            (b"a\0b", byte(1, 0)),
            (b"a\nb", byte(1, b'\n')),
            (b"a\x7f", byte(1, 0x7f)),
            (b"a ", byte(1, b' ')),
            ("\u{430}pple".as_bytes(), byte(0, 0xd0)),
            (b"a\xff", byte(1, 0xff)),
            (&[b'n'; LONGEST + 1], NameFault::TooLong { bytes: LONGEST + 1 }),
            (&[b'/'; LONGEST + 1], byte(0, b'/')),
        ];
        for (bytes, fault) in cases {
            let error = TopicName::from_bytes(bytes).expect_err(&String::from_utf8_lossy(bytes));
            assert_eq!(error.fault, fault);
        }
    }

    #[test]
    fn the_error_shows_the_byte_and_no_control_character() {
        let error = TopicName::from_bytes(b"a\x1b[31m").expect_err("an escape sequence");
        assert_eq!(
            error.to_string(),
            r#""a\u{1b}[31m" is no name of a topic: byte 1 is 0x1b; letters, digits, _ and - are allowed, and behind the first also dots"#
        );
        let error = "a/b".parse::<TopicName>().expect_err("a slash");
        assert!(error.to_string().contains("byte 1 is '/' (0x2f)"), "{error}");
    }

    #[test]
    fn other_folders_hold_no_topic() {
        for folder in ["", "t-", "t", "orders", "new-0123", "lock", "T-a", "t-.", "t-a/b", " t-a"] {
            assert_eq!(TopicName::of_folder(folder), None, "{folder:?}");
        }
    }
}
