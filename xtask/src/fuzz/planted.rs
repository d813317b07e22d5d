//! Bugs planted on purpose: a fuzz target that does not find the one made for it finds nothing.
//!
//! `fuzz/planted/TARGET.patch` changes the code so that a promise is broken that the target checks. It is applied to a
//! copy of the workspace, which is kept below `fuzz/target` so that the next time only what has changed is built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::build::{Build, Outcome, Run};
use super::shares;
use super::toolchain::Toolchain;
use crate::process::{self, Failure};
use crate::workspace;

/// Plants and looks for each bug.
///
/// # Errors
/// Where one is not found, and where a patch does not fit the code any more.
pub(super) fn run(toolchain: &Toolchain, targets: &[&'static str], budget: Duration) -> Result<(), Failure> {
    let place = workspace::root().join("fuzz/target/planted");
    let copy = place.join("workspace");
    let build = Build::of_copy(toolchain, copy.clone(), place.join("target"));
    let mut missed = Vec::new();
    println!("target          executions  seconds  result");
    for (target, share) in shares(targets, budget) {
        let patch = workspace::root().join("fuzz/planted").join(format!("{target}.patch"));
        renew(&copy)?;
        apply(&patch, &copy)?;
        build.make(&[target])?;
        if build.learned(target).exists() {
            std::fs::remove_dir_all(build.learned(target))?;
        }
        let Run { executions, took, outcome, .. } = build.fuzz(target, share)?;
        let result = match outcome {
            Outcome::Found(_) => "found",
            Outcome::Clean => {
                missed.push(target);
                "MISSED"
            }
        };
        let about = subject(&patch)?;
        println!("{target:14}  {executions:>10}  {:>7.1}  {result}: {about}", took.as_secs_f64());
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("fuzz: bugs missed by {}", missed.join(", ")).into()) }
}

/// Makes the copy the same as the workspace, but for what was built and found in it.
fn renew(copy: &Path) -> Result<(), Failure> {
    for file in workspace::files()? {
        // What once was found would be found again at once, by reading it.
        let is_wanted = !file.starts_with("fuzz/regressions/");
        let (from, to) = (workspace::root().join(&file), copy.join(&file));
        let bytes = std::fs::read(from)?;
        // An unchanged file keeps its time, so that it is not built again.
        if is_wanted && std::fs::read(&to).ok().as_ref() != Some(&bytes) {
            std::fs::create_dir_all(to.parent().unwrap_or(copy))?;
            std::fs::write(to, bytes)?;
        }
    }
    Ok(())
}

fn apply(patch: &Path, copy: &Path) -> Result<(), Failure> {
    let mut git = Command::new("git");
    // The copy is no repository, though it lies in one.
    git.current_dir(copy).env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy));
    git.arg("apply").arg(patch);
    process::run(&mut git).map_err(|error| {
        let patch: PathBuf = patch.strip_prefix(workspace::root()).unwrap_or(patch).into();
        format!("{} does not fit any more, make it anew: {error}", patch.display()).into()
    })
}

/// The first line of a patch says what is planted.
fn subject(patch: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(patch)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
