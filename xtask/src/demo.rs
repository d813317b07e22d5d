//! `cargo xtask demo`: the main job on real input, through the real command.
//!
//! Three acts: everything that was appended comes back, byte for byte; also after `kill -9` in the middle; and one
//! flipped bit on the disk is found, named, and costs one event. Every answer is compared with the input itself.

mod evlog;
mod input;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use tempfile::TempDir;

use crate::demo::evlog::Evlog;
use crate::demo::input::{Input, compare};
use crate::process::{self, Failure};

/// What `demo` is asked for.
#[derive(Args)]
pub(crate) struct Demo {
    /// How much input to append to each of the two topics.
    #[arg(long, default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(2_000_000..))]
    bytes: u64,
}

/// Plays the three acts in a fresh folder on a real disk, and removes it.
///
/// # Errors
/// At the first thing that is not as it must be.
pub(crate) fn run(asked: &Demo) -> Result<(), Failure> {
    let start = Instant::now();
    println!("== build evlog");
    let program = evlog::build()?;
    let folder = folder_on_disk(&program)?;
    println!("== take {} bytes of real lines as input", asked.bytes);
    let input = Input::write(asked.bytes, &folder.path().join("input"))?;
    println!("   {} lines in {}", input.len(), folder.path().display());
    let evlog = Evlog::new(program, &folder.path().join("store"));

    append_and_read_back(&evlog, &input)?;
    kill_and_go_on(&evlog, &input)?;
    flip_a_bit(&evlog, &input)?;

    folder.close()?;
    println!("== all as it must be, after {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn append_and_read_back(evlog: &Evlog, input: &Input) -> Result<(), Failure> {
    println!("== append, verify, read back");
    let file = input.path().to_string_lossy();
    evlog.run(&["append", "first", "-f", &file], 0)?;
    evlog.run(&["verify"], 0)?;
    read_all(evlog, "first", input)
}

fn kill_and_go_on(evlog: &Evlog, input: &Input) -> Result<(), Failure> {
    println!("== kill -9 in the middle of an append, go on behind what is there");
    let acknowledged = evlog.append_until_killed("second", input, input.len() / 3)?;
    let events = evlog.events("second")?;
    println!("   {acknowledged} events were acknowledged as durable when it was killed; {events} are there");
    if events < acknowledged {
        return Err(format!("{} acknowledged events are gone", acknowledged - events).into());
    }
    if events >= input.len() {
        return Err("all events are there: the kill came too late to show anything".into());
    }
    evlog.append_from("second", input, events)?;
    read_all(evlog, "second", input)?;
    evlog.run(&["verify"], 0).map(drop)
}

fn flip_a_bit(evlog: &Evlog, input: &Input) -> Result<(), Failure> {
    println!("== flip one bit on the disk");
    let victim = input.len() / 2;
    let (segment, offset) = find_payload(&evlog.topic_folder("first"), input.line(victim))?;
    let byte = offset + input.line(victim).len() as u64 / 2;
    flip(&segment, byte)?;
    println!("   in byte {byte} of {}: inside the payload of event {victim}", segment.display());

    let report = evlog.run(&["verify"], 1)?;
    let named = |text: &str| {
        text.split(|letter: char| !letter.is_ascii_digit()).any(|word| word == victim.to_string())
    };
    if !named(&report) {
        return Err(format!("verify does not name position {victim}:\n{report}").into());
    }
    let mut reading = evlog.start(&["read", "first"])?;
    compare(reading.output(), input.bytes_without(victim))?;
    let complaints = reading.end(4)?;
    if !named(&complaints) {
        return Err(format!("read does not name position {victim}:\n{complaints}").into());
    }
    println!("   event {victim} is reported, the {} others are the same as the input", input.len() - 1);
    let (from, to) = (victim.to_string(), (victim + 1).to_string());
    let gap = evlog.run(&["read", "first", "--from", &from, "--to", &to, "--format", "json"], 4)?;
    let gap: serde_json::Value = serde_json::from_str(gap.lines().next().unwrap_or_default())?;
    if gap["gap"]["from"] != victim || gap["gap"]["to"] != victim + 1 {
        return Err(format!("not the gap {from}..{to}: {gap}").into());
    }
    evlog.run(&["verify", "second"], 0).map(drop)
}

/// Reads the topic and compares every byte with the input.
fn read_all(evlog: &Evlog, topic: &str, input: &Input) -> Result<(), Failure> {
    let mut reading = evlog.start(&["read", topic])?;
    let bytes = compare(reading.output(), input.bytes_from(0))?;
    reading.end(0)?;
    println!("   {bytes} bytes, the same as the input");
    Ok(())
}

/// The segment file that holds `payload`, and where: payloads stand in it as they were given.
fn find_payload(topic: &Path, payload: &[u8]) -> Result<(PathBuf, u64), Failure> {
    let mut segments: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(topic)? {
        segments.push(entry?.path());
    }
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    segments.sort();
    for segment in segments {
        let bytes = fs::read(&segment)?;
        if let Some(offset) = bytes.windows(payload.len()).position(|window| window == payload) {
            return Ok((segment, offset as u64));
        }
    }
    Err(format!("no segment in {} holds the payload {:?}", topic.display(), String::from_utf8_lossy(payload))
        .into())
}

fn flip(file: &Path, offset: u64) -> Result<(), Failure> {
    let file = OpenOptions::new().read(true).write(true).open(file)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)?;
    file.write_all_at(&[byte[0] ^ 1], offset)?;
    Ok(file.sync_all()?)
}

/// A fresh folder beside what cargo builds, which is on a real disk unless somebody took pains; else where the system
/// keeps temporary files that survive a restart.
fn folder_on_disk(program: &Path) -> Result<TempDir, Failure> {
    let candidates = [program.parent(), Some(Path::new("/var/tmp"))];
    for candidate in candidates.into_iter().flatten() {
        let kind = process::stdout_of(Command::new("stat").args(["-f", "-c", "%T"]).arg(candidate))?;
        if !matches!(kind.trim(), "tmpfs" | "ramfs") {
            return Ok(tempfile::Builder::new().prefix("evlog-demo-").tempdir_in(candidate)?);
        }
    }
    Err("no folder on a real disk: a RAM disk proves nothing; set CARGO_TARGET_DIR to one".into())
}
