//! What a power loss makes of a machine: everything that was synced stays, of the rest any part may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::SECTOR;
use super::contents::{Change, Contents};
use super::entries::Entries;
use super::machine::{Ghost, Machine, Node, ROOT};

pub use super::contents::Fate;

/// How a crash chooses among what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Each part meets any fate that the fault model allows, garbage in new sectors included.
    Adversarial(u64),
    /// As [`Crash::Adversarial`], and sectors may also be torn: without power-safe overwrites.
    Tearing(u64),
    /// As ext4 does by default: names and lengths in order, a length only behind its bytes.
    Ordered(u64),
    /// Nothing that was not synced is there.
    AllLost,
    /// All of it is there.
    AllKept,
    /// The parts with lower numbers are there, in the order in which they were done.
    Prefix(usize),
    /// All but this part is there.
    AllButOne(usize),
    /// Only this part is there.
    OnlyOne(usize),
    /// Exactly those parts are there whose bit is set. Bits stand for the first 64 parts.
    Subset(u64),
}

/// What a [`Unit`] is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// 512 bytes of a file; fresh where none of them was ever durable.
    Sector {
        /// Whether no byte of it was ever durable.
        fresh: bool,
        /// Which of the file's sectors it is, from 0.
        number: usize,
    },
    /// The length of a file, from one number of bytes to another.
    Length {
        /// Bytes before.
        from: usize,
        /// Bytes after.
        to: usize,
    },
    /// A name that was added, changed or removed.
    Name,
}

/// The least part of what was not synced: it reaches the disk whole or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Number of the file or folder.
    pub node: u64,
    /// When it was done, counted in changing operations of the machine.
    pub order: u64,
    /// What it is.
    pub kind: UnitKind,
}

impl Machine {
    /// Everything that was not synced, folder by folder and file by file.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let mut units = Vec::new();
        for (&node, what) in &self.nodes {
            match what {
                Node::Folder(entries) => units.extend(entries.pending().iter().map(|&(order, _)| Unit {
                    node,
                    order,
                    kind: UnitKind::Name,
                })),
                Node::File(contents) => file_units(node, contents, &mut units),
            }
        }
        units
    }

    /// The machine after a power loss in which the units, in the order of [`Machine::units`], met these fates.
    pub(crate) fn crashed(&self, fates: &[Fate], seed: u64) -> Machine {
        let mut fates = fates.iter().cloned();
        let mut next = || fates.next().unwrap_or(Fate::Lost);
        let mut nodes = BTreeMap::new();
        for (&number, node) in &self.nodes {
            let node = match node {
                Node::Folder(entries) => {
                    Node::Folder(Entries::durable(entries.crashed(&mut next), entries.parent))
                }
                Node::File(contents) => Node::File(Contents::durable(if contents.pending().is_empty() {
                    Arc::clone(contents.on_disk())
                } else {
                    Arc::new(contents.crashed(&mut |_| next()))
                })),
            };
            nodes.insert(number, node);
        }
        keep_reachable(&mut nodes);
        let mut machine = self.restarted(nodes, seed);
        machine.ghosts.extend(self.old_sectors());
        let forgotten = machine.ghosts.len().saturating_sub(GHOSTS);
        machine.ghosts.drain(..forgotten);
        machine
    }

    /// The files that are there, as their pages are.
    fn old_sectors(&self) -> impl Iterator<Item = Ghost> {
        self.nodes.iter().filter_map(|(&number, node)| match node {
            Node::File(file) if file.len() > GHOST => {
                Some(Ghost { node: number, bytes: Arc::clone(file.cached()) })
            }
            _ => None,
        })
    }

    /// The fates that a way of crashing gives to the units.
    pub(crate) fn fates(&self, units: &[Unit], crash: Crash) -> Vec<Fate> {
        let keep = |kept: &dyn Fn(usize) -> bool| {
            in_time(units).into_iter().map(|rank| if kept(rank) { Fate::Kept } else { Fate::Lost }).collect()
        };
        match crash {
            Crash::AllLost => keep(&|_| false),
            Crash::AllKept => keep(&|_| true),
            Crash::Prefix(count) => keep(&|rank| rank < count),
            Crash::AllButOne(one) => keep(&|rank| rank != one),
            Crash::OnlyOne(one) => keep(&|rank| rank == one),
            Crash::Subset(bits) => keep(&|rank| rank < 64 && bits >> rank & 1 == 1),
            Crash::Adversarial(seed) => self.adversarial(units, seed, false),
            Crash::Tearing(seed) => self.adversarial(units, seed, true),
            Crash::Ordered(seed) => ordered(units, seed),
        }
    }

    fn adversarial(&self, units: &[Unit], seed: u64, tearing: bool) -> Vec<Fate> {
        let mut chance = fastrand::Rng::with_seed(seed);
        let [sectors, names, bad] = [odds(&mut chance), odds(&mut chance), odds(&mut chance)];
        let stale = self.stale(&mut chance);
        let mut fate = |unit: &Unit| {
            let is_sector = matches!(unit.kind, UnitKind::Sector { .. });
            let kept = chance.u8(0..8) < if is_sector { sectors } else { names };
            let bad = chance.u8(0..8) < bad;
            match unit.kind {
                UnitKind::Sector { fresh: true, number } if !kept && bad => {
                    // Not of the same file: that is the one thing that is assumed of such sectors.
                    let old = stale.as_ref().filter(|ghost| ghost.node != unit.node);
                    Fate::Replaced(garbage(
                        old.and_then(|ghost| sector_of(&ghost.bytes, number)),
                        &mut chance,
                    ))
                }
                UnitKind::Sector { .. } if tearing && bad => Fate::Torn(chance.usize(0..=SECTOR)),
                UnitKind::Length { from, to } if bad && !kept => {
                    Fate::Between(between(&mut chance, from.min(to), from.max(to)))
                }
                _ if kept => Fate::Kept,
                _ => Fate::Lost,
            }
        };
        units.iter().map(&mut fate).collect()
    }

    /// A file, there or gone, whose old sectors show where new ones were never written; or none, for noise.
    fn stale(&self, chance: &mut fastrand::Rng) -> Option<Ghost> {
        let mut all: Vec<Ghost> = self.old_sectors().chain(self.ghosts.iter().cloned()).collect();
        let number = chance.usize(..=all.len());
        (number < all.len()).then(|| all.swap_remove(number))
    }
}

