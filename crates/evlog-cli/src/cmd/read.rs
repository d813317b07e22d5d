//! `evlog read`: puts out events.

use evlog_core::{Error, Gap, Log, Place, Read};
use evlog_store::TopicName;

use crate::args;
use crate::cmd::{Context, follow};
use crate::console;
use crate::exit::{Exit, Failure};
use crate::format::{EventFormatter, Format};
use crate::json::{self, GapLine};
use crate::output::Output;
use crate::progress::{Progress, Unit};

pub(crate) fn run(args: args::Read, context: &Context) -> Result<Exit, Failure> {
    if args.follow {
        // As for any reading: what a crash left unclean is recovered first, if nobody writes it.
        drop(context.store.open_to_read(&args.topic, args.access.into())?);
        let mut output = Output::standard()?;
        let formatter = formatter(&args.topic, args.looks.clone(), &output, context)?;
        return follow::run(&args, &formatter, &mut output, context);
    }
    let mut read = Read::from(args.from);
    if args.to != Place::End {
        read = read.to(args.to);
    }
    if let Some(limit) = args.limit {
        read = read.limit(limit);
    }
    if args.reverse {
        read = read.reverse();
    }
    let opened = context.store.open_to_read(&args.topic, args.access.into())?;
    put_out(&opened.log, read, &args.topic, args.looks, context)
}

/// Puts out what `read` asks for, and reports what damage hides of it.
pub(crate) fn put_out(
    log: &Log,
    read: Read,
    topic: &TopicName,
    looks: args::Looks,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut output = Output::standard()?;
    let formatter = formatter(topic, looks, &output, context)?;
    let mut reader = log.read(read)?;
    let mut progress = Progress::new(context.console, Unit::Events, log.range().end - reader.position());
    let mut count = 0;
    let mut exit = Exit::Done;
    loop {
        match reader.next() {
            Ok(Some(event)) => {
                formatter.write(&event, output.buffer());
                count += 1;
                if output.is_full() {
                    output.flush()?;
                    progress.at(count);
                }
            }
            Ok(None) => break,
            Err(Error::Gap(gap)) => {
                exit = Exit::Damage;
                tell_gap(&gap, &formatter, &mut output, &progress)?;
            }
            Err(error) => {
                output.flush()?;
                return Err(error.into());
            }
        }
    }
    output.flush()?;
    Ok(exit)
}

fn formatter(
    topic: &TopicName,
    looks: args::Looks,
    output: &Output,
    context: &Context,
) -> Result<EventFormatter, Failure> {
    let format = if context.is_json { Format::Json } else { looks.format.unwrap_or(Format::Text) };
    if format == Format::Json && looks.delim.is_some() {
        return Err(Failure::refused(Exit::Usage, "--delim does not go with JSON: each object is a line"));
    }
    Ok(EventFormatter::new(topic, format, looks.delim, output.audience()))
}

/// A gap is a line of its own in JSON; anything else would take it for an event.
fn tell_gap(
    gap: &Gap,
    formatter: &EventFormatter,
    output: &mut Output,
    progress: &Progress,
) -> Result<(), Failure> {
    if formatter.is_json() {
        json::write_line(output.buffer(), &GapLine { topic: formatter.topic().as_str(), gap: gap.into() });
        return Ok(());
    }
    // What stands before the gap comes out before it.
    output.flush()?;
    progress.interrupted_by(|| console::damage(format_args!("{}: {gap}", formatter.topic())));
    Ok(())
}
