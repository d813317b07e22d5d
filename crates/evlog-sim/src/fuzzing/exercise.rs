//! Opens a log in every way there is, and checks what must hold whatever its bytes are.

use std::sync::Arc;

use evlog_core::{Batch, Error, Log, Options, Result};

use super::folder::{Files, PATH, files};
use super::view::View;
use crate::SimDisk;

/// Who made the bytes of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Honesty {
    /// A writer, and what happens to files by itself.
    Honest,
    /// Somebody who can make checksums, too.
    Forged,
}

/// What is appended to a log that can be opened to write.
const NEWS: &[u8] = b"appended behind whatever was there";

pub(crate) fn look(disk: &SimDisk) -> Result<Log> {
    Options::new().open_read_only_on(Arc::new(disk.clone()), PATH)
}

/// How many bytes the files have together.
pub(crate) fn size(files: &Files) -> usize {
    files.values().map(Vec::len).sum()
}

/// Opens the log read-only, twice, and then to write, on a copy of the disk. Returns what is seen.
pub(crate) fn exercise(disk: &SimDisk, honesty: Honesty) -> Result<View> {
    let before = files(disk);
    let operations = disk.operations();
    let view = look(disk).map(|log| View::from_all_sides(&log));
    assert_eq!(files(disk), before, "a read-only open has changed something");
    assert!(disk.paths().len() == before.len() || disk.paths().contains(&lock()), "and made something");
    let again = look(disk).map(|log| View::of(&log));
    let steps = disk.operations() - operations;
    assert!(steps <= most_operations(&before), "{steps} operations for {} bytes", size(&before));
    match (&view, &again) {
        (Ok(view), Ok(again)) => assert_eq!(view, again, "a second look sees something else"),
        (Err(_), Err(_)) => {}
        (view, again) => panic!("a second look: {again:?} after {view:?}"),
    }
    let copy = disk.copy(1);
    match Options::new().open_on(Arc::new(copy.clone()), PATH) {
        Ok(log) => {
            let view = view.as_ref().expect("what can be opened to write can be opened to read");
            write(log, view, &copy, &before, honesty);
        }
        Err(_) => assert_eq!(files(&copy), before, "an open that failed has changed something"),
    }
    view
}

fn lock() -> String {
    format!("{}/lock", super::folder::FOLDER)
}

/// Opening and reading take steps in proportion to the bytes. The smallest batch has 64 of them.
fn most_operations(files: &Files) -> u64 {
    1_000 + 200 * files.len() as u64 + size(files) as u64 / 8
}

/// The log that was opened to write shows the same, takes an event, and changes nothing that was there.
fn write(mut log: Log, view: &View, disk: &SimDisk, before: &Files, honesty: Honesty) {
    assert_eq!(&View::of(&log), view, "opened to write, the log shows something else");
    check_kept(before, &files(disk));
    let mut batch = Batch::with_schema(7);
    batch.push(1_800_000_000_000_000, NEWS).unwrap();
    let positions = match log.append(&batch) {
        Ok(positions) => positions,
        Err(Error::TooLarge { .. }) => return,
        Err(error) => panic!("append: {error:?}"),
    };
    assert_eq!(positions, view.range.end..view.range.end + 1);
    log.sync().expect("a healthy disk syncs");
    log.close().expect("a healthy disk syncs");
    check_kept(before, &files(disk));
    let log = look(disk).expect("what was closed can be opened");
    let mut seen = View::of(&log);
    if honesty == Honesty::Forged {
        // What a later version wrote is not read past, and a forged end in order says where to go on.
        return;
    }
    let event = seen.events.remove(&positions.start);
    assert_eq!(event.map(|event| event.payload).as_deref(), Some(NEWS), "what was appended is gone");
    seen.range.end -= 1;
    assert_eq!(&seen, view, "an append has changed what was there");
}

/// No byte that is not zero is ever changed or cut, whatever state it is in; hints alone are written over.
fn check_kept(before: &Files, after: &Files) {
    for (name, old) in before {
        let new = after.get(name).unwrap_or_else(|| panic!("{name} is gone"));
        if new.starts_with(old) {
            continue;
        }
        let hint = 1024..1024 + 32;
        for (at, &byte) in old.iter().enumerate().filter(|(at, byte)| **byte != 0 && !hint.contains(at)) {
            assert_eq!(new.get(at), Some(&byte), "byte {at} of {name} was changed or cut");
        }
    }
}
