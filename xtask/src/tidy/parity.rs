//! docs/PARITY.md names, for each ability of the original, the tests that stand for it; and those tests exist.
//!
//! A table below `<!-- parity: FOLDER MODULE -->` names them in its second column, as `module::test`, from the
//! root file of the test binary in FOLDER. All tests of MODULE stand in it.

use std::collections::BTreeMap;

use crate::tidy::source::Kind;
use crate::tidy::tables::{self, Table};
use crate::tidy::tree::{Finding, Tree};

const DOCUMENT: &str = "docs/PARITY.md";

/// The tests of one binary by their path, each with its file and line.
type Tests<'a> = BTreeMap<String, (&'a str, usize)>;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.files.get(DOCUMENT).map_or("", String::as_str);
    let tables = tables::marked(text, |mark| mark.starts_with("parity:"));
    if tables.is_empty() {
        let what = "has no table below `<!-- parity: FOLDER MODULE -->`".into();
        let mend = "list each ability of the original with the tests that stand for it".into();
        return vec![Finding { file: DOCUMENT.into(), line: 0, what, mend }];
    }
    tables.iter().flat_map(|table| check_table(tree, table)).collect()
}

fn check_table(tree: &Tree, table: &Table) -> Vec<Finding> {
    let mut words = table.mark["parity:".len()..].split_whitespace();
    let (folder, module) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let tests = tests_below(tree, folder);
    let mut findings = Vec::new();
    let mut named = Vec::new();
    for row in &table.rows {
        let listed = quoted(row.cells.get(1));
        let missing: Vec<&String> = listed.iter().filter(|name| !tests.contains_key(*name)).collect();
        let what = match missing.as_slice() {
            [] if listed.is_empty() => "an ability without a test".into(),
            [] => String::new(),
            [name, ..] => format!("there is no test `{name}` in {folder}"),
        };
        if !what.is_empty() {
            let mend =
                "name the tests that stand for the ability, as `module::test`; write those that are missing";
            findings.push(Finding { file: DOCUMENT.into(), line: row.line, what, mend: mend.into() });
        }
        named.extend(listed);
    }
    let own = tests.iter().filter(|(name, _)| name.split("::").next() == Some(module));
    for (name, (file, line)) in own.filter(|(name, _)| !named.contains(name)) {
        findings.push(Finding {
            file: (*file).into(),
            line: *line,
            what: format!("`{name}` stands for no ability in {DOCUMENT}"),
            mend: format!("name it in the table of {DOCUMENT}, or move it to the tests of another module"),
        });
    }
    findings
}

fn tests_below<'a>(tree: &'a Tree, folder: &str) -> Tests<'a> {
    let mut tests = Tests::new();
    for (file, source) in &tree.sources {
        let Some(below) = file.strip_prefix(folder).and_then(|below| below.strip_prefix('/')) else {
            continue;
        };
        let below = below.strip_suffix(".rs").unwrap_or(below);
        let mut module: Vec<&str> = below.split('/').collect();
        if matches!(module.last(), Some(&("mod" | "main"))) {
            module.pop();
        }
        let functions = source.definitions.iter().filter(|item| item.kind == Kind::Function);
        for test in functions.filter(|function| function.place.in_tests) {
            let scope = test.place.scope.iter().map(String::as_str);
            let path: Vec<&str> = module.iter().copied().chain(scope).chain([test.name.as_str()]).collect();
            tests.insert(path.join("::"), (file, test.place.line));
        }
    }
    tests
}

/// The names in a cell: `` `a::b`, `c` `` gives both.
fn quoted(cell: Option<&String>) -> Vec<String> {
    cell.map_or("", String::as_str).split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn found(rows: &str) -> Vec<String> {
        let list = format!("<!-- parity: crates/a/tests/it list -->\n| ability | tests |\n|---|---|\n{rows}");
        places(&check(&tree(&[
            (DOCUMENT, &list),
            ("crates/a/tests/it/list.rs", "#[test] fn one() {}\nfn no_test() {}"),
            ("crates/a/tests/it/list/deep.rs", "\n#[test]\nfn two() {}"),
            ("crates/a/tests/it/other.rs", "#[test] fn three() {}"),
            ("crates/b/tests/it/list.rs", "#[test] fn four() {}"),
        ])))
    }

    const RIGHT: &str = "| x | `list::one` |\n| y | `list::deep::two`, `other::three` |";

    #[test]
    fn tests_that_exist_and_are_named_pass() {
        assert_eq!(found(RIGHT), Vec::<String>::new());
    }

    #[test]
    fn a_name_without_a_test_is_found() {
        for name in ["list::deep::three", "list::no_test", "list::four", "one", ""] {
            assert_eq!(found(&format!("{RIGHT}\n| z | `{name}` |")), ["docs/PARITY.md:6"], "{name}");
        }
    }

    #[test]
    fn an_ability_without_a_test_is_found() {
        assert_eq!(found(&format!("{RIGHT}\n| z | |")), ["docs/PARITY.md:6"]);
        assert_eq!(found(&format!("{RIGHT}\n| z | none |")), ["docs/PARITY.md:6"]);
    }

    #[test]
    fn a_test_that_is_not_named_is_found() {
        assert_eq!(found("| x | `list::one` |"), ["crates/a/tests/it/list/deep.rs:3"]);
        assert_eq!(found("| x | `list::deep::two` |"), ["crates/a/tests/it/list.rs:1"]);
    }

    #[test]
    fn a_list_without_a_table_is_found() {
        assert_eq!(places(&check(&tree(&[(DOCUMENT, "nothing")]))), ["docs/PARITY.md:0"]);
        assert_eq!(places(&check(&tree(&[]))), ["docs/PARITY.md:0"]);
    }
}
