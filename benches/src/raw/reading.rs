//! The limits of reading a file whose events are all of one size.

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;

use mmap_io::MemoryMappedFile;

use crate::outcome::{Failure, Result};
use crate::subject::{Picker, Plan, Subject};

/// One pread an event.
pub(super) struct Positioned {
    file: File,
    plan: Plan,
}

impl Positioned {
    pub(super) fn open(path: &Path, plan: &Plan) -> Result<Positioned> {
        Ok(Positioned { file: File::open(path)?, plan: *plan })
    }
}

impl Subject for Positioned {
    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(Reused { file: &self.file, payload: vec![0; self.plan.size] }))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.picker()?.pick(self.plan.count - 1, visit)
    }
}

struct Reused<'a> {
    file: &'a File,
    payload: Vec<u8>,
}

impl Picker for Reused<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let offset = position * self.payload.len() as u64;
        self.file.read_exact_at(&mut self.payload, offset)?;
        visit(&self.payload);
        Ok(())
    }
}

/// A mapped file. Who maps a file trusts everybody not to cut it short; evlog does not.
pub(super) struct Mapped {
    file: MemoryMappedFile,
    plan: Plan,
}

impl Mapped {
    pub(super) fn open(path: &Path, plan: &Plan) -> Result<Mapped> {
        let file = MemoryMappedFile::open_ro(path).map_err(Failure::from)?;
        Ok(Mapped { file, plan: *plan })
    }
}

impl Subject for Mapped {
    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let bytes = self.file.as_slice(0, self.plan.payload_bytes())?;
        for payload in bytes.chunks_exact(self.plan.size) {
            black_box(crc32fast::hash(payload));
            visit(payload);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(Checked {
            bytes: self.file.as_slice(0, self.plan.payload_bytes())?,
            size: self.plan.size,
        }))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.picker()?.pick(self.plan.count - 1, visit)
    }
}

struct Checked<B> {
    bytes: B,
    size: usize,
}

impl<B: std::ops::Deref<Target = [u8]>> Picker for Checked<B> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let begin = position as usize * self.size;
        let payload = &self.bytes[begin..begin + self.size];
        black_box(crc32fast::hash(payload));
        visit(payload);
        Ok(())
    }
}

/// A file that was read before.
pub(super) struct Copied {
    bytes: Vec<u8>,
    plan: Plan,
}

impl Copied {
    pub(super) fn open(path: &Path, plan: &Plan) -> Result<Copied> {
        Ok(Copied { bytes: fs::read(path)?, plan: *plan })
    }
}

impl Subject for Copied {
    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut copy = vec![0; self.plan.size];
        for payload in self.bytes.chunks_exact(self.plan.size).take(self.plan.count as usize) {
            copy.copy_from_slice(payload);
            visit(black_box(&copy));
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(CopyingPicker { bytes: &self.bytes, copy: vec![0; self.plan.size] }))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.picker()?.pick(self.plan.count - 1, visit)
    }
}

struct CopyingPicker<'a> {
    bytes: &'a [u8],
    copy: Vec<u8>,
}

impl Picker for CopyingPicker<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let size = self.copy.len();
        let begin = position as usize * size;
        self.copy.copy_from_slice(&self.bytes[begin..begin + size]);
        visit(black_box(&self.copy));
        Ok(())
    }
}
