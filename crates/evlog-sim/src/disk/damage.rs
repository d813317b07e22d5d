//! What may happen to a file while nobody uses it.

use std::io;
use std::sync::Arc;

use super::contents::Contents;
use super::fault::Errno;
use super::machine::{Machine, Node};
use super::{SECTOR, SimDisk, parent_of};

/// Bytes that take the place of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Zeros.
    Zeros,
    /// 0xFF.
    Ones,
    /// Noise from this seed.
    Garbage(u64),
}

/// Damage to a file at rest, to what the disk holds and to what the system shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One bit is the other way round; bit 0 is the lowest of byte 0.
    Flip(u64),
    /// One sector holds something else.
    Sector(usize, Fill),
    /// Two sectors have changed places.
    Swap(usize, usize),
    /// What stands in the first sector was written over the second one, too.
    Misdirect(usize, usize),
    /// The file is as it was when these were its bytes.
    Replace(Vec<u8>),
    /// There is a second file with the same bytes, by this name, in the same folder.
    Duplicate(String),
    /// The file has another name.
    Rename(String),
    /// The file ends here.
    Truncate(usize),
    /// The file goes on, up to this length.
    Extend(usize, Fill),
    /// The file is gone.
    Delete,
    /// A sector cannot be read, so many times; `u32::MAX` is for ever.
    Unreadable(usize, u32),
}

impl Fill {
    fn fill(self, bytes: &mut [u8]) {
        match self {
            Fill::Zeros => bytes.fill(0),
            Fill::Ones => bytes.fill(0xFF),
            Fill::Garbage(seed) => fastrand::Rng::with_seed(seed).fill(bytes),
        }
    }
}

impl SimDisk {
    /// Damages the file with this path. Sectors are counted from 0; one behind the end of the file is left out.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is no such file.
    pub fn damage(&self, path: &str, damage: &Damage) -> io::Result<()> {
        let mut machine = self.machine();
        let (folder, name) = parent_of(path);
        let folder = machine.walk(folder)?;
        let number = *machine.entries(folder)?.names().get(name).ok_or(Errno::NOENT)?;
        match damage {
            Damage::Rename(to) => rename(&mut machine, folder, name, Some(to)),
            Damage::Delete => rename(&mut machine, folder, name, None),
            Damage::Duplicate(to) => {
                let copy = Node::File(contents(&mut machine, number)?.clone());
                machine.put(folder, to, copy)
            }
            Damage::Unreadable(sector, times) => {
                contents(&mut machine, number)?.make_unreadable(*sector, *times);
                Ok(())
            }
            bytes => {
                let contents = contents(&mut machine, number)?;
                let mut image = contents.on_disk().to_vec();
                damage_bytes(&mut image, bytes);
                *contents = Contents::durable(Arc::new(image));
                Ok(())
            }
        }
    }
}

fn contents(machine: &mut Machine, number: u64) -> io::Result<&mut Contents> {
    match machine.nodes.get_mut(&number) {
        Some(Node::File(contents)) => Ok(contents),
        _ => Err(Errno::ISDIR.into()),
    }
}

fn rename(machine: &mut Machine, folder: u64, from: &str, to: Option<&str>) -> io::Result<()> {
    let mut names = machine.entries(folder)?.names().clone();
    let node = names.remove(from).ok_or(Errno::NOENT)?;
    if let Some(to) = to {
        names.insert(to.to_owned(), node);
    }
    machine.set_names(folder, names)
}

fn damage_bytes(image: &mut Vec<u8>, damage: &Damage) {
    let sectors = image.len().div_ceil(SECTOR);
    let range = |sector: usize, len: usize| sector * SECTOR..len.min((sector + 1) * SECTOR);
    match damage {
        Damage::Flip(bit) => {
            if let Some(byte) = image.get_mut((bit / 8) as usize) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Damage::Sector(sector, fill) if *sector < sectors => {
            let range = range(*sector, image.len());
            fill.fill(&mut image[range]);
        }
        Damage::Swap(one, other) if *one < sectors && *other < sectors => {
            let (one, other) = (range(*one, image.len()), range(*other, image.len()));
            for (a, b) in one.zip(other) {
                image.swap(a, b);
            }
        }
        Damage::Misdirect(from, to) if *from < sectors && *to < sectors => {
            let (from, to) = (range(*from, image.len()), range(*to, image.len()));
            let count = from.len().min(to.len());
            image.copy_within(from.start..from.start + count, to.start);
        }
        Damage::Replace(bytes) => image.clone_from(bytes),
        Damage::Truncate(len) => image.truncate(*len),
        Damage::Extend(len, fill) if *len > image.len() => {
            let old = image.len();
            image.resize(*len, 0);
            fill.fill(&mut image[old..]);
        }
        _ => {}
    }
}
