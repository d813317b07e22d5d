//! `evlog rm`: removes a topic with all its events.

use crate::args;
use crate::cmd::{Context, consent};
use crate::exit::{Exit, Failure};

pub(crate) fn run(args: &args::Rm, context: &Context) -> Result<Exit, Failure> {
    let (store, topic) = context.store.open_to_change(&args.topic)?;
    let range = topic.range();
    let what = format!("remove topic {} with positions {}..{}", args.topic, range.start, range.end);
    if consent::is_given(args.consent, &what, context.console)? {
        store.remove_topic(args.topic.as_str())?;
        context.console.detail(format_args!("{} is removed", args.topic));
    }
    store.close()?;
    Ok(Exit::Done)
}
