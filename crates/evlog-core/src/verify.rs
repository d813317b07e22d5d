//! Reads every byte that counts and says what is wrong; writes nothing.

use crate::chain::{Entered, Scope};
use crate::error::{Error, Gap, GapReason, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::{BatchHeader, Kind, Table};
use crate::format::checksum::checksum;
use crate::format::header::{self, SegmentHeader};
use crate::position::Position;
use crate::read::ReadLevel;
use crate::segment::index::Boundary;
use crate::segment::reader::{Step, Walker, Window, payload_is_good};
use crate::storage::read_full;
use crate::view::View;

const PIECE: usize = 1 << 20;

/// What [`View::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// Events that are there and whole.
    pub events: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Segments that were read.
    pub segments: u64,
    /// All damage, also such that costs no event.
    pub damage: Vec<Gap>,
}

/// How far [`View::verify`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The position that is looked at.
    pub position: Position,
    /// The position at which it ends.
    pub end: Position,
}

impl View {
    /// Reads everything written and checks every checksum. `progress` is called about once per batch.
    ///
    /// # Errors
    /// [`Error::Io`] where the system refuses to read, [`Error::Unsupported`]. Damage is no error here.
    pub fn verify(&self, mut progress: impl FnMut(Progress)) -> Result<Verification> {
        let mut found = Verification::default();
        let links = self.chain().links();
        let end = self.range().end;
        for link in &links {
            let entered = self.chain().enter_link(link, ReadLevel::Written)?;
            match entered {
                // Trimmed meanwhile: no more of this log.
                Entered::Trimmed(_) => {}
                Entered::Gap(gap) => found.damage.push(gap),
                Entered::Scope(scope) => {
                    found.segments += 1;
                    verify_header(&scope, &mut found)?;
                    found.damage.extend(scope.segment.oversize(link.name.base)?);
                    verify_batches(&scope, &mut found, |position| progress(Progress { position, end }))?;
                }
            }
        }
        Ok(found)
    }
}

/// Both copies of the header must be whole, though one is enough to read the segment.
fn verify_header(scope: &Scope, found: &mut Verification) -> Result<()> {
    let base = scope.link.name.base;
    let segment = &scope.segment;
    let mut page = [0; HEADER_PAGE as usize];
    let length = read_full(&*segment.file, &mut page, 0).map_err(Error::io("read", &segment.path, 0))?;
    found.bytes += length as u64;
    for copy in header::COPIES {
        if SegmentHeader::decode(&page[copy..]).ok() != segment.header || segment.header.is_none() {
            found.damage.push(Gap {
                from: base,
                to: base,
                reason: GapReason::SegmentHeader,
                path: segment.path.clone(),
                offset: copy as u64,
                length: header::SIZE as u64,
            });
        }
    }
    Ok(())
}

fn verify_batches(scope: &Scope, found: &mut Verification, mut progress: impl FnMut(Position)) -> Result<()> {
    let mut window = Window::new(PIECE);
    let front = Boundary { offset: HEADER_PAGE, position: scope.link.name.base };
    let mut walker = Walker::new(front, scope.limit, scope.end);
    loop {
        match walker.step(&scope.segment, &mut window)? {
            Step::Batch(header) => {
                found.bytes += u64::from(header.length);
                let bytes = window.bytes(&scope.segment, header.offset, header.contents())?;
                verify_batch(scope, &header, bytes, found);
                progress(walker.position);
            }
            Step::Stretch(stretch) => {
                found.bytes += u64::from(stretch.to - stretch.from);
                let gap = stretch.as_damage(&scope.segment, stretch.to);
                let to = if stretch.behind.is_none() { scope.end } else { gap.to };
                walker.position = to;
                found.damage.push(Gap { to, ..gap });
            }
            Step::End => break,
        }
    }
    if walker.position < scope.end {
        found.damage.push(Gap {
            from: walker.position,
            to: scope.end,
            reason: scope.missing,
            path: scope.segment.path.clone(),
            offset: u64::from(scope.limit),
            length: 0,
        });
    }
    Ok(())
}

fn verify_batch(scope: &Scope, header: &BatchHeader, bytes: &[u8], found: &mut Verification) {
    let damage = |from, to, reason, offset: usize, length: usize| Gap {
        from,
        to,
        reason,
        path: scope.segment.path.clone(),
        offset: u64::from(header.offset) + offset as u64,
        length: length as u64,
    };
    let area = bytes.get(header.payload_range()).unwrap_or_default();
    let table_bytes = bytes.get(header.table_range()).unwrap_or_default();
    let area_at = header.payload_range().start;
    if header.kind != Kind::Events {
        let is_good = checksum(table_bytes) == header.table_crc
            && header.payload_crc.is_none_or(|crc| crc == checksum(area));
        if !is_good {
            found.damage.push(damage(header.base, header.base, GapReason::Payload, area_at, area.len()));
        }
        return;
    }
    let Some(table) = Table::decode(table_bytes, header) else {
        let range = header.table_range();
        found.damage.push(damage(
            header.base,
            header.end_position(),
            GapReason::Table,
            range.start,
            range.len(),
        ));
        return;
    };
    let mut lost = 0;
    for number in 0..header.count as usize {
        if !payload_is_good(&table, area, number) {
            lost += 1;
            let place = table.event(number).map_or(0..0, |(_, place)| place);
            let position = header.base + number as u64;
            let (offset, length) = (area_at + place.start, place.len());
            found.damage.push(damage(position, position + 1, GapReason::Payload, offset, length));
        }
    }
    found.events += u64::from(header.count) - lost;
    // All payloads are whole and their common checksum is not: only filling bytes between them can be damaged.
    if lost == 0 && header.payload_crc.is_some_and(|crc| crc != checksum(area)) {
        found.damage.push(damage(header.base, header.base, GapReason::Payload, area_at, area.len()));
    }
}
