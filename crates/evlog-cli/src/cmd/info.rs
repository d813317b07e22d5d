//! `evlog info`: shows ranges, times, sizes and the state of topics.

use std::ops::Range;

use evlog_core::{
    Error, Found, Gap, Log, Place, Position, Read, ReadLevel, Report, SegmentSummary, Timestamp,
};
use evlog_store::TopicName;
use serde::Serialize;

use crate::args;
use crate::cmd::table::{
    self,
    Align::{Left, Right},
    table,
};
use crate::cmd::{Context, each_topic};
use crate::exit::{Exit, Failure};
use crate::json::{self, GapObject};
use crate::output::Output;
use crate::store::Opened;
use crate::text::{counted, readable_time};

/// What is known of a topic without reading all of it.
#[derive(Serialize)]
struct TopicObject<'a> {
    topic: &'a str,
    start: Position,
    end: Position,
    durable_end: Position,
    /// Events that can be read; fewer than positions where damage hides some.
    events: u64,
    bytes: u64,
    segments: usize,
    oldest_timestamp: Option<Timestamp>,
    newest_timestamp: Option<Timestamp>,
    gaps: Vec<GapObject>,
    recovery: RecoveryObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_list: Option<Vec<SegmentObject>>,
}

/// How the topic was found, and what its recovery did.
#[derive(Serialize)]
struct RecoveryObject {
    found: &'static str,
    scanned_bytes: u64,
    rewritten_bytes: u64,
    leftover_bytes: u64,
    unproven: Option<RangeObject>,
    gone: Option<RangeObject>,
}

#[derive(Serialize)]
struct RangeObject {
    from: Position,
    to: Position,
}

#[derive(Serialize)]
struct SegmentObject {
    segment: String,
    start: Position,
    end: Position,
    bytes: u64,
    least_timestamp: Option<Timestamp>,
    greatest_timestamp: Option<Timestamp>,
}

pub(crate) fn run(args: &args::Info, context: &Context) -> Result<Exit, Failure> {
    let topics = match &args.topic {
        Some(topic) => vec![topic.clone()],
        None => context.store.topics()?,
    };
    let mut output = Output::standard()?;
    if args.prometheus {
        output.buffer().extend_from_slice(prometheus(&topics, context)?.as_bytes());
        output.flush()?;
        return Ok(Exit::Done);
    }
    let mut shown = Vec::new();
    let result = each_topic(&topics, |topic| {
        let opened = context.store.open_to_read(topic, args.access.into())?;
        let object = examine(topic, &opened, args.segments)?;
        if context.is_json {
            json::write_line(output.buffer(), &object);
        } else {
            shown.push(object);
        }
        Ok(Exit::Done)
    });
    if !shown.is_empty() {
        show(&shown, &mut output);
    }
    output.flush()?;
    result
}

/// The metrics of the topics as they lie there: what a running store counts, it tells itself.
fn prometheus(topics: &[TopicName], context: &Context) -> Result<String, Failure> {
    let store = context.store.open_beside()?;
    let open: Result<Vec<_>, _> = topics.iter().map(|topic| store.existing_topic(topic.as_str())).collect();
    let open = open?;
    let text = store.render_prometheus()?;
    drop(open);
    Ok(text)
}

fn examine<'a>(topic: &'a TopicName, opened: &Opened, has_list: bool) -> Result<TopicObject<'a>, Failure> {
    let Opened { log, report } = opened;
    let segments = log.segments()?;
    let Range { start, end } = log.range();
    let mut gaps = log.report().gaps.clone();
    let oldest = edge(log, Read::from(Place::Oldest), &mut gaps)?;
    let newest = edge(log, Read::from(Place::Oldest).reverse(), &mut gaps)?;
    Ok(TopicObject {
        topic: topic.as_str(),
        start,
        end,
        durable_end: log.durable_end(),
        events: (end - start).saturating_sub(gaps.iter().map(|gap| gap.to - gap.from).sum()),
        bytes: segments.iter().map(|segment| segment.bytes).sum(),
        segments: segments.len(),
        oldest_timestamp: oldest,
        newest_timestamp: newest,
        gaps: gaps.iter().map(GapObject::from).collect(),
        recovery: RecoveryObject::new(report),
        segment_list: has_list.then(|| segments.iter().map(SegmentObject::new).collect()),
    })
}

/// The timestamp of the first readable event that `read` finds. Gaps on the way to it are noted once.
fn edge(log: &Log, read: Read, gaps: &mut Vec<Gap>) -> Result<Option<Timestamp>, Failure> {
    let mut reader = log.read(read.level(ReadLevel::Written).limit(1))?;
    loop {
        match reader.next() {
            Ok(event) => return Ok(event.map(|event| event.timestamp)),
            Err(Error::Gap(gap)) if gaps.contains(&gap) => {}
            Err(Error::Gap(gap)) => gaps.push(gap),
            Err(error) => return Err(error.into()),
        }
    }
}

impl RecoveryObject {
    fn new(report: &Report) -> RecoveryObject {
        RecoveryObject {
            found: match report.found {
                Found::Nothing => "new",
                Found::Closed => "closed",
                _ => "unclean",
            },
            scanned_bytes: report.scanned_bytes,
            rewritten_bytes: report.rewritten_bytes,
            leftover_bytes: report.leftover_bytes,
            unproven: RangeObject::new(&report.unproven),
            gone: RangeObject::new(&report.gone),
        }
    }
}

impl RangeObject {
    fn new(range: &Range<Position>) -> Option<RangeObject> {
        (!range.is_empty()).then_some(RangeObject { from: range.start, to: range.end })
    }
}

impl SegmentObject {
    fn new(segment: &SegmentSummary) -> SegmentObject {
        let has_events = segment.least <= segment.greatest;
        SegmentObject {
            segment: segment.name.to_string(),
            start: segment.name.base,
            end: segment.end,
            bytes: segment.bytes,
            least_timestamp: has_events.then_some(segment.least),
            greatest_timestamp: has_events.then_some(segment.greatest),
        }
    }
}

/// One line a topic, or one a segment behind it.
fn show(topics: &[TopicObject<'_>], output: &mut Output) {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), readable_time);
    let mut table = table(&[
        ("TOPIC", Left),
        ("START", Right),
        ("END", Right),
        ("DURABLE", Right),
        ("EVENTS", Right),
        ("BYTES", Right),
        ("SEGMENTS", Right),
        ("OLDEST", Left),
        ("NEWEST", Left),
        ("STATE", Left),
    ]);
    for topic in topics {
        table.add_row([
            topic.topic.to_owned(),
            topic.start.to_string(),
            topic.end.to_string(),
            topic.durable_end.to_string(),
            topic.events.to_string(),
            topic.bytes.to_string(),
            topic.segments.to_string(),
            time(topic.oldest_timestamp),
            time(topic.newest_timestamp),
            state(topic),
        ]);
        for segment in topic.segment_list.iter().flatten() {
            table.add_row([
                format!("  {}", segment.segment),
                segment.start.to_string(),
                segment.end.to_string(),
                String::new(),
                String::new(),
                segment.bytes.to_string(),
                String::new(),
                time(segment.least_timestamp),
                time(segment.greatest_timestamp),
                String::new(),
            ]);
        }
    }
    table::put_out(&table, output);
}

fn state(topic: &TopicObject<'_>) -> String {
    match topic.gaps.len() as u64 {
        0 => topic.recovery.found.to_owned(),
        gaps => format!("{}, damaged in {}", topic.recovery.found, counted(gaps, "place")),
    }
}
