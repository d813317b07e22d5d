//! A module imports only modules written above it in `lib.rs` (or `main.rs`).
//!
//! So the root file reads as the architecture, and no circle can form. Tests are free: they may look at anything.

use std::collections::BTreeMap;

use crate::tidy::source::{Kind, NamedPath, Source};
use crate::tidy::tree::{Finding, Package, Tree, is_test_module};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.packages().iter().flat_map(|package| check_package(tree, package)).collect()
}

fn check_package(tree: &Tree, package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        let root_file = format!("{}/src/{root}", package.folder);
        let Some(source) = tree.sources.get(&root_file) else { continue };
        let order = Order::of(source);
        for (file, module, source) in tree.product_code(package) {
            let Some(own) = module.first().filter(|name| order.place(name).is_some()) else { continue };
            if is_test_module(&module) {
                continue;
            }
            for path in source.paths.iter().filter(|path| !path.place.in_tests) {
                findings.extend(order.judge(file, own, &module, path));
            }
        }
    }
    findings
}

/// What a root file declares.
struct Order {
    modules: Vec<String>,
    /// The root's re-exports: name, and the module it comes from.
    exports: BTreeMap<String, String>,
}

impl Order {
    fn of(root: &Source) -> Self {
        let at_root = |kind| {
            let items = root.definitions.iter().filter(move |item| item.kind == kind);
            items.filter(|item| item.place.scope.is_empty() && !item.place.in_tests)
        };
        let modules: Vec<String> = at_root(Kind::Module).map(|item| item.name.clone()).collect();
        let mut exports = BTreeMap::new();
        for path in root.paths.iter().filter(|path| path.place.scope.is_empty()) {
            let below = usize::from(matches!(path.segments[0].as_str(), "crate" | "self"));
            if let [module, .., name] = &path.segments[below..]
                && modules.contains(module)
            {
                exports.insert(path.alias.as_ref().unwrap_or(name).clone(), module.clone());
            }
        }
        Self { modules, exports }
    }

    fn place(&self, module: &str) -> Option<usize> {
        self.modules.iter().position(|name| name == module)
    }

    fn judge(&self, file: &str, own: &str, module: &[String], path: &NamedPath) -> Option<Finding> {
        let named = below_root(module, path)?;
        let finding = |what, mend| Some(Finding { file: file.into(), line: path.place.line, what, mend });
        let Some(target) = self.exports.get(named).map(String::as_str).or(self.place(named).map(|_| named))
        else {
            return finding(
                format!("`{}` does not say which module it comes from", path.segments.join("::")),
                format!("import `{named}` from the module that defines it, e.g. `crate::<module>::{named}`"),
            );
        };
        if self.place(target) <= self.place(own) {
            return None;
        }
        finding(
            format!("module `{own}` imports `{target}`, which stands below it in the root file"),
            format!(
                "move what `{own}` needs into a module above it, or hand it in as an argument; if `{target}` really \
                 is the more basic of the two, move its `mod` line above `mod {own}`"
            ),
        )
    }
}

/// The first name below the crate's root in `path`, as seen from `module`; none if the path does not start there.
fn below_root<'a>(module: &[String], path: &'a NamedPath) -> Option<&'a str> {
    let depth = module.len() + path.place.scope.len();
    let ups = path.segments.iter().take_while(|segment| *segment == "super").count();
    let below = match path.segments[0].as_str() {
        "crate" => 1,
        "super" if ups == depth => ups,
        _ => return None,
    };
    path.segments.get(below).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn findings(module: &str, text: &str) -> Vec<Finding> {
        let root =
            "mod error; mod high; mod low; pub use error::{Error, Kind as Cause}; pub use low::deep::Low;";
        let file = format!("crates/a/src/{module}.rs");
        check(&tree(&[("crates/a/Cargo.toml", ""), ("crates/a/src/lib.rs", root), (&file, text)]))
    }

    #[test]
    fn a_module_below_is_found() {
        let found = findings("high", "use crate::error::E;\nuse crate::low::deep::Low;");
        assert_eq!(places(&found), ["crates/a/src/high.rs:2"]);
        assert!(found[0].what.contains("module `high` imports `low`"), "{}", found[0]);
    }

    #[test]
    fn every_way_to_name_a_module_below_is_found() {
        for text in [
            "use super::low;",
            "fn f() { crate::low::g() }",
            "use crate::{error, low::*};",
            "mod inner { use super::super::low::x; }",
            "use crate::Low;",
            "use super::Low as L;",
            "fn f() { assert!(crate::low::g()) }",
        ] {
            assert_eq!(findings("high", text).len(), 1, "{text}");
        }
        assert_eq!(findings("high/inner", "use super::super::low::x;").len(), 1);
    }

    #[test]
    fn modules_above_own_modules_and_tests_pass() {
        let text =
            "use crate::{high, low::inner, Error, Cause}; use self::inner::A; mod inner { use super::B; }
            use super::error; #[cfg(test)] mod tests { use super::*; use crate::last::Z; }";
        assert_eq!(places(&findings("low", text)), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_hides_its_module_is_found() {
        assert!(findings("low", "use crate::*;")[0].what.contains("does not say which module"));
    }
}
