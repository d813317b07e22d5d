//! Every exception to a lint says why, and unsafe code is forbidden wherever it is not the trade of the crate.

use crate::tidy::tree::{Finding, Tree};

/// The crate whose trade are raw pointers.
const UNSAFE: &str = "evlog-ffi";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in &tree.sources {
        for level in source.lint_levels.iter().filter(|level| !level.has_reason) {
            findings.push(Finding {
                file: file.clone(),
                line: level.line,
                what: format!("`#[{}]` without a reason", level.level),
                mend: "add `reason = \"..\"`: why the lint is wrong here (and prefer `expect` to `allow`)"
                    .into(),
            });
        }
    }
    for package in tree.packages().iter().filter(|package| package.name != UNSAFE) {
        let roots = ["lib.rs", "main.rs"].map(|root| format!("{}/src/{root}", package.folder));
        for root in
            roots.iter().filter(|root| tree.sources.get(*root).is_some_and(|source| !source.forbids_unsafe))
        {
            findings.push(Finding {
                file: root.clone(),
                line: 0,
                what: "unsafe code is not forbidden".into(),
                mend: "add `#![forbid(unsafe_code)]` below the crate's documentation".into(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    #[test]
    fn an_exception_without_a_reason_is_found_anywhere() {
        let text = "#[allow(dead_code)] fn f() {}\n#[expect(dead_code, reason = \"kept\")] fn g() {}";
        let found = check(&tree(&[("fuzz/fuzz_targets/a.rs", text)]));
        assert_eq!(places(&found), ["fuzz/fuzz_targets/a.rs:1"]);
    }

    #[test]
    fn a_crate_that_does_not_forbid_unsafe_code_is_found() {
        let found = check(&tree(&[
            ("crates/a/Cargo.toml", ""),
            ("crates/a/src/lib.rs", "//! A."),
            ("crates/b/Cargo.toml", ""),
            ("crates/b/src/lib.rs", "#![forbid(unsafe_code)]"),
            ("crates/evlog-ffi/Cargo.toml", ""),
            ("crates/evlog-ffi/src/lib.rs", "//! C."),
        ]));
        assert_eq!(places(&found), ["crates/a/src/lib.rs:0"]);
    }
}
