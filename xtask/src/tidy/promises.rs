//! docs/DURABILITY.md names, for each promise, what breaks it on purpose and who notices; and those mutants exist.
//!
//! The table below `<!-- promises -->` has a row for each promise and mutant, in the order of the promises and then of
//! the names; a promise without a mutant says so.

use crate::crash::mutant::{FOLDER, Mutant};
use crate::tidy::tables;
use crate::tidy::tree::{Finding, Tree};

const DOCUMENT: &str = "docs/DURABILITY.md";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut mutants = Vec::new();
    for (file, text) in &tree.files {
        let name = file.strip_prefix(FOLDER).and_then(|name| name.strip_prefix('/')?.strip_suffix(".patch"));
        let Some(name) = name else { continue };
        match Mutant::parse(name, text) {
            Ok(mutant) => mutants.push(mutant),
            Err(what) => findings.push(Finding {
                file: file.clone(),
                line: 1,
                what,
                mend: "begin with the lines promises:, breaks: and red:, and an empty one".into(),
            }),
        }
    }
    let text = tree.files.get(DOCUMENT).map_or("", String::as_str);
    findings.extend(check_table(text, &mutants));
    findings
}

fn check_table(text: &str, mutants: &[Mutant]) -> Option<Finding> {
    let wrong = |line, what, mend| Some(Finding { file: DOCUMENT.into(), line, what, mend });
    let tables = tables::marked(text, |mark| mark == "promises");
    let [table] = &tables[..] else {
        let what = format!("has {} tables below `<!-- promises -->`", tables.len());
        return wrong(0, what, "have one: promise, broken on purpose, then red".into());
    };
    let expected = expected_rows(promises_in(text), mutants);
    let found: Vec<String> = table.rows.iter().map(|row| format!("| {} |", row.cells.join(" | "))).collect();
    let differs = (0..expected.len().max(found.len())).find(|&at| expected.get(at) != found.get(at))?;
    let line = table.rows.get(differs).or(table.rows.last()).map_or(table.line, |row| row.line);
    match expected.get(differs) {
        Some(row) => wrong(line, "does not say what xtask/mutants say".into(), format!("write here: {row}")),
        None => wrong(line, "names what is not in xtask/mutants".into(), "remove the row".into()),
    }
}

/// How many promises the document makes: its list is numbered from 1.
fn promises_in(text: &str) -> u8 {
    let number = |line: &str| line.split_once(". **")?.0.parse().ok();
    text.lines().filter_map(number).max().unwrap_or(0)
}

fn expected_rows(promises: u8, mutants: &[Mutant]) -> Vec<String> {
    (1..=promises)
        .flat_map(|promise| {
            let broken = mutants.iter().filter(|mutant| mutant.promises.contains(&promise));
            let mut rows: Vec<String> = broken
                .map(|Mutant { name, breaks, red, .. }| {
                    format!("| {promise} | `{name}`: {breaks} | `{red}` |")
                })
                .collect();
            if rows.is_empty() {
                rows.push(format!("| {promise} | none yet |  |"));
            }
            rows
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    const PATCH: &str = "promises: 2\nbreaks: nothing works\nred: crash files\n\ndiff --git a/x b/x\n";

    fn found(patch: &str, rows: &str) -> Vec<String> {
        let document = format!(
            "1. **One.** x\n2. **Two.** y\n<!-- promises -->\n| promise | broken | red |\n|---|---|---|\n{rows}"
        );
        places(&check(&tree(&[(DOCUMENT, &document), ("xtask/mutants/m.patch", patch)])))
    }

    const ROWS: &str = "| 1 | none yet |  |\n| 2 | `m`: nothing works | `crash files` |";

    #[test]
    fn a_table_that_says_what_the_mutants_say_passes() {
        assert_eq!(found(PATCH, ROWS), Vec::<String>::new());
    }

    #[test]
    fn rows_that_differ_are_missing_or_are_too_many_are_found() {
        assert_eq!(found(PATCH, &ROWS.replace("nothing", "all")), ["docs/DURABILITY.md:7"]);
        assert_eq!(found(PATCH, "| 1 | none yet |  |"), ["docs/DURABILITY.md:6"]);
        assert_eq!(found(PATCH, &format!("{ROWS}\n| 3 | x | y |")), ["docs/DURABILITY.md:8"]);
    }

    #[test]
    fn a_patch_that_does_not_say_what_it_breaks_is_found() {
        let found = found(&PATCH.replace("breaks", "does"), ROWS);
        assert_eq!(found, ["xtask/mutants/m.patch:1", "docs/DURABILITY.md:7"]);
    }

    #[test]
    fn a_document_without_a_table_is_found() {
        assert_eq!(places(&check(&tree(&[(DOCUMENT, "1. **One.**")]))), ["docs/DURABILITY.md:0"]);
    }
}