/// Files of less than so many bytes leave nothing of interest behind.
const GHOST: usize = SECTOR;
/// So many old files are remembered.
const GHOSTS: usize = 12;

/// How many of eight. With the same odds in every crash, a long tail would never be lost nor kept as a whole.
fn odds(chance: &mut fastrand::Rng) -> u8 {
    match chance.u8(0..4) {
        0 => 0,
        1 => 8,
        _ => chance.u8(1..8),
    }
}

fn sector_of(bytes: &[u8], number: usize) -> Option<&[u8; SECTOR]> {
    bytes.get(number * SECTOR..)?.first_chunk()
}

/// What stands in a sector that was never written: what once was at its place in another file, or noise.
fn garbage(old: Option<&[u8; SECTOR]>, chance: &mut fastrand::Rng) -> Arc<[u8; SECTOR]> {
    let mut bytes = [0; SECTOR];
    match old {
        Some(old) => bytes = *old,
        None => chance.fill(&mut bytes),
    }
    Arc::new(bytes)
}

fn between(chance: &mut fastrand::Rng, least: usize, greatest: usize) -> usize {
    let any = chance.usize(least..=greatest);
    // Lengths in the middle of a sector and at its end are different cases, and the latter are rare.
    if chance.bool() { (any / SECTOR * SECTOR).max(least) } else { any }
}

fn file_units(node: u64, contents: &Contents, units: &mut Vec<Unit>) {
    for one in contents.pending() {
        let order = one.order;
        match one.change {
            Change::Sectors { first, .. } => {
                for part in 0..one.change.units() {
                    let number = first + part;
                    let fresh = contents.is_fresh(number);
                    units.push(Unit { node, order, kind: UnitKind::Sector { fresh, number } });
                }
            }
            Change::Length { from, to } => {
                units.push(Unit { node, order, kind: UnitKind::Length { from, to } });
            }
        }
    }
}

/// For each unit, how many were done before it.
fn in_time(units: &[Unit]) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..units.len()).collect();
    numbers.sort_by_key(|&number| units[number].order);
    let mut ranks = vec![0; units.len()];
    for (rank, number) in numbers.into_iter().enumerate() {
        ranks[number] = rank;
    }
    ranks
}

fn ordered(units: &[Unit], seed: u64) -> Vec<Fate> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let last = units.iter().map(|unit| unit.order).max().unwrap_or(0);
    let first = units.iter().map(|unit| unit.order).min().unwrap_or(0);
    // All that happened to names and lengths up to here is in the journal.
    let committed = chance.u64(first..=last + 1);
    let lengthened: BTreeSet<(u64, u64)> = units
        .iter()
        .filter(|unit| unit.order < committed && matches!(unit.kind, UnitKind::Length { .. }))
        .map(|unit| (unit.node, unit.order))
        .collect();
    units
        .iter()
        .map(|unit| {
            let kept = match unit.kind {
                UnitKind::Name | UnitKind::Length { .. } => unit.order < committed,
                UnitKind::Sector { .. } => lengthened.contains(&(unit.node, unit.order)) || chance.bool(),
            };
            if kept { Fate::Kept } else { Fate::Lost }
        })
        .collect()
}

fn keep_reachable(nodes: &mut BTreeMap<u64, Node>) {
    let mut reachable = BTreeSet::from([ROOT]);
    let mut next = vec![ROOT];
    while let Some(number) = next.pop() {
        if let Some(Node::Folder(entries)) = nodes.get(&number) {
            next.extend(entries.names().values().filter(|&&child| reachable.insert(child)));
        }
    }
    nodes.retain(|number, _| reachable.contains(number));
}
