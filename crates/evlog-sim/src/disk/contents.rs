//! One file: what the disk holds, what the page cache shows, and what lies between the two.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SECTOR;
use super::fault::{Errno, FailedSync};

/// Something that was done to a file and not synced yet.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Whole sectors as the page cache held them behind one write.
    Sectors { first: usize, bytes: Arc<[u8]> },
    /// Another length.
    Length { from: usize, to: usize },
}

impl Change {
    /// How many parts of this change may reach the disk without each other.
    pub(crate) fn units(&self) -> usize {
        match self {
            Change::Sectors { bytes, .. } => bytes.len() / SECTOR,
            Change::Length { .. } => 1,
        }
    }
}

/// What a crash makes of one part of what was not synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// As if it had never been done.
    Lost,
    /// It reached the disk.
    Kept,
    /// Of a sector, only so many of the new bytes reached the disk, the others are the old ones.
    Torn(usize),
    /// Of a sector, something else stands there.
    Replaced(Arc<[u8; SECTOR]>),
    /// The file got this length, between the old one and the new one.
    Between(usize),
}

/// A [`Change`] and when it was made, counted in changing operations of the whole machine.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) order: u64,
    pub(crate) change: Change,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    durable: Arc<Vec<u8>>,
    cached: Arc<Vec<u8>>,
    pending: Vec<Pending>,
    /// A sync that failed without saying so: the next one says it.
    late: Option<Errno>,
    /// Sectors that cannot be read, and how many more times.
    unreadable: BTreeMap<usize, u32>,
}

impl Contents {
    /// A file whose bytes are all durable.
    pub(crate) fn durable(bytes: Arc<Vec<u8>>) -> Contents {
        Contents { cached: Arc::clone(&bytes), durable: bytes, ..Contents::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.cached.len()
    }

    pub(crate) fn cached(&self) -> &Arc<Vec<u8>> {
        &self.cached
    }

    pub(crate) fn on_disk(&self) -> &Arc<Vec<u8>> {
        &self.durable
    }

    pub(crate) fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Whether no byte of this sector was ever durable, so that a lost write may leave anything there.
    pub(crate) fn is_fresh(&self, sector: usize) -> bool {
        sector * SECTOR >= self.durable.len()
    }

    /// Makes a sector unreadable, so many times; `u32::MAX` is for ever.
    pub(crate) fn make_unreadable(&mut self, sector: usize, times: u32) {
        self.unreadable.insert(sector, times);
    }

    /// Reads like the system: what stands before an unreadable sector is still delivered.
    pub(crate) fn read(&mut self, buffer: &mut [u8], offset: usize) -> Result<usize, Errno> {
        let wanted = self.cached.len().saturating_sub(offset).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.readable(offset, wanted)?;
        buffer[..count].copy_from_slice(&self.cached[offset..][..count]);
        Ok(count)
    }

    fn readable(&mut self, offset: usize, wanted: usize) -> Result<usize, Errno> {
        if self.unreadable.is_empty() {
            return Ok(wanted);
        }
        let (first, last) = (offset / SECTOR, (offset + wanted - 1) / SECTOR);
        let Some((&sector, times)) = self.unreadable.range_mut(first..=last).next() else {
            return Ok(wanted);
        };
        if sector > first {
            return Ok(sector * SECTOR - offset);
        }
        if *times != u32::MAX {
            *times -= 1;
            if *times == 0 {
                self.unreadable.remove(&sector);
            }
        }
        Err(Errno::IO)
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: usize, order: u64) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        let from = self.cached.len();
        let cached = Arc::make_mut(&mut self.cached);
        if end > from {
            cached.resize(end, 0);
        }
        cached[offset..end].copy_from_slice(bytes);
        // A gap that the write jumped over is new to the disk too, but holds zeros on every one of them.
        let (first, behind) = (offset / SECTOR, end.div_ceil(SECTOR));
        let whole = &cached[first * SECTOR..cached.len().min(behind * SECTOR)];
        let mut sectors = Vec::with_capacity((behind - first) * SECTOR);
        sectors.extend_from_slice(whole);
        sectors.resize((behind - first) * SECTOR, 0);
        self.pending.push(Pending { order, change: Change::Sectors { first, bytes: sectors.into() } });
        if end > from {
            self.pending.push(Pending { order, change: Change::Length { from, to: end } });
        }
        // A sector that is written as a whole is given another place by the device.
        if !self.unreadable.is_empty() {
            self.unreadable.retain(|&sector, _| sector * SECTOR < offset || (sector + 1) * SECTOR > end);
        }
    }

