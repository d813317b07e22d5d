//! `evlog dump`: shows the batches of one segment file, whatever its state.

use std::io::Write;

use evlog_core::format::batch::Kind;
use evlog_core::format::header::SegmentHeader;
use evlog_core::{Dump, DumpItem, Position, Timestamp};
use serde::Serialize;

use crate::args;
use crate::cmd::Context;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::output::Output;
use crate::text::readable_time;

/// What the file says of itself; the first line.
#[derive(Serialize)]
struct HeaderLine {
    file: String,
    /// Nothing where both copies are damaged.
    header: Option<HeaderObject>,
}

#[derive(Serialize)]
struct HeaderObject {
    ordinal: u64,
    base: Position,
    created: Timestamp,
    salt: String,
    previous_end: u32,
    leftover_bytes: u32,
}

impl From<&SegmentHeader> for HeaderObject {
    fn from(header: &SegmentHeader) -> HeaderObject {
        HeaderObject {
            ordinal: header.ordinal,
            base: header.base,
            created: header.created,
            salt: format!("{:016x}", header.salt),
            previous_end: header.previous_end,
            leftover_bytes: header.leftover,
        }
    }
}

/// One thing in the file: a batch, or bytes in which none stands.
#[derive(Serialize)]
struct ItemLine {
    offset: u64,
    length: u64,
    verdict: &'static str,
    /// Of the first event; where no batch stands, the position that was expected.
    position: Position,
    #[serde(flatten)]
    batch: Option<BatchObject>,
}

#[derive(Serialize)]
struct BatchObject {
    kind: &'static str,
    events: u32,
    payload_bytes: u32,
    schema: u32,
    /// Everything below this offset had been synced before the batch was written.
    synced: u32,
}

impl From<DumpItem> for ItemLine {
    fn from(item: DumpItem) -> ItemLine {
        match item {
            DumpItem::Batch { header, is_good } => ItemLine {
                offset: u64::from(header.offset),
                length: u64::from(header.length),
                verdict: if is_good { "good" } else { "damaged" },
                position: header.base,
                batch: Some(BatchObject {
                    kind: kind(header.kind),
                    events: header.count,
                    payload_bytes: header.payload_bytes,
                    schema: header.schema,
                    synced: header.synced,
                }),
            },
            DumpItem::Stretch { offset, length, non_zero, position } => {
                let verdict = if non_zero == 0 { "blank" } else { "no batch" };
                ItemLine { offset, length, verdict, position, batch: None }
            }
            // What a later version of the library may find.
            _ => ItemLine { offset: 0, length: 0, verdict: "unknown", position: 0, batch: None },
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Events => "events",
        Kind::Mark => "mark",
        Kind::Seal => "seal",
        Kind::Close => "close",
        Kind::Index => "index",
        Kind::Other(_) => "other",
    }
}

pub(crate) fn run(args: &args::Dump, context: &Context) -> Result<Exit, Failure> {
    let name = args.file.display().to_string();
    // A file that is not there is another thing than one that is no segment.
    args.file.symlink_metadata().map_err(Failure::system(format!("open {name}")))?;
    let mut dump = Dump::open(&args.file)?;
    let mut output = Output::standard()?;
    let header = HeaderLine { file: name, header: dump.header().map(HeaderObject::from) };
    if context.is_json {
        json::write_line(output.buffer(), &header);
    } else {
        show_header(&header, &mut output);
    }
    while let Some(item) = dump.next()? {
        let line = ItemLine::from(item);
        if context.is_json {
            json::write_line(output.buffer(), &line);
        } else {
            show(&line, &mut output);
        }
        if output.is_full() {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(Exit::Done)
}

fn show_header(line: &HeaderLine, output: &mut Output) {
    let words = match &line.header {
        None => "both copies of the header are damaged".to_owned(),
        Some(header) => format!(
            "segment {} of its log, from position {}, begun {}, salt {}",
            header.ordinal,
            header.base,
            readable_time(header.created),
            header.salt
        ),
    };
    let columns = format!(
        "{:>10} {:>9}  {:<8} {:<6} {:>20} {:>8} {:>10} {:>10}",
        "OFFSET", "LENGTH", "VERDICT", "KIND", "POSITION", "EVENTS", "PAYLOAD", "SYNCED"
    );
    output.buffer().extend_from_slice(format!("{}: {words}\n{columns}\n", line.file).as_bytes());
}

/// A line as soon as it is known: a segment may have a million of them.
fn show(line: &ItemLine, output: &mut Output) {
    let ItemLine { offset, length, verdict, position, batch } = line;
    let buffer = output.buffer();
    // Writing to memory does not fail.
    let _ = match batch {
        None => writeln!(buffer, "{offset:>10} {length:>9}  {verdict:<8} {:<6} {position:>20}", "-"),
        Some(BatchObject { kind, events, payload_bytes, synced, .. }) => writeln!(
            buffer,
            "{offset:>10} {length:>9}  {verdict:<8} {kind:<6} {position:>20} {events:>8} {payload_bytes:>10} {synced:>10}"
        ),
    };
}
