//! The standard output, written in large pieces.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};

use crate::exit::Failure;
use crate::text::Audience;

/// Bytes that are collected before they are written.
const FULL: usize = 256 << 10;

/// The standard output and what is still to be written to it.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    waiting: Vec<u8>,
}

impl Output {
    /// The standard output of this process. The one of the library looks for lines in all that it writes.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn standard() -> Result<Output, Failure> {
        let output = io::stdout().as_fd().try_clone_to_owned().map_err(refused)?;
        Ok(Output { file: File::from(output), waiting: Vec::with_capacity(FULL) })
    }

    /// Who reads it.
    pub(crate) fn audience(&self) -> Audience {
        if self.file.is_terminal() { Audience::Terminal } else { Audience::Program }
    }

    /// Where to put what is to be written.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Whether enough is waiting to be worth a call.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= FULL
    }

    /// Writes what is waiting.
    ///
    /// # Errors
    /// [`Failure::OutputClosed`] where nobody reads any more, else what the system says. What was waiting is dropped.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let result = self.write_waiting();
        self.waiting.clear();
        result.map_err(refused)
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        let mut rest = &self.waiting[..];
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Whoever started the command may have left its output in this mode.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn refused(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::system("write to the standard output")(error),
    }
}
