//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! A rule is a function from the files of the project to what it finds wrong. Each finding says where, what, and how
//! to mend it; each rule has a test that shows it finding something.

mod source;
mod tree;
mod tables;
mod module_order;
mod disk;
mod names;
mod manifests;
mod layouts;
mod attributes;
mod sizes;
mod leaks;
mod code_map;
mod parity;
mod promises;

use crate::process::Failure;
use crate::tidy::tree::{Finding, Tree};

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("modules import only what stands above them", module_order::check),
    ("only the doors touch the disk, the clock and the locks", disk::check),
    ("one word, one meaning", names::check),
    ("every dependency says what for", manifests::check_comments),
    ("crates depend only downwards", manifests::check_levels),
    ("FORMAT.md and the code state the same bytes", layouts::check),
    ("every exception has a reason", attributes::check),
    ("files and functions stay small", sizes::check),
    ("nothing of this machine is committed", leaks::check),
    ("ARCHITECTURE.md shows the modules that exist", code_map::check),
    ("PARITY.md names the tests that exist", parity::check),
    ("DURABILITY.md names what breaks each promise", promises::check),
];

/// Applies every rule to every file of the workspace.
///
/// # Errors
/// Where a rule found something; all findings have been printed by then.
pub(crate) fn run() -> Result<(), Failure> {
    let tree = Tree::load()?;
    let mut count = 0;
    for (rule, check) in RULES {
        let mut findings = check(&tree);
        // A line that does one thing wrong twice says so once.
        findings.dedup();
        println!("{} {rule}", if findings.is_empty() { "ok  " } else { "FAIL" });
        for same_mend in findings.chunk_by(|one, next| one.mend == next.mend) {
            for finding in same_mend {
                println!("     {finding}");
            }
            println!("       mend: {}", same_mend[0].mend);
        }
        count += findings.len();
    }
    if count == 0 { Ok(()) } else { Err(format!("tidy: {count} to mend").into()) }
}
