//! Cuts the bytes of an input into events.

use memchr::memchr;

use crate::delimiter::Delimiter;

/// Bytes that are asked for at a time: few enough to stay in the processor's cache until they are copied on.
const PIECE: usize = 256 << 10;

/// The bytes of an input between their arrival and their going away as events.
#[derive(Debug)]
pub(crate) struct Splitter {
    delimiter: Delimiter,
    /// Most bytes of one event.
    limit: usize,
    bytes: Vec<u8>,
    /// What has not gone away yet: `bytes[start..filled]`. There is no delimiter before `searched`.
    start: usize,
    searched: usize,
    filled: usize,
    /// Where the last event that went away began.
    last: usize,
    /// Events that went away.
    events: u64,
    has_ended: bool,
}

/// An event that has more bytes than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Splitter {
    /// For events of at most `limit` bytes.
    pub(crate) fn new(delimiter: Delimiter, limit: usize) -> Splitter {
        let (bytes, has_ended) = (Vec::new(), false);
        Splitter { delimiter, limit, bytes, start: 0, searched: 0, filled: 0, last: 0, events: 0, has_ended }
    }

    /// Room for the next bytes of the input, never empty. Call it when [`Splitter::next_event`] has none left.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        // Little is left here, as a rule: the beginning of an event.
        self.bytes.copy_within(self.start..self.filled, 0);
        self.searched -= self.start;
        self.filled -= self.start;
        self.start = 0;
        if self.bytes.len() - self.filled < PIECE / 2 {
            self.bytes.resize((2 * self.bytes.len()).max(PIECE), 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Says how many bytes the input put at the beginning of the room.
    pub(crate) fn filled(&mut self, count: usize) {
        self.filled += count;
    }

    /// Says that no more bytes come: what is left is an event without a delimiter, if it has bytes. With no delimiter
    /// at all the whole input is one event, also where it is empty.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Whether no more bytes come.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The next whole event, if there is one.
    ///
    /// # Errors
    /// [`TooLong`] as soon as that is certain; then there are no more.
    pub(crate) fn next_event(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let found = match self.delimiter {
            Delimiter::Byte(byte) => memchr(byte, &self.bytes[self.searched..self.filled]),
            Delimiter::Nothing => None,
        };
        let event = self.start..found.map_or(self.filled, |length| self.searched + length);
        if event.len() > self.limit {
            return Err(TooLong);
        }
        if found.is_none() {
            self.searched = self.filled;
            let is_all = self.delimiter == Delimiter::Nothing && self.events == 0;
            if !self.has_ended || (event.is_empty() && !is_all) {
                return Ok(None);
            }
        }
        self.last = event.start;
        // Behind the delimiter, if there is one.
        self.start = event.end + usize::from(found.is_some());
        self.searched = self.start;
        self.events += 1;
        Ok(Some(&self.bytes[event]))
    }

    /// Takes the event back that went away last, so that it comes again.
    pub(crate) fn put_back(&mut self) {
        self.start = self.last;
        self.searched = self.last;
        self.events -= 1;
    }

    /// How many events went away.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `input` in pieces of these sizes, over and over.
    fn split(
        delimiter: Delimiter,
        limit: usize,
        input: &[u8],
        sizes: &[usize],
    ) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut splitter = Splitter::new(delimiter, limit);
        let mut events = Vec::new();
        let mut rest = input;
        for &size in sizes.iter().cycle() {
            while let Some(event) = splitter.next_event()? {
                events.push(event.to_vec());
            }
            if splitter.has_ended() {
                break;
            }
            if rest.is_empty() {
                splitter.end();
                continue;
            }
            let count = size.clamp(1, rest.len());
            splitter.room()[..count].copy_from_slice(&rest[..count]);
            splitter.filled(count);
            rest = &rest[count..];
        }
        assert_eq!(splitter.next_event(), Ok(None));
        assert_eq!(splitter.events(), events.len() as u64);
        Ok(events)
    }

    proptest! {
        #[test]
        fn events_are_what_stands_between_the_delimiters(
            input in prop::collection::vec(0_u8..4, 0..200),
            delimiter in 0_u8..4,
            sizes in prop::collection::vec(1_usize..20, 1..8),
        ) {
            let mut expected: Vec<Vec<u8>> = input.split(|&byte| byte == delimiter).map(<[u8]>::to_vec).collect();
            // Behind the last delimiter there is an event only if there are bytes.
            if expected.last().is_some_and(Vec::is_empty) {
                expected.pop();
            }
            prop_assert_eq!(split(Delimiter::Byte(delimiter), 200, &input, &sizes), Ok(expected));
            prop_assert_eq!(split(Delimiter::Nothing, 200, &input, &sizes), Ok(vec![input]));
        }
    }

    #[test]
    fn an_event_may_have_as_many_bytes_as_allowed_and_not_one_more() {
        let just = [&[b'a'; 10][..], b"\n", &[b'b'; 10]].concat();
        let too_many = [&[b'a'; 10][..], b"\n", &[b'b'; 11], b"\n"].concat();
        for sizes in [&[1][..], &[100]] {
            assert_eq!(split(Delimiter::NEWLINE, 10, &just, sizes).map(|events| events.len()), Ok(2));
            assert_eq!(split(Delimiter::NEWLINE, 10, &too_many, sizes), Err(TooLong));
            assert_eq!(
                split(Delimiter::NEWLINE, 10, &too_many[..22], sizes),
                Err(TooLong),
                "without its end"
            );
        }
    }

    #[test]
    fn what_is_put_back_comes_again() {
        let mut splitter = Splitter::new(Delimiter::NEWLINE, 10);
        splitter.room()[..7].copy_from_slice(b"a\nbc\nde");
        splitter.filled(7);
        for event in [b"a", &b"bc"[..]] {
            assert_eq!(splitter.next_event(), Ok(Some(event)));
            splitter.put_back();
            assert_eq!(splitter.next_event(), Ok(Some(event)));
        }
        assert_eq!(splitter.next_event(), Ok(None));
        splitter.end();
        for _ in 0..2 {
            assert_eq!(splitter.next_event(), Ok(Some(&b"de"[..])));
            splitter.put_back();
        }
        assert_eq!(splitter.events(), 2);
    }

    #[test]
    fn long_events_find_room() {
        let input = [vec![b'x'; 3 * PIECE], b"\n".to_vec(), vec![b'y'; 10]].concat();
        let events = split(Delimiter::NEWLINE, 4 * PIECE, &input, &[PIECE / 3]).expect("short enough");
        assert_eq!(events.iter().map(Vec::len).collect::<Vec<_>>(), [3 * PIECE, 10]);
    }
}
