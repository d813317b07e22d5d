//! Bytes and times as people write and read them.

use evlog_core::Timestamp;

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A file or another program, which gets every byte as it is.
    Program,
    /// A terminal, which would take control characters in a payload for commands.
    Terminal,
}

/// Replaces the escapes `\n`, `\t`, `\r`, `\0`, `\xHH` and `\\` by the bytes they stand for.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, &'static str> {
    const WRONG: &str = "an escape is one of \\n, \\t, \\r, \\0, \\xHH, \\\\";
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(WRONG);
                (digit()? * 16 + digit()?) as u8
            }
            _ => return Err(WRONG),
        });
    }
    Ok(out)
}

/// Puts a payload behind what is in `out`, fit for whoever reads it.
pub(crate) fn write_payload(payload: &[u8], audience: Audience, out: &mut Vec<u8>) {
    match audience {
        Audience::Program => out.extend_from_slice(payload),
        Audience::Terminal => write_visible(payload, out),
    }
}

/// Two digits for each byte.
pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
}

/// The text with escapes for whatever would steer a terminal: control characters except tabs and newlines, and
/// bytes that are not UTF-8.
fn write_visible(payload: &[u8], out: &mut Vec<u8>) {
    for piece in payload.utf8_chunks() {
        for character in piece.valid().chars() {
            if character.is_control() && !matches!(character, '\t' | '\n') {
                out.extend(character.escape_default().map(|part| part as u8));
            } else {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        for byte in piece.invalid() {
            out.extend_from_slice(b"\\x");
            write_hex(&[*byte], out);
        }
    }
}

/// `1 event`, `2 events`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A time as people read it, in UTC. Times that no calendar holds are shown as the number they are.
pub(crate) fn readable_time(timestamp: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(timestamp) {
        Ok(time) => time.to_string(),
        Err(_) => format!("@{timestamp}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_payload_steers_a_terminal() {
        let payload = b"a\tb\nc\x1b[2J\r\x07\x7f\xc3\xa9\xff\xc2\x9b";
        let mut out = Vec::new();
        write_payload(payload, Audience::Terminal, &mut out);
        assert_eq!(String::from_utf8(out).expect("text"), "a\tb\nc\\u{1b}[2J\\r\\u{7}\\u{7f}é\\xff\\u{9b}");
        let mut out = Vec::new();
        write_payload(payload, Audience::Program, &mut out);
        assert_eq!(out, payload);
    }

    #[test]
    fn times_that_no_calendar_holds_are_numbers() {
        assert_eq!(readable_time(1_700_000_000_000_001), "2023-11-14T22:13:20.000001Z");
        assert_eq!(readable_time(i64::MAX), "@9223372036854775807");
        assert_eq!(readable_time(i64::MIN), "@-9223372036854775808");
    }
}
