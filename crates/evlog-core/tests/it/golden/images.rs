//! Logs as chance makes them: appended to in all ways, killed and crashed anywhere, damaged; then read by both readers,
//! of which neither knows the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use evlog_core::{Batch, Error, Group, Log, Options, SegmentName, Timestamp, checksum};
use evlog_sim::{Crash, Damage, Death, Fill, SECTOR, SimDisk};
use fastrand::Rng;

use super::lines::{Outcome, read_only};
use super::python::Python;

const FOLDER: &str = "log/";

#[test]
fn both_readers_read_the_same_from_many_images() {
    let met = compare(0..1000);
    let wanted =
        ["payload", "table", "header", "missing-segment", "foreign-segment", "segment-header", "refused"];
    assert_eq!(met, BTreeSet::from(wanted.map(str::to_owned)));
}

/// Has both readers read the images of these seeds. Returns the reasons of the gaps that were met.
fn compare(seeds: std::ops::Range<u64>) -> BTreeSet<String> {
    let mut python = Python::start();
    let (mut wrong, mut met) = (Vec::new(), BTreeSet::new());
    for seed in seeds {
        let disk = image(seed);
        let guard = tempfile::tempdir().unwrap();
        let path = guard.path().join("log");
        let files = files(&disk);
        lay(&files, &path);
        let by_core = read_only(Options::new().open_read_only_on(Arc::new(disk), "/log"));
        let by_python = python.read(&path);
        note_reasons(&by_core, &mut met);
        if by_core == by_python {
            continue;
        }
        let kept = guard.keep();
        wrong.push(format!(
            "image {seed}, kept in {}: core {by_core:#?}\nthe reader of the document {by_python:#?}",
            kept.display()
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    met
}

fn note_reasons(outcome: &Outcome, met: &mut BTreeSet<String>) {
    let Outcome::Read(lines) = outcome else {
        met.insert("refused".to_owned());
        return;
    };
    let reasons = lines.iter().filter_map(|line| line.split_once(r#","reason":""#));
    met.extend(reasons.map(|(_, reason)| reason.trim_end_matches(r#""}}"#).to_owned()));
}

/// Writes the files of a log to the real disk.
fn lay(files: &BTreeMap<String, Vec<u8>>, path: &Path) {
    std::fs::create_dir(path).unwrap();
    for (name, bytes) in files {
        std::fs::write(path.join(name), bytes).unwrap();
    }
}

fn files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let paths = disk.paths();
    let names = paths.iter().filter_map(|path| Some((path, path.strip_prefix(FOLDER)?)));
    names.map(|(path, name)| (name.to_owned(), disk.bytes(path).unwrap())).collect()
}

/// The machine that chance makes of a seed.
fn image(seed: u64) -> SimDisk {
    let mut chance = Rng::with_seed(seed);
    let disk = SimDisk::new(seed);
    disk.set_clock(1_700_000_000_000_000, 10);
    let mut options = Options::new();
    options.segment_bytes(chance.u64(8192..=20_000));
    if chance.u8(0..8) == 0 {
        options.pad_group_to(Some(512));
    }
    let mut life = Life { chance, disk, options, log: None };
    for _ in 0..life.chance.u32(1..=40) {
        if life.step().is_err() {
            life.die();
        }
    }
    if life.log.is_none() {
        // Chance may have killed the log before it was made.
        let _ = life.open();
    }
    life.end();
    for _ in 0..life.chance.u8(0..=3) {
        life.damage();
    }
    life.disk.copy(seed)
}

/// What a log goes through.
struct Life {
    chance: Rng,
    disk: SimDisk,
    options: Options,
    log: Option<Log>,
}

impl Life {
    fn open(&mut self) -> Result<&mut Log, Error> {
        if self.log.is_none() {
            self.log = Some(self.options.open_on(Arc::new(self.disk.clone()), "/log")?);
        }
        Ok(self.log.as_mut().unwrap())
    }

    fn step(&mut self) -> Result<(), Error> {
        if self.chance.u8(0..20) == 0 {
            let soon = self.disk.changes() + self.chance.u64(0..4);
            self.disk.die(Death::Within(soon));
        }
        match self.chance.u8(0..20) {
            0..10 => self.append()?,
            10..14 => self.open()?.sync()?,
            14..16 => self.open()?.mark()?,
            16 => self.open()?.roll()?,
            17 => {
                let start = self.open()?.range().start;
                let position = start + self.chance.u64(0..20);
                self.open()?.trim_before(position)?;
            }
            18 => {
                self.open()?;
                self.log.take().unwrap().close()?;
            }
            _ => self.die(),
        }
        Ok(())
    }

    /// Appends a few events, singly or as a batch.
    fn append(&mut self) -> Result<(), Error> {
        let count = if self.chance.u8(0..8) == 0 { 40 } else { self.chance.usize(0..=5) };
        let events: Vec<(Timestamp, Vec<u8>)> = (0..count).map(|_| self.event()).collect();
        let mut group = Group::new();
        if self.chance.bool() {
            let mut batch = Batch::new();
            for (time, payload) in &events {
                batch.push(*time, payload)?;
            }
            group.push_batch(&batch);
        } else {
            for (time, payload) in &events {
                group.push(*time, 0, payload, checksum(payload))?;
            }
        }
        self.open()?.append_group(&mut group)?;
        Ok(())
    }

    fn event(&mut self) -> (Timestamp, Vec<u8>) {
        let length = match self.chance.u8(0..10) {
            0 => 0,
            1 => self.chance.usize(500..3000),
            _ => self.chance.usize(0..60),
        };
        let mut payload = vec![0; length];
        if self.chance.bool() {
            self.chance.fill(&mut payload);
        } else {
            payload.fill_with(|| self.chance.char(' '..'\u{7f}') as u8);
        }
        (self.chance.i64(-1000..1_000_000), payload)
    }

    /// The process is killed, or the whole machine loses its power.
    fn die(&mut self) {
        self.disk.kill();
        self.log = None;
        let seed = self.chance.u64(..);
        self.disk = match self.chance.u8(0..6) {
            0 => self.disk.crash(Crash::Adversarial(seed)),
            1 => self.disk.crash(Crash::Ordered(seed)),
            2 => self.disk.crash(Crash::Prefix(self.chance.usize(0..20))),
            3 => self.disk.crash(Crash::AllLost),
            _ => self.disk.copy(seed),
        };
    }

    fn end(&mut self) {
        if self.chance.bool()
            && let Some(log) = self.log.take()
        {
            let _ = log.close();
        }
        self.die();
    }

    /// Something happens to a segment while nobody uses it.
    fn damage(&mut self) {
        let names: Vec<String> =
            files(&self.disk).into_keys().filter(|name| SegmentName::parse(name).is_some()).collect();
        let Some(name) = self.chance.choice(&names).cloned() else { return };
        let path = format!("{FOLDER}{name}");
        let bytes = self.disk.bytes(&path).unwrap();
        let sectors = bytes.len().div_ceil(SECTOR).max(1);
        // What holds batches is hit more often than the page before them.
        let from = if self.chance.u8(0..4) > 0 && sectors > 8 { 8 } else { 0 };
        let sector = self.chance.usize(from..sectors);
        let other = self.chance.usize(0..sectors);
        let seed = self.chance.u64(..);
        let damage = match self.chance.u8(0..16) {
            0..6 => {
                let bits = (bytes.len() * 8).max(1) as u64;
                Damage::Flip(self.chance.u64((from as u64 * 4096).min(bits - 1)..bits))
            }
            6..8 => Damage::Sector(sector, Fill::Zeros),
            8 => Damage::Sector(sector, Fill::Garbage(seed)),
            9 => Damage::Swap(sector, other),
            10 => Damage::Misdirect(sector, other),
            11 => Damage::Truncate(self.chance.usize(0..=bytes.len())),
            12 => Damage::Extend(bytes.len() + self.chance.usize(1..2000), Fill::Garbage(seed)),
            13 => Damage::Delete,
            14 => match self.chance.u8(0..3) {
                0 => Damage::Replace(stranger(seed)),
                _ => self.other_name(&name),
            },
            _ => {
                // Two in a row: nothing is left that tells the salt of the first of them.
                let count = self.chance.usize(1..=2);
                let from = names.iter().position(|one| *one == name).unwrap_or(0);
                for name in names.iter().skip(from).take(count) {
                    self.ruin_header(&format!("{FOLDER}{name}"));
                }
                return;
            }
        };
        self.disk.damage(&path, &damage).unwrap();
    }

    /// The segment gets another base or ordinal in its name, or there is a second one with such a name.
    fn other_name(&mut self, name: &str) -> Damage {
        let (base, ordinal) = name.trim_end_matches(".seg").split_once('-').unwrap();
        let (base, ordinal): (u64, u64) = (base.parse().unwrap(), ordinal.parse().unwrap());
        let other = if self.chance.bool() {
            format!("{:020}-{ordinal:010}.seg", base + self.chance.u64(1..20))
        } else {
            format!("{base:020}-{:010}.seg", ordinal + self.chance.u64(1..5))
        };
        if self.chance.bool() { Damage::Rename(other) } else { Damage::Duplicate(other) }
    }

    /// Both copies of the header are gone, and sometimes the first batch, which tells the salt, too.
    fn ruin_header(&mut self, path: &str) {
        for sector in [0, 4] {
            self.disk.damage(path, &Damage::Sector(sector, Fill::Zeros)).unwrap();
        }
        if self.chance.bool() {
            self.disk.damage(path, &Damage::Sector(8, Fill::Zeros)).unwrap();
        }
    }
}

/// The segment of another log.
fn stranger(seed: u64) -> Vec<u8> {
    let disk = SimDisk::new(seed);
    let mut log = Options::new().open_on(Arc::new(disk.clone()), "/log").unwrap();
    let mut batch = Batch::new();
    batch.push(0, b"of another log").unwrap();
    log.append(&batch).unwrap();
    log.close().unwrap();
    files(&disk).into_values().find(|bytes| !bytes.is_empty()).unwrap()
}
