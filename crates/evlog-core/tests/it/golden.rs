//! Logs as bytes that a person can read: what was stored once is read for ever, by this code and by whoever has nothing
//! but docs/FORMAT.md.
//!
//! Each file in tests/golden holds one log and what everybody must read from it. The logs are made anew by each run
//! and compared, so the writer cannot drift either. Where a change of the format is meant, `EVLOG_GOLDEN=write`
//! writes the files again; the difference then shows in the commit.

mod cases;
mod images;
mod lines;
mod python;
mod scene;
mod text;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use evlog_core::{Log, Options};

use self::lines::{Outcome, append_and_read, read_only};
use self::python::Python;
use self::scene::Golden;
use crate::common::place;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn stored(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap_or_default()
}

#[test]
fn the_writer_writes_what_it_always_wrote() {
    let must_write = std::env::var_os("EVLOG_GOLDEN").is_some_and(|value| value == "write");
    for golden in cases::all() {
        let page = text::page(&golden);
        if must_write {
            std::fs::write(folder().join(format!("{}.txt", golden.name)), &page).unwrap();
        }
        assert!(page == stored(golden.name), "{} has changed; it is now\n{page}", golden.name);
    }
}

#[test]
fn no_golden_log_is_forgotten() {
    let mut stored: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    stored.sort();
    let mut made: Vec<String> = cases::all().iter().map(|golden| format!("{}.txt", golden.name)).collect();
    made.sort();
    assert_eq!(stored, made);
}

#[test]
fn the_text_holds_every_byte() {
    for golden in cases::all() {
        let parsed = text::parse(golden.name, &text::page(&golden));
        assert!(parsed == golden, "{}", golden.name);
    }
}

#[test]
fn old_logs_are_read_without_writing() {
    for_each(|golden, path| {
        let read = read_only(Options::new().open_read_only(path));
        golden.assert_untouched(path);
        same(&read, &golden.read)
    });
}

#[test]
fn old_logs_are_written_on() {
    for_each(|golden, path| match (Log::open(path), &golden.refusal, &golden.read) {
        (Ok(log), None, Outcome::Read(lines)) => {
            let mut expected = lines.clone();
            let read = append_and_read(log, path, &mut expected);
            same(&read, &Outcome::Read(expected))
        }
        (Err(error), Some(why), _) if lines::name_of(&error) == why => {
            golden.assert_untouched(path);
            Ok(())
        }
        (Ok(_), ..) => Err("was not refused".to_owned()),
        (Err(error), ..) => Err(format!("{error:?}")),
    });
}

#[test]
fn the_reader_made_from_the_document_reads_the_same() {
    let python = RefCell::new(Python::start());
    for_each(|golden, path| {
        let read = python.borrow_mut().read(path);
        golden.assert_untouched(path);
        same(&read, &golden.read)
    });
}

fn same(read: &Outcome, expected: &Outcome) -> Result<(), String> {
    if read == expected { Ok(()) } else { Err(format!("{read:#?}\nand should be {expected:#?}")) }
}

/// Lays out all stored logs, one after the other, and says of which ones something else is true than is stored.
fn for_each(check: impl Fn(&Golden, &Path) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for golden in cases::all() {
        let (_guard, path) = place();
        let golden = text::parse(golden.name, &stored(golden.name));
        golden.lay(&path);
        if let Err(found) = check(&golden, &path) {
            wrong.push(format!("{}: {found}", golden.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
