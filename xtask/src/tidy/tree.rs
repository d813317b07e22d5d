//! The files of the project in memory, and what rules say about them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::process::Failure;
use crate::tidy::source::Source;
use crate::workspace;

/// Every text file of the project, and the Rust files among them as their [`Source`].
/// Files that are not UTF-8 (segments kept as bytes) are none of a rule's business.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) sources: BTreeMap<String, Source>,
}

/// A package of the workspace.
pub(crate) struct Package {
    /// The last part of its folder, which is its name.
    pub(crate) name: String,
    pub(crate) folder: String,
}

/// What a rule found, and how to mend it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// From 1; 0 for the file as a whole.
    pub(crate) line: usize,
    pub(crate) what: String,
    pub(crate) mend: String,
}

impl Tree {
    pub(crate) fn load() -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        for name in workspace::files()? {
            if let Ok(text) = String::from_utf8(std::fs::read(workspace::root().join(&name))?) {
                files.insert(name, text);
            }
        }
        Ok(Self::new(files)?)
    }

    /// # Errors
    /// Where a Rust file cannot be read as Rust.
    pub(crate) fn new(files: BTreeMap<String, String>) -> Result<Self, String> {
        let mut sources = BTreeMap::new();
        let is_rust = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "rs");
        for (name, text) in files.iter().filter(|(name, _)| is_rust(name)) {
            sources.insert(name.clone(), Source::read(text).map_err(|error| format!("{name} {error}"))?);
        }
        Ok(Self { files, sources })
    }

    /// The packages that have a folder `src`, by name.
    pub(crate) fn packages(&self) -> Vec<Package> {
        let manifests = self.files.keys().filter_map(|name| name.strip_suffix("/Cargo.toml"));
        let packages = manifests.map(|folder| Package {
            name: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
            folder: folder.to_owned(),
        });
        packages.filter(|package| self.product_code(package).next().is_some()).collect()
    }

    /// The Rust files below the package's `src`, each with its module path (`["segment", "writer"]`; empty for the root).
    pub(crate) fn product_code<'a>(
        &'a self,
        package: &Package,
    ) -> impl Iterator<Item = (&'a str, Vec<String>, &'a Source)> + use<'a> {
        let folder = format!("{}/src/", package.folder);
        self.sources.iter().filter_map(move |(name, source)| {
            let below = name.strip_prefix(&folder)?.strip_suffix(".rs")?;
            let mut module: Vec<String> = below.split('/').map(String::from).collect();
            if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
                module.pop();
            }
            Some((name.as_str(), module, source))
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what, .. } = self;
        match line {
            0 => write!(f, "{file}: {what}"),
            _ => write!(f, "{file}:{line}: {what}"),
        }
    }
}

/// Whether everything in this module is for tests: `tests.rs`, `tests/…`.
pub(crate) fn is_test_module(module: &[String]) -> bool {
    module.iter().any(|name| name == "tests")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree of these files, for the tests of rules.
    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        Tree::new(files.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()).unwrap()
    }

    /// `file:line` of each finding.
    pub(crate) fn places(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{}:{}", finding.file, finding.line)).collect()
    }

    #[test]
    fn files_know_their_modules() {
        let tree = tree(&[
            ("crates/a/Cargo.toml", ""),
            ("crates/a/src/lib.rs", ""),
            ("crates/a/src/b/mod.rs", ""),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/tests/it/main.rs", ""),
            ("crates/none/Cargo.toml", ""),
        ]);
        let packages = tree.packages();
        assert_eq!(packages.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["a"]);
        let modules: Vec<_> =
            tree.product_code(&packages[0]).map(|(_, module, _)| module.join("::")).collect();
        assert_eq!(modules, ["b::c", "b", ""]);
    }

    #[test]
    fn a_file_that_is_not_rust_is_named() {
        let error = Tree::new([("a.rs".into(), "fn f( {".into())].into()).err().unwrap();
        assert!(error.starts_with("a.rs is not Rust"), "{error}");
    }
}
