//! `evlog verify`: checks every byte of topics and changes none.

use std::borrow::Cow;
use std::fmt::Write;

use evlog_core::{Gap, Position, Verification};
use evlog_store::TopicName;
use serde::Serialize;

use crate::args;
use crate::cmd::{Context, each_topic};
use crate::exit::{Exit, Failure};
use crate::json::{self, GapObject};
use crate::output::Output;
use crate::progress::{Progress, Unit};
use crate::store::{Access, Opened};
use crate::text::counted;

/// What was found in one topic.
#[derive(Serialize)]
struct VerdictLine<'a> {
    topic: &'a str,
    ok: bool,
    start: Position,
    end: Position,
    events: u64,
    bytes: u64,
    segments: u64,
    damage: Vec<DamageObject<'a>>,
    leftover_bytes: u64,
}

/// One place of damage. It may cost no event: then `from` is `to`.
#[derive(Serialize)]
struct DamageObject<'a> {
    #[serde(flatten)]
    gap: GapObject,
    file: Cow<'a, str>,
    offset: u64,
    length: u64,
}

impl<'a> From<&'a Gap> for DamageObject<'a> {
    fn from(gap: &'a Gap) -> DamageObject<'a> {
        let file = gap.path.to_string_lossy();
        DamageObject { gap: gap.into(), file, offset: gap.offset, length: gap.length }
    }
}

pub(crate) fn run(args: args::Verify, context: &Context) -> Result<Exit, Failure> {
    let topics = if args.topics.is_empty() { context.store.topics()? } else { args.topics };
    let mut output = Output::standard()?;
    each_topic(&topics, |topic| verify(topic, context, &mut output))
}

fn verify(topic: &TopicName, context: &Context, output: &mut Output) -> Result<Exit, Failure> {
    let Opened { log, report } = context.store.open_to_read(topic, Access::ReadOnly)?;
    let range = log.range();
    let mut progress = Progress::new(context.console, Unit::Events, range.end - range.start);
    let found = log.verify(|at| progress.at(at.position.saturating_sub(range.start)))?;
    drop(progress);
    let line = VerdictLine {
        topic: topic.as_str(),
        ok: found.damage.is_empty(),
        start: range.start,
        end: range.end,
        events: found.events,
        bytes: found.bytes,
        segments: found.segments,
        damage: found.damage.iter().map(DamageObject::from).collect(),
        leftover_bytes: report.leftover_bytes,
    };
    if context.is_json {
        json::write_line(output.buffer(), &line);
    } else {
        output.buffer().extend_from_slice(in_words(topic, &found).as_bytes());
    }
    output.flush()?;
    Ok(if line.ok { Exit::Done } else { Exit::No })
}

/// A line for the topic, and one for each place of damage.
fn in_words(topic: &TopicName, found: &Verification) -> String {
    let verdict = match found.damage.len() as u64 {
        0 => "ok".to_owned(),
        places => format!("damaged in {}", counted(places, "place")),
    };
    let (events, bytes) = (counted(found.events, "event"), counted(found.bytes, "byte"));
    let segments = counted(found.segments, "segment");
    let mut words = format!("{topic}: {verdict}, {events} whole, {bytes} in {segments}\n");
    for gap in &found.damage {
        // Writing to memory does not fail.
        let _ = writeln!(words, "  {gap}");
    }
    words
}
