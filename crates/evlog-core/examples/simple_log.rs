//! The simplest store there is: one log, no thread, no buffer. Write one event, read all; the last ten files of a
//! mebibyte are kept.
//!
//! ```sh
//! cargo run --package evlog-core --example simple_log -- ./simple-log hello
//! ```
//!
//! appends `hello`, unless it is left out, and shows everything in the log: position, time and text.

#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]

use std::path::Path;

use evlog_core::{Batch, Log, Options, OwnedEvent, Place, Position, Result, Timestamp};

/// How many files are kept.
const FILES: usize = 10;
/// When the next file is begun, in bytes.
const FILE_BYTES: u64 = 1 << 20;

struct SimpleLog {
    log: Log,
}

impl SimpleLog {
    /// Opens the log in this folder, or makes it; what a crash has left unfinished is dealt with.
    fn open(folder: &Path) -> Result<SimpleLog> {
        Ok(SimpleLog { log: Options::new().segment_bytes(FILE_BYTES).open(folder)? })
    }

    /// Writes one event, with this time or now. It is on the disk when this returns.
    fn write(&mut self, time: Option<Timestamp>, payload: &[u8]) -> Result<Position> {
        let mut batch = Batch::new();
        batch.push(time.unwrap_or_else(|| self.log.view().now()), payload)?;
        let positions = self.log.append(&batch)?;
        self.log.sync()?;
        self.keep_the_last_files()?;
        Ok(positions.start)
    }

    fn keep_the_last_files(&mut self) -> Result<()> {
        let files = self.log.segments()?;
        if let Some(oldest_kept) = files.len().checked_sub(FILES) {
            self.log.trim_before(files[oldest_kept].name.base)?;
        }
        Ok(())
    }

    /// All events, oldest first.
    fn read_all(&self) -> Result<Vec<OwnedEvent>> {
        let mut reader = self.log.read(Place::Oldest)?;
        let mut events = Vec::new();
        while let Some(event) = reader.next()? {
            events.push(event.to_owned());
        }
        Ok(events)
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("say in which folder the log is: simple_log FOLDER [TEXT]")?;
    let mut simple = SimpleLog::open(Path::new(&folder))?;
    if let Some(text) = arguments.next() {
        simple.write(None, text.as_bytes())?;
    }
    for event in simple.read_all()? {
        println!("{} {} {}", event.position, event.timestamp, String::from_utf8_lossy(&event.payload));
    }
    simple.log.close()?;
    Ok(())
}
