//! `evlog trim`: drops the oldest events of a topic.

use crate::args;
use crate::cmd::{Context, consent};
use crate::exit::{Exit, Failure};

pub(crate) fn run(args: &args::Trim, context: &Context) -> Result<Exit, Failure> {
    let (store, topic) = context.store.open_to_change(&args.topic)?;
    let before = topic.position_of(args.before)?;
    let start = topic.range().start;
    // As the log does: whole segments, and never the last.
    let segments = topic.segments()?;
    let dropped =
        segments.iter().take(segments.len().saturating_sub(1)).take_while(|segment| segment.end <= before);
    let (count, end) = dropped.fold((0, start), |(count, _), segment| (count + 1, segment.end));
    let what = format!("drop positions {start}..{end} of {}, {count} segments", args.topic);
    if consent::is_given(args.consent, &what, context.console)? {
        let start = topic.trim_before(before)?;
        context.console.detail(format_args!("{} starts at {start}", args.topic));
    }
    store.close()?;
    Ok(Exit::Done)
}
