//! `evlog read --follow`: puts out events as they come.

use std::time::Duration;

use evlog_core::{Error as LogError, Place};
use evlog_store::{Error, Follower};

use crate::args;
use crate::cmd::Context;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::format::EventFormatter;
use crate::json::{self, GapLine};
use crate::output::Output;

/// Puts out what comes, until `--to`, `-n` or `--timeout` is reached.
pub(crate) fn run(
    args: &args::Read,
    formatter: &EventFormatter,
    output: &mut Output,
    context: &Context,
) -> Result<Exit, Failure> {
    let store = context.store.open_beside()?;
    let topic = store.existing_topic(args.topic.as_str())?;
    let to = match args.to {
        Place::End => None,
        place => Some(topic.position_of(place)?),
    };
    let mut follower = topic.follow(args.from)?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut exit = Exit::Done;
    while left > 0 && to.is_none_or(|to| follower.position() < to) {
        match next(&mut follower, args.timeout, output, formatter) {
            Ok(true) => left -= 1,
            Ok(false) => {
                output.flush()?;
                return Ok(Exit::No);
            }
            Err(Failure::Store(Error::Log(error))) if matches!(*error, LogError::Gap(_)) => {
                exit = Exit::Damage;
                let LogError::Gap(gap) = &*error else { continue };
                if formatter.is_json() {
                    let line = GapLine { topic: formatter.topic().as_str(), gap: gap.into() };
                    json::write_line(output.buffer(), &line);
                } else {
                    output.flush()?;
                    console::damage(format_args!("{}: {gap}", formatter.topic()));
                }
            }
            Err(error) => {
                output.flush()?;
                return Err(error);
            }
        }
        if output.is_full() {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(exit)
}

/// Puts the next event into the output, which is written before anybody waits.
fn next(
    follower: &mut Follower,
    timeout: Option<Duration>,
    output: &mut Output,
    formatter: &EventFormatter,
) -> Result<bool, Failure> {
    if let Some(event) = follower.next(Some(Duration::ZERO))? {
        formatter.write(&event, output.buffer());
        return Ok(true);
    }
    output.flush()?;
    let Some(event) = follower.next(timeout)? else { return Ok(false) };
    formatter.write(&event, output.buffer());
    Ok(true)
}
