//! Where bytes come from: the standard input or a file.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use crate::exit::Failure;
use crate::interrupt::{Interrupt, Woken};

/// An input and its name.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    name: String,
    /// Bytes that it has, where it is a file and knows.
    length: Option<u64>,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Bytes(usize),
    /// Nothing until the time was over.
    Silence,
    End,
    Interrupt,
}

impl Input {
    /// The standard input of this process.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn standard() -> Result<Input, Failure> {
        let name = "the standard input";
        let input =
            io::stdin().as_fd().try_clone_to_owned().map_err(Failure::system(format!("read {name}")))?;
        Ok(Input::new(File::from(input), name.to_owned()))
    }

    /// A file; `-` is the standard input.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(path: &Path) -> Result<Input, Failure> {
        if path == Path::new("-") {
            return Input::standard();
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(Failure::system(format!("open {name}")))?;
        Ok(Input::new(file, name))
    }

    fn new(file: File, name: String) -> Input {
        let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        Input { file, name, length }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes that it has, where it is a file and knows.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Reads what there is into `room`, and waits for it until `deadline` or a signal.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn read(
        &mut self,
        room: &mut [u8],
        deadline: Option<Instant>,
        interrupt: &Interrupt,
    ) -> Result<Arrival, Failure> {
        loop {
            let arrival = self.wait(deadline, interrupt).and_then(|woken| match woken {
                Woken::Interrupt => Ok(Arrival::Interrupt),
                Woken::Timeout => Ok(Arrival::Silence),
                Woken::Input => Ok(match self.file.read(room)? {
                    0 => Arrival::End,
                    count => Arrival::Bytes(count),
                }),
            });
            match arrival {
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                other => return other.map_err(Failure::system(format!("read {}", self.name))),
            }
        }
    }

    fn wait(&self, deadline: Option<Instant>, interrupt: &Interrupt) -> io::Result<Woken> {
        // A file never lets anyone wait.
        if self.length.is_some() {
            return Ok(if interrupt.is_asked() { Woken::Interrupt } else { Woken::Input });
        }
        loop {
            let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match interrupt.wait(self.file.as_fd(), timeout)? {
                // A signal that is none of ours wakes too.
                Woken::Timeout if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                woken => return Ok(woken),
            }
        }
    }
}
