//! `cargo xtask crash powercut`: the power of a real file system fails. Its disk is a file behind a loop device; while a
//! writer is at work it is stopped in the midst of whatever it does, and the disk is copied. What the copy holds is what a
//! machine would find whose power failed then.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use super::ledger::{By, Ledger, Survives};
use super::writer::Mode;
use super::{Process, folder_on_disk};
use crate::crash::span;
use crate::process::{self, Failure};

/// How long it goes on.
#[derive(Args)]
pub(crate) struct Powercut {
    /// How long it may take: 90s, 5m, 1h.
    #[arg(long, default_value = "60s", value_parser = span)]
    budget: Duration,
    /// Ends behind so many cuts.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    cuts: u64,
    /// Decides when the power fails.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Bytes of the disk.
const DISK: u64 = 64 << 20;

/// The file systems, with the command that makes one without a word, and the options it is mounted with.
const FILE_SYSTEMS: [(&str, &[&str], &str); 4] = [
    ("ext4", &["mkfs.ext4", "-q", "-F"], "loop"),
    ("ext4 data=writeback", &["mkfs.ext4", "-q", "-F"], "loop,data=writeback"),
    ("xfs", &["mkfs.xfs", "-q", "-f"], "loop"),
    ("btrfs", &["mkfs.btrfs", "-q", "-f"], "loop"),
];

/// Cuts the power, by file system and kind of writer in turn.
///
/// # Errors
/// Where something that was promised is not there; the copy of the disk is kept then, and named.
pub(crate) fn run(asked: &Powercut) -> Result<(), Failure> {
    if !may_mount()? {
        println!("skipped: only root may mount a file system");
        return Ok(());
    }
    let begin = Instant::now();
    let mut chance = fastrand::Rng::with_seed(asked.seed);
    for (name, make, options) in FILE_SYSTEMS {
        let folder = folder_on_disk()?;
        let disk = Disk { image: folder.path().join("disk"), mount: folder.path().join("mount"), options };
        if !disk.make(make)? {
            println!("skipped: {name}, there is no {}", make[0]);
            continue;
        }
        let (mut cuts, mut acknowledged) = (0, 0);
        let share = asked.budget / FILE_SYSTEMS.len() as u32;
        let turn = Instant::now();
        while turn.elapsed() < share && cuts < asked.cuts {
            let mode = Mode::EACH[cuts as usize % Mode::EACH.len()];
            let delay = Duration::from_millis(chance.u64(5..400));
            let life = cuts + 1;
            acknowledged += cut(&disk, mode, life, delay)
                .map_err(|error| format!("{name}, {} in life {life}: {error}", mode.name()))?;
            cuts += 1;
        }
        println!("{name}: {cuts} cuts, {acknowledged} synced events were to be there");
    }
    println!("after {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn may_mount() -> Result<bool, Failure> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

/// A file that is the disk of a file system, and where that is mounted.
struct Disk {
    image: PathBuf,
    mount: PathBuf,
    options: &'static str,
}

/// A mounted file system, until this is dropped.
struct Mounted<'a> {
    at: &'a Path,
}

impl Disk {
    /// `false` where the command that makes the file system is not there.
    fn make(&self, make: &[&str]) -> Result<bool, Failure> {
        std::fs::create_dir(&self.mount)?;
        process::run(Command::new("truncate").args(["-s", &DISK.to_string()]).arg(&self.image))?;
        match Command::new(make[0]).args(&make[1..]).arg(&self.image).status() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            status => {
                if status?.success() {
                    Ok(true)
                } else {
                    Err(format!("{} has failed", make[0]).into())
                }
            }
        }
    }

    fn mount(&self, image: &Path) -> Result<Mounted<'_>, Failure> {
        process::run(Command::new("mount").args(["-o", self.options]).arg(image).arg(&self.mount))?;
        Ok(Mounted { at: &self.mount })
    }
}

impl Mounted<'_> {
    fn unmount(self) -> Result<(), Failure> {
        process::run(Command::new("umount").arg(self.at))?;
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for Mounted<'_> {
    /// On the way out of an error.
    fn drop(&mut self) {
        let _ = process::run(Command::new("umount").args(["--lazy"]).arg(self.at));
    }
}

/// One writer, one cut; returns how many synced events had to be there. The disk then goes on as if nothing had been.
fn cut(disk: &Disk, mode: Mode, life: u64, delay: Duration) -> Result<u64, Failure> {
    let copy = disk.image.with_extension("copy");
    let store = format!("store-{life}");
    let mounted = disk.mount(&disk.image)?;
    let writer = Process::start(&mounted.at.join(&store), mode, life, None)?;
    std::thread::sleep(delay);
    let pid = writer.child.id().to_string();
    process::run(Command::new("kill").args(["-STOP", &pid]))?;
    // What was told before the copy was begun is what binds.
    let said = writer.said();
    process::run(Command::new("cp").arg("--sparse=always").arg(&disk.image).arg(&copy))?;
    writer.kill()?;
    std::fs::remove_dir_all(mounted.at.join(&store))?;
    mounted.unmount()?;

    let mut ledger = Ledger::default();
    ledger.note(life, &said, Survives::Synced)?;
    let mounted = disk.mount(&copy)?;
    let at = mounted.at.join(&store);
    let checked =
        [By::Reader, By::Writer].into_iter().try_for_each(|by| ledger.check(&at, mode, by).map(drop));
    mounted.unmount()?;
    checked?;
    Ok(ledger.len())
}
