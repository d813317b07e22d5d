//! ARCHITECTURE.md lists the modules that exist, in the order of `lib.rs`.
//!
//! The table below `<!-- modules: CRATE -->` has the names of the modules in its first column, one or several a row.

use crate::tidy::source::Kind;
use crate::tidy::tables;
use crate::tidy::tree::{Finding, Package, Tree};

const DOCUMENT: &str = "ARCHITECTURE.md";
/// The crates that a reader needs a map for; others may have one.
const MAPPED: &[&str] = &["evlog-core", "evlog-store"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.files.get(DOCUMENT).map_or("", String::as_str);
    let tables = tables::marked(text, |mark| mark.starts_with("modules:"));
    let mut findings = Vec::new();
    for package in &tree.packages() {
        let table = tables.iter().find(|table| table.mark["modules:".len()..].trim() == package.name);
        if table.is_none() && !MAPPED.contains(&package.name.as_str()) {
            continue;
        }
        let listed: Vec<String> =
            table.iter().flat_map(|table| &table.rows).flat_map(|row| names_in(row.cells.first())).collect();
        let existing = modules(tree, package);
        if listed != existing {
            findings.push(Finding {
                file: DOCUMENT.into(),
                line: table.map_or(0, |table| table.line),
                what: format!(
                    "the modules of {} are {}; listed: {}",
                    package.name,
                    show(&existing),
                    show(&listed)
                ),
                mend: format!(
                    "below `<!-- modules: {} -->`, give each `mod` of its root file a row, in that order",
                    package.name
                ),
            });
        }
    }
    findings
}

fn modules(tree: &Tree, package: &Package) -> Vec<String> {
    let roots = ["lib.rs", "main.rs"].map(|root| format!("{}/src/{root}", package.folder));
    let root = roots.iter().find_map(|root| tree.sources.get(root));
    let items = root.into_iter().flat_map(|source| &source.definitions);
    let modules =
        items.filter(|item| item.kind == Kind::Module && item.place.scope.is_empty() && !item.place.in_tests);
    modules.map(|module| module.name.clone()).collect()
}

/// The names in a cell: `` `format/`, `storage.rs` `` gives format and storage.
fn names_in(cell: Option<&String>) -> Vec<String> {
    let quoted = cell.map_or("", String::as_str).split('`').skip(1).step_by(2);
    quoted.map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
}

fn show(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn found(map: &str) -> Vec<String> {
        places(&check(&tree(&[
            ("ARCHITECTURE.md", map),
            ("crates/evlog-core/Cargo.toml", ""),
            ("crates/evlog-sim/Cargo.toml", ""),
            ("crates/evlog-sim/src/lib.rs", "mod disk;"),
            (
                "crates/evlog-core/src/lib.rs",
                "mod error; pub mod format; mod log; #[cfg(test)] mod tests { mod x {} }",
            ),
        ])))
    }

    #[test]
    fn a_list_that_is_missing_or_wrong_is_found() {
        let map = |rows: &str| format!("<!-- modules: evlog-core -->\n| module | owns |\n|---|---|\n{rows}");
        assert_eq!(found(&map("| `error`, `format/` | x |\n| `log.rs` | `y` |")), Vec::<String>::new());
        assert_eq!(found(&map("| `error` | x |\n| `log` | y |")), ["ARCHITECTURE.md:1"]);
        assert_eq!(found(&map("| `format` | |\n| `error` | |\n| `log` | |")), ["ARCHITECTURE.md:1"]);
        assert_eq!(found(""), ["ARCHITECTURE.md:0"]);
        let sim = "<!-- modules: evlog-sim -->\n| module |\n|---|\n";
        assert_eq!(
            found(&map(&format!("| `error`, `format`, `log` |\n\n{sim}| `disk` |"))),
            Vec::<String>::new()
        );
        assert_eq!(found(&map(&format!("| `error`, `format`, `log` |\n\n{sim}"))), ["ARCHITECTURE.md:6"]);
    }
}
