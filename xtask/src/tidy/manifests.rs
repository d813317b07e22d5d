//! Dependencies: each says what for, and those among the project's own crates point downwards only.

use crate::tidy::tree::{Finding, Tree};

/// The crates from the ground up; each may depend on those of a lower level.
const LEVELS: &[(&str, u8)] = &[
    ("evlog-core", 0),
    ("evlog-store", 1),
    // The store is tested on it, so it knows nothing of the store.
    ("evlog-sim", 1),
    ("evlog-cli", 2),
    ("evlog-ffi", 2),
    ("evlog-nats", 2),
    ("benches", CHORES),
    ("peers", CHORES),
    ("fuzz", CHORES),
    ("xtask", CHORES),
];

/// The level of what is no part of the product.
const CHORES: u8 = 3;

/// What the product never depends on, however low it stands: tests and chores may.
const FOR_TESTS: &[&str] = &["evlog-sim"];

/// A line of a manifest that asks for another crate.
#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    line: usize,
    table: Table,
    has_comment: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Product,
    Tests,
    /// `[workspace.dependencies]`: asked for by nobody yet.
    Workspace,
}

pub(crate) fn check_comments(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in manifests(tree) {
        let silent = dependencies(text).into_iter().filter(|dependency| !dependency.has_comment);
        findings.extend(silent.map(|Dependency { name, line, .. }| Finding {
            file: file.into(),
            line,
            what: format!("`{name}` does not say what for"),
            mend: "write a comment on the line above: what this crate is needed for".into(),
        }));
    }
    findings
}

pub(crate) fn check_levels(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in manifests(tree) {
        let package = file.strip_suffix("/Cargo.toml").and_then(|folder| folder.rsplit('/').next());
        let Some(level) = package.and_then(level_of) else { continue };
        for Dependency { name, line, table, .. } in dependencies(text) {
            let Some(below) = level_of(&name).filter(|_| table == Table::Product) else { continue };
            let may_use = level == CHORES || !FOR_TESTS.contains(&name.as_str());
            if below < level && may_use {
                continue;
            }
            findings.push(Finding {
                file: file.into(),
                line,
                what: format!("{} depends on `{name}`, which is not below it", package.unwrap_or(file)),
                mend: "have it handed in from above (cli, ffi, nats, benches -> store -> core, sim -> core); evlog-sim, \
                       for tests only, belongs under [dev-dependencies]"
                    .into(),
            });
        }
    }
    findings
}

fn level_of(package: &str) -> Option<u8> {
    LEVELS.iter().find(|(name, _)| *name == package).map(|(_, level)| *level)
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let files = tree.files.iter().filter(|(name, _)| *name == "Cargo.toml" || name.ends_with("/Cargo.toml"));
    files.map(|(name, text)| (name.as_str(), text.as_str()))
}

/// The dependencies of a manifest. Its lines are simple enough to be read as lines: a table's name in brackets, then
/// one `name = ..` or `name.workspace = true` a line; a line that continues a list begins with no name.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut table = None;
    let mut before = "";
    for (line, text) in (1..).zip(manifest.lines().map(str::trim)) {
        let has_comment = before.starts_with('#') || text.contains(" # ");
        if let Some(header) = text.strip_prefix('[').and_then(|rest| rest.split(']').next())
            && text.ends_with(']')
        {
            let (kind, name) = table_of(header);
            table = kind.filter(|_| name.is_none());
            if let (Some(table), Some(name)) = (kind, name) {
                found.push(Dependency { name, line, table, has_comment });
            }
        } else if let (Some(table), Some(name)) = (table, key_of(text)) {
            found.push(Dependency { name: name.into(), line, table, has_comment });
        }
        before = text;
    }
    found
}

/// Which dependencies a table holds; the name, where the table itself is one (`[dependencies.clap]`).
fn table_of(header: &str) -> (Option<Table>, Option<String>) {
    // The last two parts, of which the condition in `[target.'cfg(a.b)'.dependencies]` is none.
    let parts: Vec<&str> = header.rsplitn(3, '.').collect();
    let kind = |part: &str| match part {
        "dependencies" if header.starts_with("workspace.") => Some(Table::Workspace),
        "dependencies" | "build-dependencies" => Some(Table::Product),
        "dev-dependencies" => Some(Table::Tests),
        _ => None,
    };
    match parts.as_slice() {
        [last, ..] if kind(last).is_some() => (kind(last), None),
        [name, table, ..] => (kind(table), Some((*name).to_owned())),
        _ => (None, None),
    }
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let name = key.trim().split('.').next()?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    #[test]
    fn a_dependency_without_a_comment_is_found() {
        let text = "[package]\nname = \"a\"\n[dependencies]\n# What for.\na = \"1\"\nb.workspace = true\n\n\
            c = { version = \"1\", features = [\n  \"x=y\",\n] }\nd = \"1\" # What for.\n\
            [dev-dependencies.e]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nf = \"1\"\n[features]\ng = []\n";
        let found = check_comments(&tree(&[("crates/a/Cargo.toml", text)]));
        assert_eq!(places(&found), [6, 8, 12, 15].map(|line| format!("crates/a/Cargo.toml:{line}")));
        assert_eq!(check_comments(&tree(&[("Cargo.toml", "[workspace.dependencies]\nx = \"1\"")])).len(), 1);
    }

    #[test]
    fn a_dependency_upwards_is_found() {
        for (package, name) in [
            ("crates/evlog-core", "evlog-store"),
            ("crates/evlog-store", "evlog-store"),
            ("crates/evlog-cli", "evlog-ffi"),
            ("crates/evlog-cli", "evlog-sim"),
            ("crates/evlog-ffi", "evlog-sim"),
            ("crates/evlog-store", "evlog-sim"),
            ("crates/evlog-sim", "evlog-store"),
            ("crates/evlog-sim", "xtask"),
        ] {
            let manifest = format!("{package}/Cargo.toml");
            let text = format!("[dependencies]\n{name}.workspace = true");
            assert_eq!(
                places(&check_levels(&tree(&[(&manifest, &text)]))),
                [format!("{manifest}:2")],
                "{name}"
            );
        }
    }

    #[test]
    fn dependencies_downwards_and_those_of_tests_pass() {
        let core = "[dev-dependencies]\nevlog-sim = { path = \"../evlog-sim\" }";
        let store = "[dependencies]\nevlog-core.workspace = true\nserde = \"1\"";
        let root = "[workspace.dependencies]\nevlog-store = { path = \"crates/evlog-store\" }";
        let xtask = "[dependencies]\nevlog-sim.workspace = true";
        let tree = tree(&[
            ("Cargo.toml", root),
            ("crates/evlog-core/Cargo.toml", core),
            ("crates/evlog-store/Cargo.toml", store),
            ("xtask/Cargo.toml", xtask),
        ]);
        assert_eq!(places(&check_levels(&tree)), Vec::<String>::new());
    }
}
