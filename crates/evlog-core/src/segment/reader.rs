//! Reads a segment: pieces of its file, and the batches in them one after the other, whatever state they are in.

use crate::error::{Error, Result, UnknownFeature};
use crate::format::batch::{self, BatchFault, BatchHeader, Kind, Table};
use crate::format::checksum::checksum;
use crate::format::{ALIGNMENT, HEADER_PAGE};
use crate::position::Position;
use crate::segment::Segment;
use crate::segment::index::Boundary;
use crate::storage::read_full;

/// Least bytes of an event on disk: its table entry. Bounds how many positions a stretch can hide.
const LEAST_EVENT: u32 = 16;

/// More zeros in a row than any writer leaves, in bytes: only then are holes of the file asked for.
const LONG_BLANK: u32 = 128 << 20;

/// A piece of a segment's file in memory.
#[derive(Debug)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: u32,
    filled: usize,
    /// Bytes that are read at once.
    piece: usize,
}

impl Window {
    /// A window that reads so many bytes at once.
    pub(crate) fn new(piece: usize) -> Window {
        Window { buffer: Vec::new(), start: 0, filled: 0, piece }
    }

    /// Forgets what was read: another segment comes.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// The `length` bytes at `offset`, fewer where the file ends. The caller has bounded `length`.
    pub(crate) fn bytes(&mut self, segment: &Segment, offset: u32, length: usize) -> Result<&[u8]> {
        self.load(segment, offset, length, offset.saturating_add(length as u32))?;
        Ok(self.loaded(offset, length))
    }

    /// What a `bytes` call of the same place has brought into memory, without reading.
    pub(crate) fn loaded(&self, offset: u32, length: usize) -> &[u8] {
        let begin = (offset - self.start) as usize;
        &self.buffer[begin.min(self.filled)..(begin + length).min(self.filled)]
    }

    /// Brings `length` bytes at `offset` into memory, and with them what follows in the same piece, but nothing at
    /// or behind `limit`: those bytes may still change.
    pub(crate) fn load(&mut self, segment: &Segment, offset: u32, length: usize, limit: u32) -> Result<()> {
        let held_until = u64::from(self.start) + self.filled as u64;
        if offset >= self.start && u64::from(offset) + length as u64 <= held_until {
            return Ok(());
        }
        // What is already here of the wanted bytes moves to the front and is not read again.
        let keep = if offset >= self.start && u64::from(offset) < held_until {
            let begin = (offset - self.start) as usize;
            self.buffer.copy_within(begin..self.filled, 0);
            self.filled - begin
        } else {
            0
        };
        self.start = offset;
        self.filled = keep;
        let wanted = self.piece.min(limit.saturating_sub(offset) as usize).max(length);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let at = u64::from(offset) + keep as u64;
        let mut outcome = read_full(&*segment.file, &mut self.buffer[keep..wanted], at);
        if outcome.is_err() && wanted > length {
            // A bad sector further on must not cost what was asked for.
            outcome = read_full(&*segment.file, &mut self.buffer[keep..length.max(keep)], at);
        }
        self.filled = keep + outcome.map_err(Error::io("read", &segment.path, at))?;
        Ok(())
    }

    /// Where to go on at or behind `at`, after nothing but zeros were met from `blank_from` on. No log has so many of
    /// them, so that a file system which errs about holes costs no event.
    fn go_on_from(segment: &Segment, blank_from: u32, at: u32, limit: u32) -> Result<u32> {
        if at - blank_from < LONG_BLANK {
            return Ok(at);
        }
        let next = segment.file.behind_hole(u64::from(at)).map_err(Error::io(
            "look for data in",
            &segment.path,
            u64::from(at),
        ))?;
        let next =
            next.and_then(|next| u32::try_from(next / u64::from(ALIGNMENT) * u64::from(ALIGNMENT)).ok());
        Ok(next.unwrap_or(limit).clamp(at, limit))
    }

    /// How many bytes in `from..to` are not zero.
    pub(crate) fn count_non_zero(&mut self, segment: &Segment, from: u32, to: u32) -> Result<u32> {
        let mut count = 0;
        let mut at = from;
        let mut blank_from = from;
        while at < to {
            let length = self.piece.min((to - at) as usize);
            let found = self.bytes(segment, at, length)?;
            if found.is_empty() {
                break;
            }
            let behind = at + found.len() as u32;
            if is_blank(found) {
                at = Window::go_on_from(segment, blank_from, behind, to)?;
            } else {
                count += found.iter().filter(|&&byte| byte != 0).count() as u32;
                at = behind;
                blank_from = behind;
            }
        }
        Ok(count)
    }

    /// The sound batch header at `offset`, if there is one. Bytes at and behind `limit` are not of the segment.
    pub(crate) fn header(
        &mut self,
        segment: &Segment,
        offset: u32,
        limit: u32,
    ) -> Result<Option<BatchHeader>> {
        if u64::from(offset) + batch::SIZE as u64 > u64::from(limit) {
            return Ok(None);
        }
        self.load(segment, offset, batch::SIZE, limit)?;
        let Some(found) = self.loaded(offset, batch::SIZE).first_chunk() else { return Ok(None) };
        match BatchHeader::decode(found, segment.salt, offset, limit) {
            Ok(header) => Ok(Some(header)),
            Err(BatchFault::Unsound) => Ok(None),
            Err(BatchFault::Unsupported { kind, flags }) => Err(Error::Unsupported {
                path: segment.path.clone(),
                what: UnknownFeature::Batch { kind, flags, offset: u64::from(offset) },
            }),
        }
    }
}