    pub(crate) fn set_len(&mut self, to: usize, order: u64) {
        let from = self.cached.len();
        if from != to {
            Arc::make_mut(&mut self.cached).resize(to, 0);
            self.pending.push(Pending { order, change: Change::Length { from, to } });
        }
    }

    /// What was promised by an earlier sync and was not kept.
    pub(crate) fn take_late_error(&mut self) -> Option<Errno> {
        self.late.take()
    }

    pub(crate) fn sync(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let len = self.durable.len();
        let mut image = Image::new(Arc::make_mut(&mut self.durable), len);
        for Pending { change, .. } in &pending {
            match change {
                Change::Sectors { first, bytes } => image.put(first * SECTOR, bytes),
                Change::Length { to, .. } => image.set_len(*to),
            }
        }
        image.finish();
    }

    /// A sync that does not do its work, in one of the ways that file systems have.
    pub(crate) fn fail_sync(
        &mut self,
        how: FailedSync,
        errno: Errno,
        chance: &mut fastrand::Rng,
    ) -> Option<Errno> {
        match how {
            FailedSync::Dropped => self.pending.retain(|one| matches!(one.change, Change::Length { .. })),
            FailedSync::Late => {
                self.pending.retain(|one| matches!(one.change, Change::Length { .. }));
                self.late = Some(errno);
                return None;
            }
            FailedSync::Reverted => {
                self.pending.clear();
                self.cached = Arc::clone(&self.durable);
            }
            FailedSync::Partial => {
                // The length is of the file's own record, which is written again with the next sync.
                let lengths_now = chance.bool();
                self.durable = Arc::new(self.crashed(&mut |change| match change {
                    Change::Length { .. } if lengths_now => Fate::Kept,
                    Change::Sectors { .. } if chance.bool() => Fate::Kept,
                    _ => Fate::Lost,
                }));
                self.pending.retain(|one| !lengths_now && matches!(one.change, Change::Length { .. }));
            }
            FailedSync::Kept => {}
        }
        Some(errno)
    }

    /// Forgets clean pages: what is read afterwards comes from the disk.
    pub(crate) fn evict(&mut self) {
        self.cached = Arc::new(self.crashed(&mut |_| Fate::Kept));
    }

    /// What the disk holds where the parts of the pending changes meet the fates that are asked for, in order.
    pub(crate) fn crashed(&self, fate: &mut dyn FnMut(&Change) -> Fate) -> Vec<u8> {
        let mut durable = Vec::with_capacity(self.cached.len().max(self.durable.len()) + SECTOR);
        durable.extend_from_slice(&self.durable);
        let len = durable.len();
        let mut image = Image::new(&mut durable, len);
        for Pending { change, .. } in &self.pending {
            match change {
                Change::Sectors { first, bytes } => {
                    for (part, new) in bytes.chunks_exact(SECTOR).enumerate() {
                        let at = (first + part) * SECTOR;
                        match fate(change) {
                            Fate::Lost => {}
                            Fate::Kept | Fate::Between(_) => image.put(at, new),
                            Fate::Torn(bytes) => image.put(at, &new[..bytes]),
                            Fate::Replaced(other) => image.put(at, &*other),
                        }
                    }
                }
                Change::Length { to, .. } => match fate(change) {
                    Fate::Lost => {}
                    Fate::Between(len) => image.set_len(len),
                    Fate::Kept | Fate::Torn(_) | Fate::Replaced(_) => image.set_len(*to),
                },
            }
        }
        image.finish();
        durable
    }
}

/// Bytes on a disk and, separately, how many of them the file has.
struct Image<'a> {
    bytes: &'a mut Vec<u8>,
    len: usize,
}

impl<'a> Image<'a> {
    fn new(bytes: &'a mut Vec<u8>, len: usize) -> Image<'a> {
        Image { bytes, len }
    }

    fn put(&mut self, at: usize, new: &[u8]) {
        let end = at + new.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(new);
    }

    fn set_len(&mut self, len: usize) {
        if len < self.len {
            self.bytes.truncate(len);
        }
        self.len = len;
    }

    fn finish(self) {
        self.bytes.resize(self.len, 0);
    }
}
