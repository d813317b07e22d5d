//! One folder: the names that a crash leaves, and the names that the system shows.

use std::collections::BTreeMap;

use super::contents::Fate;

/// Something that was done to the names and not synced yet. Each happens whole or not at all.
#[derive(Clone, Debug)]
pub(crate) enum NameChange {
    Added { name: String, node: u64 },
    Renamed { from: String, to: String, node: u64 },
    Removed { name: String },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    durable: BTreeMap<String, u64>,
    cached: BTreeMap<String, u64>,
    pending: Vec<(u64, NameChange)>,
    pub(crate) parent: u64,
}

impl Entries {
    pub(crate) fn new(parent: u64) -> Entries {
        Entries { parent, ..Entries::default() }
    }

    /// A folder whose names are all durable.
    pub(crate) fn durable(names: BTreeMap<String, u64>, parent: u64) -> Entries {
        Entries { cached: names.clone(), durable: names, pending: Vec::new(), parent }
    }

    pub(crate) fn names(&self) -> &BTreeMap<String, u64> {
        &self.cached
    }

    pub(crate) fn pending(&self) -> &[(u64, NameChange)] {
        &self.pending
    }

    pub(crate) fn change(&mut self, change: NameChange, order: u64) {
        apply(&mut self.cached, &change);
        self.pending.push((order, change));
    }

    pub(crate) fn sync(&mut self) {
        for (_, change) in self.pending.drain(..) {
            apply(&mut self.durable, &change);
        }
    }

    /// What the system shows goes back to what the disk has.
    pub(crate) fn revert(&mut self) {
        self.pending.clear();
        self.cached.clone_from(&self.durable);
    }

    /// The names that are left where the pending changes meet the fates that are asked for, in order.
    pub(crate) fn crashed(&self, fate: &mut dyn FnMut() -> Fate) -> BTreeMap<String, u64> {
        let mut names = self.durable.clone();
        for (_, change) in &self.pending {
            if fate() != Fate::Lost {
                apply(&mut names, change);
            }
        }
        names
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    match change {
        NameChange::Added { name, node } => {
            names.insert(name.clone(), *node);
        }
        NameChange::Renamed { from, to, node } => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
        NameChange::Removed { name } => {
            names.remove(name);
        }
    }
}