/// Bytes where no sound batch that fits stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The position that was expected where it begins.
    pub(crate) expected: Position,
    /// The base of the batch behind it, if one follows.
    pub(crate) behind: Option<Position>,
}

/// What a [`Walker`] meets next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Batch(BatchHeader),
    Stretch(Stretch),
    End,
}

/// Walks the batches of a segment by their headers, from a boundary up to a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walker {
    pub(crate) at: u32,
    /// Position of the next event.
    pub(crate) position: Position,
    /// Largest `synced` met.
    pub(crate) synced: u32,
    /// Bytes from here on are not of the segment, or not to be looked at yet.
    pub(crate) limit: u32,
    /// Positions from here on are not of the segment: where its end is not stated, bytes behind it may still tell of
    /// events whose positions were given to others.
    pub(crate) end: Position,
}

impl Walker {
    /// A walk up to `limit`, through events before `end`.
    pub(crate) fn new(from: Boundary, limit: u32, end: Position) -> Walker {
        Walker { at: from.offset, position: from.position, synced: HEADER_PAGE, limit, end }
    }

    /// Takes one step. After an error the same step may be tried again.
    pub(crate) fn step(&mut self, segment: &Segment, window: &mut Window) -> Result<Step> {
        if self.at >= self.limit {
            return Ok(Step::End);
        }
        match window.header(segment, self.at, self.limit)? {
            Some(header) if self.fits(&header, 0) => {
                self.at = header.end_offset();
                self.position = header.end_position();
                self.synced = header.synced;
                Ok(Step::Batch(header))
            }
            _ => {
                let behind = self.search(segment, window)?;
                let stretch = Stretch {
                    from: self.at,
                    to: behind.map_or(self.limit, |header| header.offset),
                    expected: self.position,
                    behind: behind.map(|header| header.base),
                };
                Ok(self.pass(&stretch))
            }
        }
    }

    /// Goes behind a stretch that is already known.
    pub(crate) fn pass(&mut self, stretch: &Stretch) -> Step {
        self.at = stretch.to;
        self.position = stretch.behind.unwrap_or(stretch.expected);
        Step::Stretch(*stretch)
    }

    /// Whether the batch can stand behind so many bytes in which none could be read. A batch behind a stretch may
    /// have skipped as many positions as the stretch could have held, and never goes back.
    fn fits(&self, header: &BatchHeader, stretch: u32) -> bool {
        self.reaches(header.base, stretch)
            && header.synced >= self.synced
            && header.end_position() <= self.end
    }

    /// Whether so many bytes can hold the events up to `position`.
    pub(crate) fn reaches(&self, position: Position, stretch: u32) -> bool {
        let most = u64::from(stretch / LEAST_EVENT);
        (self.position..=self.position.saturating_add(most)).contains(&position)
    }

    /// The next sound batch that fits, looking at every aligned place behind the current one.
    fn search(&self, segment: &Segment, window: &mut Window) -> Result<Option<BatchHeader>> {
        // The largest offsets of all have nothing behind them.
        let mut at = self.at.saturating_add(ALIGNMENT);
        let mut blank_from = at;
        while at < self.limit {
            window.load(segment, at, batch::SIZE.min((self.limit - at) as usize), self.limit)?;
            let found = window.loaded(at, (self.limit - at) as usize);
            let places = found.as_chunks::<{ ALIGNMENT as usize }>().0;
            if places.is_empty() {
                break;
            }
            let Some(hit) = places.iter().position(|place| place.starts_with(&batch::MAGIC)) else {
                let is_blank = is_blank(places.as_flattened());
                at = at.saturating_add(places.len() as u32 * ALIGNMENT);
                if is_blank {
                    at = Window::go_on_from(segment, blank_from, at, self.limit)?;
                } else {
                    blank_from = at;
                }
                continue;
            };
            at += hit as u32 * ALIGNMENT;
            if let Some(header) = window.header(segment, at, self.limit)?
                && self.fits(&header, at - self.at)
            {
                return Ok(Some(header));
            }
            at = at.saturating_add(ALIGNMENT);
            blank_from = at;
        }
        Ok(None)
    }
}

/// Whether there are only zeros.
fn is_blank(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| *word == [0; 16]) && rest.iter().all(|&byte| byte == 0)
}

/// Whether table and payloads of a batch are as they were written. `bytes` is the whole batch.
pub(crate) fn body_is_good(header: &BatchHeader, bytes: &[u8]) -> bool {
    let (Some(area), Some(table)) = (bytes.get(header.payload_range()), bytes.get(header.table_range()))
    else {
        return false;
    };
    let Some(table) = Table::decode(table, header).filter(|_| header.kind == Kind::Events) else {
        // What carries no events has one checksum over its payload area, if it has one.
        return header.kind != Kind::Events
            && checksum(table) == header.table_crc
            && header.payload_crc.is_none_or(|crc| crc == checksum(area));
    };
    header.payload_crc.is_some_and(|crc| crc == checksum(area))
        || (0..header.count as usize).all(|number| payload_is_good(&table, area, number))
}

/// Whether the payload of event `number` is as it was written. `area` is the payload area of the batch.
pub(crate) fn payload_is_good(table: &Table<'_>, area: &[u8], number: usize) -> bool {
    table.event(number).is_some_and(|(entry, place)| area.get(place).map(checksum) == Some(entry.crc))
}
