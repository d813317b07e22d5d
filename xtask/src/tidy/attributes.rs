//! Every exception to a lint says why, and unsafe code is forbidden wherever it is not the trade of the crate.

use crate::tidy::tree::{Finding, Tree};

/// The crate whose trade are raw pointers.
const UNSAFE: &str = "evlog-ffi";
/// The modules of it that do it for all others.
const UNSAFE_MODULES: &[&str] = &["boundary", "fork", "handle"];

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
    for package in tree.packages().iter().filter(|package| package.name == UNSAFE) {
        for (file, module, _) in tree.product_code(package) {
            if !module.first().is_some_and(|module| UNSAFE_MODULES.contains(&module.as_str())) {
                findings.extend(unsafe_code(file, &tree.files[file]));
            }
        }
    }
    findings
}

/// Unsafe code in a file; the attribute by which C finds a function is none.
fn unsafe_code<'a>(file: &'a str, text: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait"];
    let lines = (1..).zip(text.lines());
    lines.filter(move |(_, line)| forms.iter().any(|form| line.contains(form))).map(|(line, _)| Finding {
        file: file.into(),
        line,
        what: "unsafe code outside of the modules for it".into(),
        mend: format!("have one of {} do it, behind a function that is safe", UNSAFE_MODULES.join(", ")),
    })
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

    #[test]
    fn unsafe_code_outside_its_modules_is_found() {
        let text = "#[unsafe(no_mangle)]\nfn f() { unsafe { g() } }";
        let found = check(&tree(&[
            ("crates/evlog-ffi/Cargo.toml", ""),
            ("crates/evlog-ffi/src/lib.rs", "//! C."),
            ("crates/evlog-ffi/src/topic.rs", text),
            ("crates/evlog-ffi/src/boundary/memory.rs", text),
        ]));
        assert_eq!(places(&found), ["crates/evlog-ffi/src/topic.rs:2"]);
    }
}
