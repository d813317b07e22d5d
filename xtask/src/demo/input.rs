//! The lines that go in, and the comparison of what comes out.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::process::Failure;
use crate::sample;

/// Lines in a file and in memory.
pub(crate) struct Input {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where each line starts, and where the last one ends.
    starts: Vec<usize>,
}

impl Input {
    /// Takes `bytes` of real lines and writes them to `path`.
    pub(crate) fn write(bytes: u64, path: &Path) -> Result<Self, Failure> {
        let mut lines = Vec::new();
        sample::write(bytes, &mut lines)?;
        fs::write(path, &lines)?;
        Ok(Self::new(path, lines))
    }

    fn new(path: &Path, bytes: Vec<u8>) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let starts = [0].into_iter().chain(ends).collect();
        Self { path: path.to_owned(), bytes, starts }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lines.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// A line without its newline.
    pub(crate) fn line(&self, number: usize) -> &[u8] {
        &self.bytes[self.starts[number]..self.starts[number + 1] - 1]
    }

    /// Everything from the line `number` on.
    pub(crate) fn bytes_from(&self, number: usize) -> &[u8] {
        &self.bytes[self.starts[number]..]
    }

    /// Everything but the line `number`.
    pub(crate) fn bytes_without(&self, number: usize) -> impl Read {
        self.bytes[..self.starts[number]].chain(&self.bytes[self.starts[number + 1]..])
    }
}

/// Reads both to their ends; returns how many bytes that were.
///
/// # Errors
/// Where they differ: the first place that does.
pub(crate) fn compare(mut found: impl Read, mut expected: impl Read) -> Result<u64, Failure> {
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut at = 0;
    loop {
        let (found, expected) = (fill(&mut found, &mut left)?, fill(&mut expected, &mut right)?);
        if found == expected {
            at += found.len() as u64;
            if found.is_empty() {
                return Ok(at);
            }
            continue;
        }
        let same = found.iter().zip(expected).take_while(|(one, other)| one == other).count();
        let show = |bytes: &[u8]| {
            let rest = &bytes[same..];
            if rest.is_empty() {
                "the end".into()
            } else {
                String::from_utf8_lossy(&rest[..rest.len().min(60)]).into_owned()
            }
        };
        return Err(format!(
            "from byte {} on: {}\nexpected: {}",
            at + same as u64,
            show(found),
            show(expected)
        )
        .into());
    }
}

/// As many bytes as `buffer` holds, fewer only at the end.
fn fill<'a>(from: &mut impl Read, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(&buffer[..filled])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_they_end() {
        let input = Input::new(Path::new("x"), b"one\n\nthree\n".to_vec());
        assert_eq!(input.len(), 3);
        assert_eq!([input.line(0), input.line(1), input.line(2)], [&b"one"[..], b"", b"three"]);
        assert_eq!(input.bytes_from(1), b"\nthree\n");
        let mut rest = Vec::new();
        input.bytes_without(0).read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"\nthree\n");
    }

    #[test]
    fn equal_streams_are_counted() {
        let bytes = vec![7; 100_000];
        assert_eq!(compare(&bytes[..], bytes[..1].chain(&bytes[1..])).unwrap(), 100_000);
        assert_eq!(compare(io::empty(), io::empty()).unwrap(), 0);
    }

    #[test]
    fn the_first_difference_is_named() {
        let mut other = vec![7; 100_000];
        other[70_000] = 8;
        let error = |found: &[u8], expected: &[u8]| compare(found, expected).unwrap_err().to_string();
        assert!(error(&vec![7; 100_000], &other).starts_with("from byte 70000 on: "));
        assert_eq!(error(b"abc", b"ab"), "from byte 2 on: c\nexpected: the end");
        assert_eq!(error(b"ab", b"abc"), "from byte 2 on: the end\nexpected: c");
    }
}
