//! Bytes into one file, with and without the page cache.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::outcome::Result;
use crate::subject::Plan;

/// What direct I/O is aligned to.
const PAGE: usize = 4096;
/// Bytes that are written at once where there are many.
pub(super) const PIECE: usize = 1 << 20;
/// Zeros that are written ahead at once, while the clock runs.
const ZEROS: u64 = 8 << 20;

/// How bytes reach the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    PageCache,
    Direct,
}

/// When the file gets its size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    AtTheEnd,
    ZerosBefore,
    ZerosInside,
}

/// One file that bytes are added to.
pub(super) struct Sink {
    file: File,
    /// Where the next bytes go; with direct I/O, where the page of them begins.
    offset: u64,
    /// Zeros have been written up to here.
    zeroed: u64,
    growth: Growth,
    pages: Option<Pages>,
}

/// Bytes on their way around the page cache, in memory that is aligned as the disk wants it.
struct Pages {
    memory: Vec<u8>,
    begin: usize,
    filled: usize,
}

impl Sink {
    /// Opens the file, or makes it with what it has before the clock starts.
    pub(super) fn open(path: &Path, plan: &Plan, route: Route, growth: Growth) -> Result<Sink> {
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        if is_new {
            let file = options.open(path)?;
            if growth == Growth::ZerosBefore {
                let bytes = plan.payload_bytes().next_multiple_of(PAGE as u64);
                write_zeros(&file, 0, bytes)?;
            }
            file.sync_all()?;
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
        }
        let flags =
            if route == Route::Direct { rustix::fs::OFlags::DIRECT } else { rustix::fs::OFlags::empty() };
        let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
        let pages = (route == Route::Direct).then(Pages::new);
        Ok(Sink { file, offset: 0, zeroed: 0, growth, pages })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let end = self.offset + bytes.len() as u64;
        while self.growth == Growth::ZerosInside && self.zeroed < end {
            write_zeros(&self.file, self.zeroed, ZEROS)?;
            self.file.sync_data()?;
            self.zeroed += ZEROS;
        }
        match &mut self.pages {
            None => {
                self.file.write_all_at(bytes, self.offset)?;
                self.offset = end;
            }
            Some(pages) => self.offset = pages.write(&self.file, self.offset, bytes)?,
        }
        Ok(())
    }

    /// Returns when they are on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }
}

fn write_zeros(file: &File, from: u64, bytes: u64) -> Result<()> {
    let zeros = vec![0; PIECE];
    let mut done = 0;
    while done < bytes {
        let piece = (bytes - done).min(PIECE as u64);
        file.write_all_at(&zeros[..piece as usize], from + done)?;
        done += piece;
    }
    Ok(())
}

impl Pages {
    fn new() -> Pages {
        let memory = vec![0; PIECE + PAGE];
        let begin = memory.as_ptr().align_offset(PAGE);
        Pages { memory, begin, filled: 0 }
    }

    /// Writes bytes behind those that are held, in whole pages from `offset` on, and returns where the last one begins:
    /// its bytes are held, to be written again with what follows.
    fn write(&mut self, file: &File, mut offset: u64, mut bytes: &[u8]) -> Result<u64> {
        let aligned = &mut self.memory[self.begin..self.begin + PIECE];
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.filled));
            aligned[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            let padded = self.filled.next_multiple_of(PAGE);
            aligned[self.filled..padded].fill(0);
            file.write_all_at(&aligned[..padded], offset)?;
            let whole = self.filled / PAGE * PAGE;
            aligned.copy_within(whole..self.filled, 0);
            self.filled -= whole;
            offset += whole as u64;
        }
        Ok(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Workload;

    #[test]
    fn every_route_writes_the_same_bytes() {
        // Beside the test itself, because a folder in memory may know no direct I/O.
        let here = std::env::current_exe().unwrap();
        let folder = tempfile::tempdir_in(here.parent().unwrap()).unwrap();
        let plan = Plan {
            workload: Workload::W1,
            size: 1,
            count: 3_000_000,
            threads: 1,
            batch: 1,
            topics: 1,
            rate: 1,
            readers: 0,
        };
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        let routes = [
            (Route::PageCache, Growth::AtTheEnd),
            (Route::PageCache, Growth::ZerosBefore),
            (Route::PageCache, Growth::ZerosInside),
            (Route::Direct, Growth::AtTheEnd),
            (Route::Direct, Growth::ZerosBefore),
        ];
        for (number, (route, growth)) in routes.into_iter().enumerate() {
            let path = folder.path().join(number.to_string());
            let Ok(mut sink) = Sink::open(&path, &plan, route, growth) else {
                assert!(route == Route::Direct, "a file system may refuse direct I/O, nothing else");
                continue;
            };
            let mut rest = &bytes[..];
            for length in [1, 4095, 2, 8192, 1_500_000].into_iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(length));
                if now.is_empty() {
                    break;
                }
                sink.write(now).unwrap();
                rest = later;
            }
            sink.sync().unwrap();
            assert!(std::fs::read(&path).unwrap()[..bytes.len()] == bytes[..], "{}", path.display());
        }
    }
}
