//! The pure part of the format: bytes in, structures out, and the same bytes back.

use evlog_core::format::batch::{self, BatchFault, BatchHeader, Kind, Table};
use evlog_core::format::header::{self, HeaderFault, Hint, SegmentHeader};
use evlog_core::format::{Layout, MAX_BATCH, MAX_EVENTS, VERSION};

use super::forge;

/// The number in the field of this name.
fn number(bytes: &[u8], layout: &Layout, name: &str) -> u64 {
    let field = layout.fields.iter().find(|field| field.name == name).expect("a field of that name");
    let mut number = [0; 8];
    number[..field.size].copy_from_slice(&bytes[field.offset..field.offset + field.size]);
    u64::from_le_bytes(number)
}

fn are_reserved_zero(bytes: &[u8], layout: &Layout) -> bool {
    let mut reserved = layout.fields.iter().filter(|field| field.name == "reserved");
    reserved.all(|field| bytes[field.offset..field.offset + field.size].iter().all(|&byte| byte == 0))
}

/// Bytes as the first page of a segment, as they are and with right magic words and checksums.
pub(crate) fn header(bytes: &[u8]) -> usize {
    let page = &bytes[..bytes.len().min(4096)];
    check_page(page);
    let mut page = page.to_vec();
    for copy in header::COPIES {
        if let Some(bytes) = page.get_mut(copy..copy + 8) {
            bytes.copy_from_slice(b"EVLOGSEG");
            forge::seal_segment_header(&mut page, copy);
        }
    }
    let hint = header::HINT_OFFSET as usize;
    if let Some(bytes) = page.get_mut(hint..hint + 4) {
        bytes.copy_from_slice(b"EVHT");
        forge::seal_hint(&mut page);
    }
    check_page(&page);
    bytes.len()
}

fn check_page(page: &[u8]) {
    let copies = header::COPIES.map(|copy| SegmentHeader::decode(page.get(copy..).unwrap_or_default()));
    for (copy, found) in header::COPIES.into_iter().zip(copies) {
        check_header(page.get(copy..).unwrap_or_default(), found);
    }
    let found = SegmentHeader::decode_page(page);
    match copies {
        [Ok(first), _] => assert_eq!(found, Ok(first), "the first copy counts"),
        [Err(HeaderFault::Magic | HeaderFault::Damaged), Ok(second)] => {
            assert_eq!(found, Ok(second), "one bad copy costs a segment");
        }
        [first, second] => assert!([first, second].contains(&found), "neither copy says so"),
    }
    let at = header::HINT_OFFSET as usize;
    if let Some(bytes) = page.get(at..at + header::HINT_SIZE)
        && let Some(hint) = Hint::decode(bytes)
    {
        assert_eq!(hint.encode()[..], *bytes, "a hint is written as it was read");
    }
}

fn check_header(bytes: &[u8], found: Result<SegmentHeader, HeaderFault>) {
    match found {
        Ok(header) => {
            let mut again = header.encode();
            let bytes = &bytes[..header::SIZE];
            // Unknown optional features are not kept.
            again[20..24].copy_from_slice(&bytes[20..24]);
            forge::seal_segment_header(&mut again, 0);
            assert_eq!(again[..], *bytes, "a header is written as it was read");
            assert_ne!(header.salt, 0);
            assert!(are_reserved_zero(bytes, &header::LAYOUT), "reserved bytes are not zero");
            assert!(follows_rightly(&header), "{header:?}");
        }
        Err(HeaderFault::Version(version)) => assert_ne!(version, VERSION),
        Err(HeaderFault::Required(bits)) => assert_ne!(bits, 0),
        Err(HeaderFault::Magic) => assert!(bytes.len() < header::SIZE || !bytes.starts_with(b"EVLOGSEG")),
        Err(_) => {}
    }
}

/// What docs/FORMAT.md says of the segment before.
fn follows_rightly(header: &SegmentHeader) -> bool {
    if header.ordinal == 0 {
        (header.previous_salt, header.previous_end) == (0, 0)
    } else {
        header.ordinal < 10_000_000_000
            && header.previous_end >= 4096
            && header.previous_end.is_multiple_of(8)
    }
}

/// Bytes as a batch that stands at the end of its segment, as they are and with right checksums.
pub(crate) fn batch(bytes: &[u8]) -> usize {
    check_batch(bytes);
    let mut bytes = bytes.to_vec();
    if bytes.len() >= batch::SIZE {
        bytes[..4].copy_from_slice(&batch::MAGIC);
        forge::seal_batch(&mut bytes, 0);
        check_batch(&bytes);
    }
    bytes.len()
}

fn check_batch(bytes: &[u8]) {
    let Some(found) = bytes.first_chunk::<{ batch::SIZE }>() else { return };
    let field = |name: &str| number(found, &batch::LAYOUT, name);
    let (salt, offset) = (field("salt"), field("offset") as u32);
    let Some(limit) = offset.checked_add(bytes.len() as u32) else { return };
    match BatchHeader::decode(found, salt, offset, limit) {
        Ok(header) => {
            assert_eq!(header.encode(), *found, "a header is written as it was read");
            assert!(is_harmless(&field) && are_reserved_zero(found, &batch::LAYOUT), "{header:?}");
            assert!(header.length as usize <= bytes.len(), "a batch ends behind its segment");
            check_body(&header, bytes);
        }
        Err(BatchFault::Unsupported { kind, flags }) => {
            assert!(kind == 0 || (6..128).contains(&kind) || flags > 3);
        }
        Err(_) => {}
    }
    assert!(BatchHeader::decode(found, !salt, offset, limit).is_err(), "a batch of another segment");
    assert!(BatchHeader::decode(found, salt, offset ^ 8, u32::MAX).is_err(), "a batch of another place");
}

/// The rules of docs/FORMAT.md for a sound header, in numbers that cannot overflow.
fn is_harmless(field: &impl Fn(&str) -> u64) -> bool {
    let origin = if field("flags") & 2 == 0 { 0 } else { 16 };
    let contents = 64 + field("payload bytes") + origin + 16 * field("count");
    let is_counted = if field("kind") == 1 {
        (1..=u64::from(MAX_EVENTS)).contains(&field("count"))
    } else {
        field("count") == 0
    };
    is_counted
        && (contents..=u64::from(MAX_BATCH)).contains(&field("length"))
        && (4096..=field("offset")).contains(&field("synced"))
        && u128::from(field("base")) + u128::from(field("count")) <= u128::from(u64::MAX)
        && ["length", "synced", "payload bytes"].iter().all(|name| field(name).is_multiple_of(8))
        && (field("flags") & 1 == 1 || field("payload crc") == 0)
}

fn check_body(header: &BatchHeader, bytes: &[u8]) {
    let Some(table) = Table::decode(&bytes[header.table_range()], header) else { return };
    if header.kind != Kind::Events {
        return;
    }
    let area = &bytes[header.payload_range()];
    let mut free = 0;
    assert_eq!(table.iter().len(), header.count as usize);
    for (number, entry) in table.iter().enumerate() {
        let (same, place) = table.event(number).expect("an entry for each event");
        assert_eq!(same, entry);
        assert!(place.start == free && place.start <= place.end, "payloads follow each other");
        assert!(area.get(place.clone()).is_some(), "a payload stands in the payload area");
        free = place.end.next_multiple_of(8);
    }
    assert_eq!(free, area.len(), "the last payload ends the payload area");
    assert_eq!(table.event(header.count as usize), None);
}
