//! `cargo xtask ffi-test`: the C interface as C programs meet it.
//!
//! The library is installed into a folder of its own; programs are compiled against that, in every dialect that the
//! header promises and linked both ways, and run by themselves, with sanitizers and under valgrind.

mod examples;
mod programs;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::dist_c::{self, Built};
use crate::ffi_test::programs::{Dialect, Linking, Programs};
use crate::header::{self, HEADER, Header};
use crate::process::{self, Failure};
use crate::workspace;

#[derive(Args)]
pub(crate) struct FfiTest {
    /// The profile of cargo to build the library with.
    #[arg(long, default_value = "dev")]
    profile: String,
}

/// The committed list of what the shared library exports, below the root.
const SYMBOLS: &str = "crates/evlog-ffi/symbols.txt";
/// What explains the interface, below the root.
const DOCUMENT: &str = "docs/C-API.md";
/// The folder of the test programs, below the root.
const TESTS: &str = "crates/evlog-ffi/tests/c";

/// With what is quick to build.
///
/// # Errors
/// As for [`run`].
pub(crate) fn check() -> Result<(), Failure> {
    run(&FfiTest { profile: "dev".into() })
}

/// Builds, compiles and runs.
///
/// # Errors
/// Where a program cannot be compiled or fails, or the interface is not what is committed.
pub(crate) fn run(asked: &FfiTest) -> Result<(), Failure> {
    header::run(&Header { check: true })?;
    let folder = tempfile::tempdir()?;
    let built = dist_c::build(&asked.profile, &[])?;
    check_shared(&built.shared)?;
    check_coverage()?;
    let prefix = folder.path().join("installed");
    dist_c::install(&built, &prefix)?;

    let programs = Programs::new(&prefix, folder.path())?;
    programs.compile_header()?;
    let tests = workspace::root().join(TESTS);
    for test in ["walk.c", "misuse.c", "threads.c"] {
        let source = tests.join(test);
        programs.run(&source, Dialect::C99, Linking::Shared)?;
        programs.run(&source, Dialect::C11, Linking::Static)?;
        programs.run(&source, Dialect::Cpp11, Linking::Shared)?;
        programs.run_sanitized(&source)?;
        programs.run_checked(&source)?;
    }
    let consumer = workspace::root().join(examples::FOLDER).join("c/consumer.c");
    for dialect in [Dialect::C99, Dialect::C11, Dialect::Cpp11] {
        programs.compile(&consumer, dialect, Linking::Static, &[])?;
    }
    examples::check(&prefix, folder.path())?;
    panics(asked, folder.path())?;
    println!("ffi-test: all is well");
    Ok(())
}

/// The library exports what is committed, what the header declares, and nothing else; and it has the right soname.
fn check_shared(library: &Path) -> Result<(), Failure> {
    let listing = process::stdout_of(Command::new("nm").args(["-D", "--defined-only"]).arg(library))?;
    let exported: BTreeSet<&str> =
        listing.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let committed = fs::read_to_string(workspace::root().join(SYMBOLS))?;
    let committed: BTreeSet<&str> = committed.lines().collect();
    same("the shared library exports", &exported, SYMBOLS, &committed)?;
    let header = fs::read_to_string(workspace::root().join(HEADER))?;
    same(HEADER, &functions_in(&header), SYMBOLS, &committed)?;

    let dynamic = process::stdout_of(Command::new("readelf").arg("-d").arg(library))?;
    let soname = dist_c::soname()?;
    if dynamic.contains(&format!("Library soname: [{soname}]")) {
        Ok(())
    } else {
        Err(format!("{} does not have the soname {soname}", library.display()).into())
    }
}

/// Every function and every status is met by a test program, and every function is explained.
fn check_coverage() -> Result<(), Failure> {
    let header = fs::read_to_string(workspace::root().join(HEADER))?;
    let document = fs::read_to_string(workspace::root().join(DOCUMENT))?;
    let functions = functions_in(&header);
    let unexplained: Vec<&&str> =
        functions.iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
    if !unexplained.is_empty() {
        return Err(format!("{DOCUMENT} does not say what {unexplained:?} is for").into());
    }
    let mut tests = String::new();
    for entry in fs::read_dir(workspace::root().join(TESTS))? {
        tests += &fs::read_to_string(entry?.path())?;
    }
    let statuses = header.split_whitespace().filter(|word| word.starts_with("EVLOG_E_"));
    let statuses =
        statuses.filter(|word| word.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'));
    let missing: Vec<&str> = statuses.chain(functions).filter(|name| !tests.contains(*name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no program in {TESTS} meets {missing:?}").into()) }
}

/// The functions that a header declares.
fn functions_in(header: &str) -> BTreeSet<&str> {
    let declarations = header.lines().filter(|line| line.starts_with(char::is_alphabetic));
    let names = declarations.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    names.filter(|name| name.starts_with("evlog_")).collect()
}

fn same(one: &str, ones: &BTreeSet<&str>, other: &str, others: &BTreeSet<&str>) -> Result<(), Failure> {
    let more: Vec<_> = ones.difference(others).collect();
    let less: Vec<_> = others.difference(ones).collect();
    if more.is_empty() && less.is_empty() {
        return Ok(());
    }
    Err(format!("{one}: {more:?} not in {other}; {other}: {less:?} missing there").into())
}

/// What a panic does, with a library that has an entry that panics.
fn panics(asked: &FfiTest, folder: &Path) -> Result<(), Failure> {
    let Built { shared, archive } = dist_c::build(&asked.profile, &["--features", "test-hooks"])?;
    let prefix = folder.join("with-hooks");
    dist_c::install(&Built { shared, archive }, &prefix)?;
    let programs = Programs::new(&prefix, folder)?;
    programs.run(&workspace::root().join(TESTS).join("panic.c"), Dialect::C99, Linking::Shared)?;
    programs.run_checked(&workspace::root().join(TESTS).join("panic.c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_a_header_are_found() {
        let header = "/** evlog_no(x) */\nint evlog_a(void);\nconst char *evlog_b(int a,\n    int evlog_c);\n#define evlog_d(x)\n";
        assert_eq!(functions_in(header).into_iter().collect::<Vec<_>>(), ["evlog_a", "evlog_b"]);
    }

    #[test]
    fn a_difference_names_what_is_missing() {
        let (one, two) = (BTreeSet::from(["a", "b"]), BTreeSet::from(["b", "c"]));
        let error = same("x", &one, "y", &two).unwrap_err().to_string();
        assert!(error.contains("[\"a\"] not in y") && error.contains("[\"c\"] missing"), "{error}");
        assert!(same("x", &one, "y", &one.clone()).is_ok());
    }
}
