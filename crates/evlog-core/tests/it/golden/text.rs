//! Golden logs as text: each line says where it stands, what bytes are there, and, in a comment above, what they are.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use evlog_core::format::batch::{BatchHeader, Kind};
use evlog_core::format::header::{COPIES, HINT_OFFSET, HINT_SIZE, Hint, SegmentHeader};

use super::lines::Outcome;
use super::scene::{Golden, sound};

const READ: &str = "== read";
const REFUSED: &str = "refused";
const WRITE_REFUSED: &str = "== to write is refused: ";

/// The page that stands for a log.
pub(super) fn page(golden: &Golden) -> String {
    let mut page = String::new();
    for line in golden.about.lines() {
        writeln!(page, "# {line}").unwrap();
    }
    for (name, bytes) in &golden.files {
        writeln!(page, "\n== {name}, {} bytes", bytes.len()).unwrap();
        for (range, what) in parts(bytes) {
            put_part(&mut page, bytes, range, &what);
        }
    }
    writeln!(page, "\n{READ}").unwrap();
    match &golden.read {
        Outcome::Refused => writeln!(page, "{REFUSED}").unwrap(),
        Outcome::Read(lines) => lines.iter().for_each(|line| writeln!(page, "{line}").unwrap()),
    }
    if let Some(why) = &golden.refusal {
        writeln!(page, "\n{WRITE_REFUSED}{why}").unwrap();
    }
    page
}

/// The log that a page stands for. Bytes that are not shown are zeros.
pub(super) fn parse(name: &'static str, page: &str) -> Golden {
    let about: Vec<&str> =
        page.lines().take_while(|line| line.starts_with("# ")).map(|line| &line[2..]).collect();
    let mut golden = Golden {
        name,
        about: about.join("\n"),
        files: BTreeMap::new(),
        read: Outcome::Read(Vec::new()),
        refusal: None,
    };
    let mut file: &mut Vec<u8> = &mut Vec::new();
    for line in page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(why) = line.strip_prefix(WRITE_REFUSED) {
            golden.refusal = Some(why.to_owned());
        } else if let Some(title) = line.strip_prefix("== ").filter(|_| line != READ) {
            let (name, length) = title.strip_suffix(" bytes").unwrap().split_once(", ").unwrap();
            file = golden.files.entry(name.to_owned()).or_default();
            file.resize(length.parse().unwrap(), 0);
        } else if line == REFUSED {
            golden.read = Outcome::Refused;
        } else if line.starts_with('{') {
            let Outcome::Read(lines) = &mut golden.read else { panic!("{line}") };
            lines.push(line.to_owned());
        } else if line != READ {
            let at = usize::from_str_radix(&line[..4], 16).unwrap();
            let bytes: Vec<u8> = line[6..53.min(line.len())]
                .split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16).unwrap())
                .collect();
            file[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }
    golden
}

fn put_part(page: &mut String, bytes: &[u8], range: Range<usize>, what: &str) {
    let is_blank = bytes[range.clone()].iter().all(|&byte| byte == 0);
    if what.is_empty() && is_blank {
        return;
    }
    let zeros = if is_blank { ", zeros" } else { "" };
    writeln!(page, "# {what}{zeros}").unwrap();
    for at in range.clone().step_by(16) {
        let sixteen = &bytes[at..range.end.min(at + 16)];
        if sixteen.iter().all(|&byte| byte == 0) {
            continue;
        }
        let hex: Vec<_> = sixteen.iter().map(|byte| format!("{byte:02x}")).collect();
        let graphic = |&byte: &u8| if byte.is_ascii_graphic() { char::from(byte) } else { '.' };
        let text: String = sixteen.iter().map(graphic).collect();
        writeln!(page, "{at:04x}  {:47}  {text}", hex.join(" ")).unwrap();
    }
}

/// What stands where in a segment. What has no name is shown only where it is not zeros.
fn parts(bytes: &[u8]) -> Vec<(Range<usize>, String)> {
    let mut parts = Vec::new();
    let length = bytes.len();
    let page = length.min(4096);
    let mut put = |range: Range<usize>, what: String| {
        if !range.is_empty() {
            parts.push((range, what));
        }
    };
    let hint_at = HINT_OFFSET as usize;
    let mut free = 0;
    for (place, what) in [
        (COPIES[0]..COPIES[0] + 128, header_at(bytes, COPIES[0])),
        (hint_at..hint_at + HINT_SIZE, hint_at_its_place(bytes)),
        (COPIES[1]..COPIES[1] + 128, header_at(bytes, COPIES[1])),
    ] {
        put(free..place.start.min(page), String::new());
        put(place.start.min(page)..place.end.min(page), what);
        free = place.end.min(page);
    }
    put(free..page, String::new());
    let mut at = page;
    while at < length {
        if let Some(header) = sound(bytes, at as u32) {
            batch_parts(&header, &mut put);
            at = header.end_offset() as usize;
            continue;
        }
        let behind = (at + 8..length).step_by(8).find(|&place| sound(bytes, place as u32).is_some());
        let behind = behind.unwrap_or(length);
        put(at..behind, format!("no sound batch, {} bytes", behind - at));
        at = behind;
    }
    parts
}

fn header_at(bytes: &[u8], at: usize) -> String {
    match SegmentHeader::decode(bytes.get(at..).unwrap_or_default()) {
        Ok(header) => format!(
            "segment header: ordinal {}, base {}, {:?}, previous end {}, leftover {}",
            header.ordinal, header.base, header.cause, header.previous_end, header.leftover
        ),
        Err(fault) => format!("no good segment header: {fault:?}"),
    }
}

fn hint_at_its_place(bytes: &[u8]) -> String {
    let found = bytes.get(HINT_OFFSET as usize..).and_then(Hint::decode);
    found.map_or_else(String::new, |hint| format!("hint: position {}, offset {}", hint.position, hint.offset))
}

fn batch_parts(header: &BatchHeader, put: &mut impl FnMut(Range<usize>, String)) {
    let at = header.offset as usize;
    let BatchHeader { base, count, synced, length, .. } = header;
    let what = match header.kind {
        Kind::Events if *count == 1 => format!("event {base}"),
        Kind::Events => format!("events {base} to {}", header.end_position() - 1),
        kind => format!("{kind:?} before {base}"),
    };
    put(at..at + 64, format!("{what}: at {at}, synced {synced}, length {length}"));
    let within = |range: Range<usize>| at + range.start..at + range.end;
    let payloads = within(header.payload_range());
    let contents = if header.kind == Kind::Events { "payloads" } else { "contents" };
    let crc = if header.payload_crc.is_some() { "" } else { ", each with its own checksum only" };
    put(payloads, format!("{contents}{crc}"));
    let mut table = within(header.table_range());
    let padding = table.end..header.end_offset() as usize;
    if header.has_origin {
        put(table.start..table.start + 16, "origin".to_owned());
        table.start += 16;
    }
    put(table, "table: timestamp, end, checksum of each".to_owned());
    put(padding, "padding".to_owned());
}
