//! `evlog history`: the ledger that the headers of the segments keep.

use evlog_core::format::header::Cause;
use evlog_core::{Position, SegmentSummary, Timestamp};
use serde::Serialize;

use crate::args;
use crate::cmd::Context;
use crate::cmd::table::{
    self,
    Align::{Left, Right},
    table,
};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::output::Output;
use crate::text::{counted, readable_time};

/// When and why a segment was begun. All but its name is unknown where its header is damaged.
#[derive(Serialize)]
struct HistoryLine<'a> {
    topic: &'a str,
    segment: String,
    base: Position,
    created: Option<Timestamp>,
    cause: Option<&'static str>,
    /// Non-zero bytes that were found behind the end of the segment before this one, and left there.
    leftover_bytes: Option<u32>,
}

pub(crate) fn run(args: &args::History, context: &Context) -> Result<Exit, Failure> {
    let opened = context.store.open_to_read(&args.topic, args.access.into())?;
    let segments = opened.log.segments()?;
    let lines = segments.iter().map(|segment| HistoryLine::new(args.topic.as_str(), segment));
    let mut output = Output::standard()?;
    if context.is_json {
        lines.for_each(|line| json::write_line(output.buffer(), &line));
    } else {
        show(lines, &mut output);
    }
    output.flush()?;
    Ok(Exit::Done)
}

impl<'a> HistoryLine<'a> {
    fn new(topic: &'a str, segment: &SegmentSummary) -> HistoryLine<'a> {
        let header = segment.header.as_ref();
        HistoryLine {
            topic,
            segment: segment.name.to_string(),
            base: segment.name.base,
            created: header.map(|header| header.created),
            cause: header.map(|header| match header.cause {
                Cause::Created => "created",
                Cause::Rolled => "rolled",
                Cause::Recovered => "recovered",
                Cause::Repaired => "repaired",
                // A cause of a later version.
                _ => "other",
            }),
            leftover_bytes: header.map(|header| header.leftover),
        }
    }
}

fn show<'a>(lines: impl Iterator<Item = HistoryLine<'a>>, output: &mut Output) {
    let unknown = || "damaged header".to_owned();
    let mut table = table(&[
        ("CREATED", Left),
        ("CAUSE", Left),
        ("POSITION", Right),
        ("SEGMENT", Left),
        ("LEFT BEHIND", Left),
    ]);
    for line in lines {
        table.add_row([
            line.created.map_or_else(unknown, readable_time),
            line.cause.unwrap_or("-").to_owned(),
            line.base.to_string(),
            line.segment,
            match line.leftover_bytes {
                None => "-".to_owned(),
                Some(0) => "nothing".to_owned(),
                Some(bytes) => counted(u64::from(bytes), "byte"),
            },
        ]);
    }
    table::put_out(&table, output);
}
