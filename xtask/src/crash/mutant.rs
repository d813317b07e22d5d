//! A way to break the product on purpose: a patch whose first lines say what it breaks and who has to notice.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Failure};
use crate::workspace;

/// Where the patches are.
pub(crate) const FOLDER: &str = "xtask/mutants";

/// A patch and what it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// That of its file.
    pub(crate) name: String,
    /// The promises that it breaks; none where it only shows that the checkers are awake.
    pub(crate) promises: Vec<u8>,
    /// What the product then does.
    pub(crate) breaks: String,
    /// Who has to notice.
    pub(crate) red: Checker,
}

/// What is run to notice a mutant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Checker {
    /// `cargo xtask crash NAME`.
    Campaign(String),
    /// `cargo test --package PACKAGE -- FILTER`.
    Test {
        /// Name of the package.
        package: String,
        /// Part of the names of the tests.
        filter: String,
    },
}

impl fmt::Display for Mutant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promises: Vec<String> = self.promises.iter().map(ToString::to_string).collect();
        write!(out, "{} ({}): {}", self.name, promises.join(", "), self.breaks)
    }
}

impl fmt::Display for Checker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checker::Campaign(name) => write!(out, "crash {name}"),
            Checker::Test { package, filter } => write!(out, "test {package} {filter}"),
        }
    }
}

impl Mutant {
    /// All of them, by name.
    ///
    /// # Errors
    /// Where the first lines of a patch do not say what they should.
    pub(crate) fn all() -> Result<Vec<Mutant>, Failure> {
        let mut paths = Vec::new();
        for found in std::fs::read_dir(workspace::root().join(FOLDER))? {
            paths.push(found?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "patch"));
        paths.sort();
        paths.iter().map(|path| Mutant::read(path)).collect()
    }

    fn read(patch: &Path) -> Result<Mutant, Failure> {
        let text = std::fs::read_to_string(patch)?;
        let name = patch.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Mutant::parse(&name, &text).map_err(|wrong| format!("{}: {wrong}", patch.display()).into())
    }

    /// The mutant whose patch has this name and text.
    ///
    /// # Errors
    /// What is wrong with its first lines.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Mutant, String> {
        let head = text.split("\ndiff --git ").next().unwrap_or_default();
        let word = |key: &str| {
            let mut found = head.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            found.next().map(str::trim).ok_or(format!("has no line \"{key}: …\" before the patch"))
        };
        let numbers = word("promises")?.split(',').map(str::trim).filter(|number| !number.is_empty());
        let promises = numbers
            .map(|number| number.parse().map_err(|_| format!("{number:?} is no number of a promise")))
            .collect::<Result<_, _>>()?;
        let red = match word("red")?.split(' ').collect::<Vec<_>>()[..] {
            ["crash", name] => Checker::Campaign(name.to_owned()),
            ["test", package, filter] => {
                Checker::Test { package: package.to_owned(), filter: filter.to_owned() }
            }
            ref other => {
                return Err(format!("{:?} is neither crash NAME nor test PACKAGE FILTER", other.join(" ")));
            }
        };
        let breaks = word("breaks")?.to_owned();
        Ok(Mutant { name: name.to_owned(), promises, breaks, red })
    }

    fn patch(&self) -> PathBuf {
        workspace::root().join(FOLDER).join(format!("{}.patch", self.name))
    }

    /// Applies the patch to the copy of the workspace in `tree`.
    ///
    /// # Errors
    /// Where it does not apply: what it changes has changed since.
    pub(crate) fn apply_to(&self, tree: &Path) -> Result<(), Failure> {
        process::run(git_apply(tree).arg(self.patch()))
    }

    /// Says whether the patch applies.
    ///
    /// # Errors
    /// Where it does not.
    #[cfg(test)]
    pub(crate) fn apply_check(&self, tree: &Path) -> Result<(), Failure> {
        process::run(git_apply(tree).arg("--check").arg(self.patch()))
    }
}

fn git_apply(tree: &Path) -> Command {
    let mut git = Command::new("git");
    // The copy stands inside a repository that ignores it, and so would git.
    git.current_dir(tree).env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree)).arg("apply");
    git
}

impl Checker {
    /// What a run that failed said about it: the first case of a campaign that broke, or the tests that failed.
    pub(crate) fn verdict(&self, said: &str) -> Option<String> {
        match self {
            Checker::Campaign(_) => {
                said.lines().find_map(|line| line.strip_prefix("FAILED ")).map(str::to_owned)
            }
            Checker::Test { .. } => {
                let is_failed = said.contains("test result: FAILED");
                let names =
                    said.lines().filter_map(|line| line.strip_prefix("---- ")?.strip_suffix(" stdout ----"));
                is_failed.then(|| names.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "promises: 1, 20\nbreaks: a roll does not sync\nred: crash workloads\n\ndiff --git a/x b/x\n";

    #[test]
    fn the_first_lines_say_what_a_mutant_breaks_and_who_notices() {
        let mutant = Mutant::parse("m", PATCH).unwrap();
        assert_eq!(mutant.promises, [1, 20]);
        assert_eq!(mutant.to_string(), "m (1, 20): a roll does not sync");
        assert_eq!(mutant.red, Checker::Campaign("workloads".to_owned()));
    }

    #[test]
    fn what_they_do_not_say_is_asked_for() {
        let wrong = |from: &str, to: &str| Mutant::parse("m", &PATCH.replace(from, to)).unwrap_err();
        assert!(wrong("breaks: a", "breaks a").contains("\"breaks: …\""));
        assert!(wrong("1, 20", "1, twenty").contains("\"twenty\""));
        assert!(wrong("crash workloads", "crash").contains("neither"));
    }

    #[test]
    fn a_verdict_is_what_a_failed_run_says() {
        let campaign = Checker::Campaign("errors".to_owned());
        assert_eq!(
            campaign.verdict("x\nFAILED empty/0: promise 1: lost\n").unwrap(),
            "empty/0: promise 1: lost"
        );
        assert_eq!(campaign.verdict("error: could not compile"), None);
        let test = Checker::Test { package: "p".to_owned(), filter: "f".to_owned() };
        let said = "---- a::b stdout ----\nboom\ntest result: FAILED. 0 passed";
        assert_eq!(test.verdict(said).unwrap(), "a::b");
    }
}
