//! `cargo xtask crash kill`: writers are killed, again and again, and nothing that they were told is untrue afterwards.
//!
//! The page cache survives a kill: this tests what is left half done, not what was synced.

use std::time::{Duration, Instant};

use clap::Args;
use tempfile::TempDir;

use super::ledger::{By, Ledger, Survives};
use super::writer::Mode;
use super::{Process, folder_on_disk};
use crate::crash::span;
use crate::process::Failure;

/// How long it goes on.
#[derive(Args)]
pub(crate) struct Kill {
    /// How long it may take: 90s, 5m, 1h.
    #[arg(long, default_value = "60s", value_parser = span)]
    budget: Duration,
    /// Ends behind so many kills.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    kills: u64,
    /// Decides when writers are killed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A store lives so long before a fresh one takes its place.
const LIVES: u64 = 50;

/// One store and all that is known of it.
struct Course {
    mode: Mode,
    folder: TempDir,
    ledger: Ledger,
    life: u64,
}

impl Course {
    fn new(mode: Mode) -> Result<Course, Failure> {
        Ok(Course { mode, folder: folder_on_disk()?, ledger: Ledger::default(), life: 0 })
    }
}

/// Kills.
///
/// # Errors
/// Where something that was promised is not there; the folder is kept then, and named.
pub(crate) fn run(asked: &Kill) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut chance = fastrand::Rng::with_seed(asked.seed);
    let mut courses = Mode::EACH.into_iter().map(Course::new).collect::<Result<Vec<_>, _>>()?;
    let (mut kills, mut in_recovery, mut checks, mut events) = (0, 0, 0, 0);
    while begin.elapsed() < asked.budget && kills < asked.kills {
        let course = &mut courses[kills as usize % Mode::EACH.len()];
        if course.life == LIVES || course.mode == Mode::Create {
            *course = Course::new(course.mode)?;
        }
        // One in ten is killed while it still opens what its predecessor has left.
        let early = kills % 10 == 9;
        let delay = if early { chance.u64(0..6_000) } else { chance.u64(1_000..200_000) };
        live(course, Duration::from_micros(delay))?;
        kills += 1;
        in_recovery += u64::from(early);
        let leaves_it_unclean = (kills + 1) % 10 == 0;
        if !leaves_it_unclean {
            let by = if chance.bool() { By::Writer } else { By::Reader };
            events += check(course, by)?;
            checks += 1;
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{kills} kills, {in_recovery} of them at once, {checks} checks of {events} events in {seconds:.1} s"
    );
    Ok(())
}

fn live(course: &mut Course, delay: Duration) -> Result<(), Failure> {
    course.life += 1;
    let writer = Process::start(course.folder.path(), course.mode, course.life, None)?;
    std::thread::sleep(delay);
    let said = writer.kill()?;
    if let Some(failed) = said.iter().find(|line| line.starts_with("failed")) {
        return Err(format!("{}: the writer of life {} {failed}", course.mode.name(), course.life).into());
    }
    course.ledger.note(course.life, &said, Survives::Written)
}

fn check(course: &mut Course, by: By) -> Result<u64, Failure> {
    let Course { mode, folder, ledger, life } = course;
    ledger.check(folder.path(), *mode, by).map_err(|error| {
        folder.disable_cleanup(true);
        let kept = folder.path().display();
        format!("{} after life {life}, found by {by:?}, kept in {kept}: {error}", mode.name()).into()
    })
}
