//! Files and functions that nobody can take in at one look.

use crate::tidy::source::Kind;
use crate::tidy::tree::{Finding, Tree};

/// Lines of a file, its tests included. Most files should have 100 to 300.
const FILE: usize = 500;
/// Lines of a function. Most should fit on a screen.
const FUNCTION: usize = 100;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        for (file, _, source) in tree.product_code(&package) {
            let lines = tree.files[file].lines().count();
            if lines > FILE {
                findings.push(Finding {
                    file: file.into(),
                    line: 0,
                    what: format!("has {lines} lines, more than {FILE}"),
                    mend: "split it where its sentences change the subject: a second idea gets a module of its own \
                           beside it; long tests move to `tests.rs` below it or to tests/it"
                        .into(),
                });
            }
            let functions = source.definitions.iter().filter(|item| item.kind == Kind::Function);
            findings.extend(functions.filter(|function| function.lines > FUNCTION).map(|function| {
                Finding {
                    file: file.into(),
                    line: function.place.line,
                    what: format!("`{}` has {} lines, more than {FUNCTION}", function.name, function.lines),
                    mend:
                        "give its steps names: each comment that heads a paragraph is the name of a function"
                            .into(),
                }
            }));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn found(text: &str) -> Vec<String> {
        places(&check(&tree(&[("crates/a/Cargo.toml", ""), ("crates/a/src/lib.rs", text)])))
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(found(&"//\n".repeat(501)), ["crates/a/src/lib.rs:0"]);
        assert_eq!(found(&"//\n".repeat(500)), Vec::<String>::new());
    }

    #[test]
    fn a_long_function_is_found() {
        let function = |lines: usize| format!("\nfn f() {{{}}}", "\n".repeat(lines - 1));
        assert_eq!(found(&function(101)), ["crates/a/src/lib.rs:2"]);
        assert_eq!(found(&function(100)), Vec::<String>::new());
    }
}
