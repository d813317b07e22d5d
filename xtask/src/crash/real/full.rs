//! `cargo xtask crash full`: small disks are filled to the last byte; nothing that was acknowledged is touched, reading,
//! trimming and closing work with no byte free, and with room the same append gets the same position.
//!
//! The disks are RAM disks in a name space of their own, which needs no rights.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use evlog_store::{Error, Options, Place, Position, Store, Topic};

use super::program;
use super::writer::{TOPIC, Token};
use crate::crash::span;
use crate::process::{self, Failure};

/// How long it goes on.
#[derive(Args)]
pub(crate) struct Full {
    /// How long it may take: 90s, 5m, 1h.
    #[arg(long, default_value = "30s", value_parser = span)]
    budget: Duration,
    /// Decides what is appended.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The disk, inside its name space.
    #[arg(long, hide = true)]
    disk: Option<PathBuf>,
}

/// Bytes of the smallest disk, and how much larger each next one is.
const DISK: u64 = 1 << 20;
const STEP: u64 = 40_961;

/// Fills disks.
///
/// # Errors
/// Where something is not as it was promised; where this machine gives nobody a name space.
pub(crate) fn run(asked: &Full) -> Result<(), Failure> {
    if let Some(disk) = &asked.disk {
        return fill(disk, asked.seed);
    }
    let begin = Instant::now();
    let place = tempfile::tempdir()?;
    let mut disks = 0;
    while begin.elapsed() < asked.budget {
        let size = DISK + disks % 25 * STEP;
        let script =
            r#"mount -t tmpfs -o "size=$1" none "$2" && exec "$3" crash full --disk "$2" --seed "$4""#;
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", &size.to_string()]);
        unshare.arg(place.path()).arg(program()?).arg((asked.seed + disks).to_string());
        process::run(&mut unshare).map_err(|error| format!("a disk of {size} bytes: {error}"))?;
        disks += 1;
    }
    println!("{disks} disks filled in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// One disk: filled, read, opened again, trimmed, and used on.
fn fill(disk: &Path, seed: u64) -> Result<(), Failure> {
    let mut options = Options::new();
    options.segment_bytes(64 << 10);
    let dir = disk.join("store");
    let mut next = Token { life: seed, thread: 0, sequence: 0 };
    let store = Store::open(&dir, &options)?;
    let topic = store.topic(TOPIC)?;
    let end = append_until_full(&topic, &mut next)?;
    // The last byte of the disk goes to somebody else.
    drop(std::fs::write(disk.join("ballast"), vec![1; 2 << 20]).err().ok_or("the disk has room after all")?);
    for _ in 0..20 {
        expect_full(&topic, next, end)?;
    }
    read_all(&topic, end)?;
    store.close()?;

    let store = Store::open(&dir, &options)?;
    let topic = store.topic(TOPIC)?;
    if topic.range() != (0..end) {
        return Err(
            format!("{:?} after the close of a full disk, {end} were acknowledged", topic.range()).into()
        );
    }
    expect_full(&topic, next, end)?;
    let start = topic.trim_before(end / 2)?;
    if start == 0 {
        return Err("a full disk cannot be trimmed".into());
    }
    std::fs::remove_file(disk.join("ballast"))?;
    let positions = topic.append(next.payload())?.wait()?;
    if positions != (end..end + 1) {
        return Err(format!("with room the append got {positions:?} instead of {end}").into());
    }
    store.close()?;

    let store = Store::open(&dir, &options)?;
    let topic = store.topic(TOPIC)?;
    if topic.range() != (start..end + 1) {
        return Err(format!("{:?} instead of {:?}", topic.range(), start..end + 1).into());
    }
    read_all(&topic, end + 1)?;
    Ok(store.close()?)
}

/// Appends until there is no room, and returns where the topic ends then.
fn append_until_full(topic: &Topic, next: &mut Token) -> Result<Position, Failure> {
    loop {
        match topic.append(next.payload()).and_then(|ticket| ticket.wait()) {
            Ok(_) => next.sequence += 1,
            Err(error) if is_no_space(&error) => return Ok(topic.range().end),
            Err(error) => return Err(error.into()),
        }
    }
}

fn expect_full(topic: &Topic, next: Token, end: Position) -> Result<(), Failure> {
    // Small ones may still find a gap.
    let large = vec![0; 100_000];
    match topic.append(large).and_then(|ticket| ticket.wait()) {
        Err(error) if is_no_space(&error) && topic.range().end == end => Ok(()),
        Err(error) => Err(format!("{error:?} instead of no space; {next:?} is next at {end}").into()),
        Ok(positions) => Err(format!("{positions:?} on a full disk").into()),
    }
}

fn is_no_space(error: &Error) -> bool {
    let Error::Log(error) = error else { return false };
    matches!(*Arc::clone(error), evlog_core::Error::NoSpace { .. })
}

/// Reads what is left, and compares it with what was appended, one event of each token.
fn read_all(topic: &Topic, end: Position) -> Result<(), Failure> {
    let mut reader = topic.read(Place::Oldest)?;
    let mut expected = topic.range().start;
    while let Some(event) = reader.next()? {
        let token = Token::of(event.payload).ok_or(format!("{} was never appended", event.position))?;
        if event.position != expected || token.sequence != expected {
            return Err(format!("{} is {token:?} where {expected} should be", event.position).into());
        }
        expected += 1;
    }
    if expected == end { Ok(()) } else { Err(format!("{expected} can be read of {end}").into()) }
}
