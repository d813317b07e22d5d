//! `evlog append`: appends events.

use std::io::Write;
use std::mem;
use std::ops::Range;

use evlog_core::{Batch, Log, Position};
use evlog_store::TopicName;
use evlog_store::retention::{Retention, trim_position};
use serde::Serialize;

use crate::args;
use crate::cmd::Context;
use crate::exit::{Exit, Failure};
use crate::input::Input;
use crate::intake::{BatchSize, Intake, Pause, Shape};
use crate::interrupt::Interrupt;
use crate::json;
use crate::output::Output;
use crate::progress::{Progress, Unit};
use crate::settings::Settings;
use crate::splitter::Splitter;
use crate::text::counted;
use crate::value::Values;

/// Bytes after which a sync is due, so that a crash leaves little to recover.
const MOST_UNSYNCED: usize = 4 << 20;

pub(crate) fn run(mut args: args::Append, context: &Context) -> Result<Exit, Failure> {
    let settings = context.store.settings();
    // First the input: where it is missing, no topic is to be made for it.
    let (mut intake, length) = intake(&mut args, settings)?;
    let interrupt = Interrupt::listen().map_err(Failure::system("listen for signals"))?;
    let log = context.store.open_to_append(&args.topic)?;
    check_expected(&args, &log)?;
    let mut appender = Appender::new(log, &args, length, context);
    if args.print_positions {
        let topic = args.topic.to_string();
        appender.positions = Some(Positions { output: Output::standard()?, topic, is_json: context.is_json });
    }
    let result = appender.append_all(&mut intake, &interrupt);
    appender.finish(result)
}

/// Nobody else can append from here on, so that one look is enough.
fn check_expected(args: &args::Append, log: &Log) -> Result<(), Failure> {
    let actual = log.range().end;
    match args.expect {
        Some(expected) if expected != actual => {
            let topic = args.topic.clone();
            Err(evlog_store::Error::WrongPosition { topic, expected, actual }.into())
        }
        _ => Ok(()),
    }
}

/// What to append, and how many bytes that is, where it is known.
fn intake(args: &mut args::Append, settings: &Settings) -> Result<(Intake, Option<u64>), Failure> {
    let size = match args.batch {
        Some(events) => BatchSize::Exactly(events as usize),
        None => BatchSize::UpTo(settings.batch_size),
    };
    let shape = if args.json_lines { Shape::Values } else { Shape::Bytes };
    if !args.data.is_empty() {
        return Ok((Intake::of_words(mem::take(&mut args.data), size, shape, settings), None));
    }
    let input = match &args.file {
        Some(path) => Input::open(path)?,
        None => Input::standard()?,
    };
    let length = input.length();
    let splitter = Splitter::new(args.delim, settings.max_event_bytes);
    Ok((Intake::of_input(input, splitter, size, shape, settings), length))
}

/// A log, and what is on its way there.
struct Appender<'a> {
    log: Log,
    batch: Batch,
    topic: &'a TopicName,
    /// The positions of what was appended so far.
    appended: Range<Position>,
    /// Bytes since the last sync.
    unsynced: usize,
    acknowledgement: Acknowledgement,
    positions: Option<Positions>,
    progress: Progress,
    context: &'a Context,
}

/// When a batch counts as appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acknowledgement {
    Written,
    Synced,
}

impl<'a> Appender<'a> {
    fn new(log: Log, args: &'a args::Append, length: Option<u64>, context: &'a Context) -> Appender<'a> {
        let next = log.range().end;
        Appender {
            log,
            batch: if args.json_lines { Batch::with_schema(Values::new().schema()) } else { Batch::new() },
            topic: &args.topic,
            appended: next..next,
            unsynced: 0,
            acknowledgement: if args.sync { Acknowledgement::Synced } else { Acknowledgement::Written },
            positions: None,
            progress: Progress::new(context.console, Unit::Bytes, length),
            context,
        }
    }

    /// Appends until the input ends or a signal comes, and says which it was.
    fn append_all(&mut self, intake: &mut Intake, interrupt: &Interrupt) -> Result<Pause, Failure> {
        loop {
            let pause = intake.gather(&mut self.batch, interrupt)?;
            self.commit()?;
            if pause == Pause::Due || intake.is_due() {
                self.settle()?;
                intake.settle();
            }
            self.progress.at(intake.bytes());
            match pause {
                Pause::End | Pause::Interrupt => return Ok(pause),
                Pause::Full | Pause::Due if interrupt.is_asked() => return Ok(Pause::Interrupt),
                Pause::Full | Pause::Due => {}
            }
        }
    }

    /// Appends the batch in hand with one write.
    fn commit(&mut self) -> Result<(), Failure> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let segments = self.log.view().segment_count();
        let positions = self.log.append(&self.batch)?;
        if self.log.view().segment_count() > segments {
            self.enforce_retention()?;
        }
        self.unsynced += self.batch.bytes();
        self.batch.clear();
        self.appended.end = positions.end;
        if self.acknowledgement == Acknowledgement::Synced || self.unsynced >= MOST_UNSYNCED {
            self.log.sync()?;
            self.unsynced = 0;
        }
        self.put_out_positions(positions)
    }

    /// Drops what the options do not keep; with every new segment, as a store does.
    fn enforce_retention(&mut self) -> Result<(), Failure> {
        let policy = self.context.store.settings().options.kept();
        if *policy != Retention::everything()
            && let Some(position) = trim_position(self.log.view(), policy)?
        {
            self.log.trim_before(position)?;
        }
        Ok(())
    }

    /// Makes all that was appended durable, and lets readers in other processes know.
    fn settle(&mut self) -> Result<(), Failure> {
        self.log.sync()?;
        self.unsynced = 0;
        self.log.mark()?;
        Ok(())
    }

    /// Where nobody reads the positions any more, the rest of the input is appended all the same.
    fn put_out_positions(&mut self, positions: Range<Position>) -> Result<(), Failure> {
        let Some(printer) = &mut self.positions else { return Ok(()) };
        match printer.put_out(positions) {
            Err(Failure::OutputClosed) => {
                self.positions = None;
                Ok(())
            }
            other => other,
        }
    }

    /// Closes the topic, so that all that was appended is durable, also where the rest could not be.
    fn finish(self, result: Result<Pause, Failure>) -> Result<Exit, Failure> {
        let Appender { log, appended, topic, context, progress, .. } = self;
        drop(progress);
        let closed = log.close();
        let Range { start, end } = appended;
        let done =
            format!("appended to {topic}: {}, at positions {start}..{end}", counted(end - start, "event"));
        match result {
            Ok(Pause::Interrupt) => {
                closed?;
                context.console.warning(format_args!("interrupted; {done}"));
                Ok(Exit::Interrupted)
            }
            Ok(_) => {
                closed?;
                context.console.detail(done);
                Ok(Exit::Done)
            }
            Err(failure) => {
                if closed.is_ok() && end > start {
                    context.console.warning(format_args!("before the error {done}"));
                }
                Err(failure)
            }
        }
    }
}

/// Puts out one line for each event.
struct Positions {
    output: Output,
    topic: String,
    is_json: bool,
}

#[derive(Serialize)]
struct PositionLine<'a> {
    topic: &'a str,
    position: Position,
}

impl Positions {
    fn put_out(&mut self, positions: Range<Position>) -> Result<(), Failure> {
        let buffer = self.output.buffer();
        for position in positions {
            if self.is_json {
                json::write_line(buffer, &PositionLine { topic: &self.topic, position });
            } else {
                // Writing to memory does not fail.
                let _ = writeln!(buffer, "{position}");
            }
        }
        self.output.flush()
    }
}
