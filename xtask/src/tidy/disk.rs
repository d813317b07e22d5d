//! Who may touch the disk, the clock, the locks: only the modules made for it.
//!
//! `clippy.toml` in each crate forbids the functions by name; this rule forbids the import, and so also what clippy's
//! lists do not name. A door that clippy cannot describe (a whole crate, a module of it) stands here alone.

use crate::tidy::source::NamedPath;
use crate::tidy::tree::{Finding, Tree, is_test_module};

/// In `package`, everything below `path` but `harmless` may be named in `module` alone (in no module where it is empty).
struct Door {
    package: &'static str,
    path: &'static str,
    harmless: &'static [&'static str],
    module: &'static str,
}

const DOORS: &[Door] = &[
    door("evlog-core", "std::fs", "storage"),
    door("evlog-core", "rustix", "storage"),
    door("evlog-core", "nix", "storage"),
    door("evlog-core", "std::time::Instant", "storage"),
    door("evlog-core", "std::time::SystemTime", "storage"),
    // Waiting for a lock; clippy.toml forbids starting a thread there too.
    door("evlog-core", "std::thread", "storage"),
    // The environment belongs to whoever uses the log.
    door("evlog-core", "std::env", ""),
    door("evlog-store", "std::fs", ""),
    door("evlog-store", "rustix", ""),
    door("evlog-store", "nix", ""),
    door("evlog-store", "std::env", ""),
    door("evlog-store", "std::time::Instant", "clock"),
    door("evlog-store", "std::time::SystemTime", "clock"),
    // An `Arc` only counts references: it is no place where threads meet.
    Door { harmless: &["std::sync::Arc", "std::sync::Weak"], ..door("evlog-store", "std::sync", "sync") },
    door("evlog-store", "core::sync", "sync"),
    door("evlog-store", "parking_lot", "sync"),
    door("evlog-store", "crossbeam_channel", "sync"),
    door("evlog-store", "crossbeam_utils", "sync"),
    door("evlog-store", "loom", "sync"),
    door("evlog-store", "shuttle", "sync"),
    door("evlog-ffi", "std::fs", ""),
    door("evlog-ffi", "rustix", ""),
    door("evlog-ffi", "nix", ""),
    door("evlog-ffi", "std::env", ""),
];

const fn door(package: &'static str, path: &'static str, module: &'static str) -> Door {
    Door { package, path, harmless: &[], module }
}

impl Door {
    fn forbids(&self, path: &NamedPath) -> bool {
        let is_glob = path.segments.last().is_some_and(|last| last == "*");
        let is_harmless = !is_glob && self.harmless.iter().any(|fine| is_below(&path.segments, fine));
        is_below(&path.segments, self.path) && !is_harmless
    }

    fn mend(&self) -> String {
        match self.module {
            "" => format!(
                "`{}` has no business there: have the caller hand it in, as the storage is",
                self.package
            ),
            module => {
                format!("go through module `{module}`, the only one that may; give it the function you miss")
            }
        }
    }
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        for (file, module, source) in
            tree.product_code(&package).filter(|(_, module, _)| !is_test_module(module))
        {
            let own = module.first().map_or("", String::as_str);
            let shut: Vec<&Door> = DOORS
                .iter()
                .filter(|it| it.package == package.name && (it.module.is_empty() || it.module != own))
                .collect();
            for path in source.paths.iter().filter(|path| !path.place.in_tests) {
                findings.extend(shut.iter().filter(|door| door.forbids(path)).map(|door| Finding {
                    file: file.into(),
                    line: path.place.line,
                    what: format!("`{}` in module `{own}` of {}", path.segments.join("::"), package.name),
                    mend: door.mend(),
                }));
            }
        }
    }
    findings
}

/// Whether `segments` names `path`, something in it, or everything beside it with a glob.
fn is_below(segments: &[String], path: &str) -> bool {
    let mut path = path.split("::");
    segments.iter().all(|segment| path.next().is_none_or(|part| part == segment || segment == "*"))
        && (path.next().is_none() || segments.last().is_some_and(|last| last == "*"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn found(package: &str, module: &str, text: &str) -> Vec<String> {
        let manifest = format!("crates/{package}/Cargo.toml");
        let file = format!("crates/{package}/src/{module}.rs");
        places(&check(&tree(&[(&manifest, ""), (&file, text)])))
    }

    #[test]
    fn the_disk_is_reached_through_storage_alone() {
        let text =
            "use std::{io, fs::File};\nuse rustix::fs::fsync;\nfn f() { std::fs::write(a, b) }\nuse nix::*;";
        let file = "crates/evlog-core/src/log.rs";
        assert_eq!(found("evlog-core", "log", text), [1, 2, 3, 4].map(|line| format!("{file}:{line}")));
        assert_eq!(found("evlog-core", "storage", text), Vec::<String>::new());
        assert_eq!(found("evlog-core", "storage/file", text), Vec::<String>::new());
        assert_eq!(found("evlog-cli", "main", text), Vec::<String>::new());
    }

    #[test]
    fn a_glob_over_the_door_is_found() {
        assert_eq!(found("evlog-ffi", "lib", "use std::*;").len(), 2);
        assert_eq!(found("evlog-ffi", "lib", "use std::io::*;"), Vec::<String>::new());
    }

    #[test]
    fn locks_and_atomics_come_from_sync_alone() {
        let text =
            "use std::sync::{Arc, Mutex};\nuse std::sync::atomic::AtomicU64;\nuse parking_lot::Mutex as M;";
        assert_eq!(found("evlog-store", "topic", text).len(), 3);
        assert_eq!(found("evlog-store", "sync", text), Vec::<String>::new());
        assert_eq!(found("evlog-store", "topic", "use std::sync::Arc;"), Vec::<String>::new());
        assert_eq!(found("evlog-store", "topic", "use std::sync::*;").len(), 1);
    }

    #[test]
    fn the_clock_is_read_in_clock_alone() {
        let text = "fn f() { std::time::Instant::now(); } use std::time::Duration;";
        assert_eq!(found("evlog-store", "committer", text).len(), 1);
        assert_eq!(found("evlog-store", "clock", text), Vec::<String>::new());
        assert_eq!(found("evlog-core", "log", text).len(), 1);
        assert_eq!(found("evlog-core", "log", "fn f() { std::thread::yield_now() }").len(), 1);
        assert_eq!(found("evlog-core", "log", "fn f() { std::env::args() }").len(), 1);
    }

    #[test]
    fn tests_may_touch_everything() {
        assert_eq!(
            found("evlog-core", "log", "#[cfg(test)] mod tests { use std::fs; }"),
            Vec::<String>::new()
        );
        assert_eq!(found("evlog-core", "log/tests", "use std::fs;"), Vec::<String>::new());
    }
}
