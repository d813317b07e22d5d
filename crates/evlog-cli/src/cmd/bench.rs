//! `evlog bench`: a quick measure on the disk that holds the store, in a folder of its own that goes away.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evlog_core::Place;
use evlog_store::{Durability, Options, Store, Topic};
use serde::Serialize;

use crate::args::{self, Measure};
use crate::cmd::Context;
use crate::cmd::table::{self, Align::Left, Align::Right, table};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::output::Output;

/// Magic numbers of file systems that keep everything in memory, from Linux's `statfs(2)`.
const RAM_DISKS: [i64; 2] = [0x0102_1994, 0x8584_58F6];

/// What was measured.
#[derive(Serialize)]
struct Row {
    measure: &'static str,
    events: u64,
    event_bytes: usize,
    threads: usize,
    seconds: f64,
    events_per_second: f64,
    megabytes_per_second: f64,
    p50_microseconds: f64,
    p99_microseconds: f64,
    p999_microseconds: f64,
}

pub(crate) fn run(args: &args::Bench, context: &Context) -> Result<Exit, Failure> {
    let folder = Folder::make(context.store.dir(), args.allow_ram_disk)?;
    let mut options = Options::new();
    options.max_event_bytes(args.size.max(1));
    let store = Store::open(folder.path.join("store"), &options)?;
    let topic = store.topic("bench")?;
    let rows = match args.measure {
        Measure::Append => vec![append(&topic, args)?],
        Measure::Read => {
            append_without_waiting(&topic, args)?;
            vec![read(&topic, args)?]
        }
        Measure::Mixed => mixed(&topic, args)?,
    };
    store.close()?;
    put_out(&rows, context)
}

/// Threads that each append and wait, event by event.
fn append(topic: &Topic, args: &args::Bench) -> Result<Row, Failure> {
    let began = Instant::now();
    let waits: Result<Vec<Vec<Duration>>, Failure> = std::thread::scope(|scope| {
        let share = |number: usize| {
            let rest = args.count % args.threads as u64;
            args.count / args.threads as u64 + u64::from((number as u64) < rest)
        };
        let workers: Vec<_> = (0..args.threads)
            .map(|number| scope.spawn(move || append_and_wait(topic, args, share(number))))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let waits = waits?.concat();
    topic.flush()?;
    Ok(Row::new("append", args, args.threads, began.elapsed(), waits))
}

fn append_and_wait(topic: &Topic, args: &args::Bench, count: u64) -> Result<Vec<Duration>, Failure> {
    let payload = payload(args.size);
    let durability = Durability::from(args.durability);
    let mut waits = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let before = Instant::now();
        topic.append(&payload)?.wait_for(durability)?;
        waits.push(before.elapsed());
    }
    Ok(waits)
}

fn append_without_waiting(topic: &Topic, args: &args::Bench) -> Result<(), Failure> {
    let payload = payload(args.size);
    for _ in 0..args.count {
        let _ = topic.append(&payload)?;
    }
    topic.flush()?;
    Ok(())
}

/// One thread that reads everything, oldest first.
fn read(topic: &Topic, args: &args::Bench) -> Result<Row, Failure> {
    let began = Instant::now();
    let mut waits = Vec::with_capacity(args.count as usize);
    let mut reader = topic.read(Place::Oldest)?;
    loop {
        let before = Instant::now();
        if !reader.advance()? {
            break;
        }
        waits.push(before.elapsed());
    }
    Ok(Row::new("read", args, 1, began.elapsed(), waits))
}

/// Threads that append while one reader follows.
fn mixed(topic: &Topic, args: &args::Bench) -> Result<Vec<Row>, Failure> {
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| follow(topic, args));
        let appended = append(topic, args)?;
        let read = follower.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(vec![appended, read])
    })
}

fn follow(topic: &Topic, args: &args::Bench) -> Result<Row, Failure> {
    let began = Instant::now();
    let mut waits = Vec::with_capacity(args.count as usize);
    let mut follower = topic.follow(Place::Oldest)?;
    while (waits.len() as u64) < args.count {
        let before = Instant::now();
        follower.next(None)?;
        waits.push(before.elapsed());
    }
    Ok(Row::new("follow", args, 1, began.elapsed(), waits))
}

/// Bytes without a pattern, so that no layer below can take them for something simple.
fn payload(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(size)
    .collect()
}

impl Row {
    #[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
    fn new(
        measure: &'static str,
        args: &args::Bench,
        threads: usize,
        took: Duration,
        mut waits: Vec<Duration>,
    ) -> Row {
        waits.sort_unstable();
        let seconds = took.as_secs_f64();
        let events = waits.len() as u64;
        let at = |per_mille: usize| {
            let rank = waits.len().saturating_sub(1) * per_mille / 1_000;
            waits.get(rank).map_or(0.0, |wait| wait.as_secs_f64() * 1e6)
        };
        Row {
            measure,
            events,
            event_bytes: args.size,
            threads,
            seconds,
            events_per_second: events as f64 / seconds,
            megabytes_per_second: events as f64 * args.size as f64 / seconds / 1e6,
            p50_microseconds: at(500),
            p99_microseconds: at(990),
            p999_microseconds: at(999),
        }
    }
}

fn put_out(rows: &[Row], context: &Context) -> Result<Exit, Failure> {
    let mut output = Output::standard()?;
    if context.is_json {
        for row in rows {
            json::write_line(output.buffer(), row);
        }
    } else {
        let mut table = table(&[
            ("MEASURE", Left),
            ("EVENTS", Right),
            ("BYTES EACH", Right),
            ("THREADS", Right),
            ("EVENTS/S", Right),
            ("MB/S", Right),
            ("P50 µS", Right),
            ("P99 µS", Right),
            ("P99.9 µS", Right),
        ]);
        for row in rows {
            table.add_row([
                row.measure.to_owned(),
                row.events.to_string(),
                row.event_bytes.to_string(),
                row.threads.to_string(),
                format!("{:.0}", row.events_per_second),
                format!("{:.1}", row.megabytes_per_second),
                format!("{:.1}", row.p50_microseconds),
                format!("{:.1}", row.p99_microseconds),
                format!("{:.1}", row.p999_microseconds),
            ]);
        }
        table::put_out(&table, &mut output);
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// A folder that goes away with everything in it.
struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A new folder in `dir`, or beside it where there is no store yet: on the same disk in any case.
    fn make(dir: &Path, allows_ram_disk: bool) -> Result<Folder, Failure> {
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let place = if dir.is_dir() { dir } else { parent };
        let refused = |what: &str| Failure::system(format!("{what} {}", place.display()));
        let kind = rustix::fs::statfs(place).map_err(|error| refused("look at")(error.into()))?.f_type;
        if RAM_DISKS.contains(&kind) && !allows_ram_disk {
            let message = format!(
                "{} is a RAM disk, which says nothing of a real one: choose another --dir, or say --allow-ram-disk",
                place.display()
            );
            return Err(Failure::refused(Exit::Usage, message));
        }
        let path = place.join(format!("evlog-bench-{}", std::process::id()));
        fs::create_dir(&path).map_err(refused("make a folder in"))?;
        Ok(Folder { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What could not be removed lies where the user asked for it, under a name that says what it is.
        let _ = fs::remove_dir_all(&self.path);
    }
}
