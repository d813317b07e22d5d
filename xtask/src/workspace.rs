//! Where the workspace is, and which files belong to it.

use std::path::Path;
use std::process::Command;

use crate::process::{self, Failure};

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Every file that git tracks or would track, as paths below the root, sorted.
/// Files that are new and not yet added count: a rule should speak up before the commit, not after it.
pub(crate) fn files() -> Result<Vec<String>, Failure> {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listing = process::stdout_of(&mut git)?;
    let mut files: Vec<String> =
        listing.split('\0').filter(|name| !name.is_empty()).map(String::from).collect();
    files.retain(|name| root().join(name).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// The commit that is checked out, as a hexadecimal number.
pub(crate) fn revision() -> Result<String, Failure> {
    let mut git = Command::new("git");
    process::stdout_of(git.current_dir(root()).args(["rev-parse", "HEAD"]))
}

/// The cargo that runs this chore, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root());
    cargo
}
