//! The raw limits: payloads one behind the other in one file, without a frame, a checksum or a position.
//!
//! What they write can be read again only by one who knows how many events of which size there are. They are no logs:
//! they show what the disk and the system give on this machine, at this moment, to whoever asks for no more than that.

mod sink;
mod commit;
mod reading;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use self::commit::Commit;
use self::reading::{Copied, Mapped, Positioned};
use self::sink::{Growth, Route, Sink};
use crate::outcome::Result;
use crate::subject::{Candidate, Picker, Plan, Subject, Workload, Writer};

const WRITES: &[Workload] = &[Workload::W1, Workload::W2, Workload::W3, Workload::W4, Workload::Load];

/// All raw limits. Those that read, read what `raw-extend` wrote.
pub(crate) const LIMITS: [Candidate; 8] = [
    Candidate {
        name: "raw-extend",
        package: None,
        setting: "pwrite at the end of a growing file, fdatasync",
        workloads: WRITES,
        open: |folder, plan| open(folder, plan, Route::PageCache, Growth::AtTheEnd),
    },
    Candidate {
        name: "raw-zeroed",
        package: None,
        setting: "pwrite into zeros that were written and synced before the clock started, fdatasync",
        workloads: WRITES,
        open: |folder, plan| open(folder, plan, Route::PageCache, Growth::ZerosBefore),
    },
    Candidate {
        name: "raw-direct",
        package: None,
        setting: "as raw-zeroed, with O_DIRECT: whole pages, the last one written again and again",
        workloads: WRITES,
        open: |folder, plan| open(folder, plan, Route::Direct, Growth::ZerosBefore),
    },
    Candidate {
        name: "direct-extend",
        package: None,
        setting: "O_DIRECT at the end of a growing file, whole pages, fdatasync",
        workloads: WRITES,
        open: |folder, plan| open(folder, plan, Route::Direct, Growth::AtTheEnd),
    },
    Candidate {
        name: "zeroed-inside",
        package: None,
        setting: "as raw-zeroed, but the zeros are written and synced while the clock runs, 8 MiB at a time",
        workloads: WRITES,
        open: |folder, plan| open(folder, plan, Route::PageCache, Growth::ZerosInside),
    },
    Candidate {
        name: "pread",
        package: None,
        setting: "one pread for each event whose place is known; nothing is verified",
        workloads: &[Workload::R2, Workload::R4],
        open: |folder, plan| Ok(Box::new(Positioned::open(&path(folder), plan)?)),
    },
    Candidate {
        name: "mmap-crc",
        package: None,
        setting: "CRC-32 over each payload of a mapped file",
        workloads: &[Workload::R1, Workload::R2, Workload::R4],
        open: |folder, plan| Ok(Box::new(Mapped::open(&path(folder), plan)?)),
    },
    Candidate {
        name: "memcpy",
        package: None,
        setting: "each payload copied from memory to memory; nothing is verified",
        workloads: &[Workload::R1, Workload::R2, Workload::R4],
        open: |folder, plan| Ok(Box::new(Copied::open(&path(folder), plan)?)),
    },
];

fn path(folder: &Path) -> PathBuf {
    folder.join("raw")
}

fn open(folder: &Path, plan: &Plan, route: Route, growth: Growth) -> Result<Box<dyn Subject>> {
    let path = path(folder);
    let commit = Commit::new(Sink::open(&path, plan, route, growth)?);
    Ok(Box::new(Raw { path, plan: *plan, commit }))
}

/// A file that is written.
struct Raw {
    path: PathBuf,
    plan: Plan,
    commit: Commit,
}

impl Subject for Raw {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self.commit.writer()))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut file = std::io::BufReader::with_capacity(1 << 20, File::open(&self.path)?);
        let mut payload = vec![0; self.plan.size];
        for _ in 0..self.plan.count {
            file.read_exact(&mut payload)?;
            visit(&payload);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        crate::subject::unsupported("see pread and mmap-crc")
    }
}
