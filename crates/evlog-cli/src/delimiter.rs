//! What stands between two events in the input and in the output.

use std::str::FromStr;

use crate::text::unescape;

/// The byte behind each event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    Byte(u8),
    /// Nothing: the whole input is one event, and events are put out one right behind the other.
    Nothing,
}

impl Delimiter {
    /// What ends a line.
    pub(crate) const NEWLINE: Delimiter = Delimiter::Byte(b'\n');

    /// Puts the delimiter behind what is in `out`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        if let Delimiter::Byte(byte) = self {
            out.push(byte);
        }
    }
}

impl FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Delimiter, &'static str> {
        if text == "none" {
            return Ok(Delimiter::Nothing);
        }
        match *unescape(text)? {
            [byte] => Ok(Delimiter::Byte(byte)),
            _ => Err("say one byte such as ',' or an escape (\\n, \\t, \\r, \\0, \\xHH, \\\\), or none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, byte) in [
            (",", b','),
            ("n", b'n'),
            (" ", b' '),
            ("\n", b'\n'),
            ("\\n", b'\n'),
            ("\\t", b'\t'),
            ("\\r", b'\r'),
            ("\\0", 0),
            ("\\\\", b'\\'),
            ("\\x1e", 0x1e),
            ("\\xFF", 0xff),
        ] {
            assert_eq!(text.parse(), Ok(Delimiter::Byte(byte)), "{text:?}");
        }
        assert_eq!("none".parse(), Ok(Delimiter::Nothing));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "ab", "é", "\\", "\\q", "\\x", "\\x1", "\\xg0", "\\n\\n", "None", "\\x000"] {
            text.parse::<Delimiter>().expect_err(text);
        }
    }
}
