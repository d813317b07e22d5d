//! The nightly compiler that the fuzz targets are built with.

use std::process::{Command, Stdio};

/// What to do where there is none.
pub(super) const MISSING: &str =
    "there is no nightly compiler: rustup toolchain install nightly --profile minimal";

/// An installed nightly compiler.
#[derive(Debug)]
pub(super) struct Toolchain {
    name: String,
    /// What it builds for.
    host: String,
}

impl Toolchain {
    /// The newest one that works, if there is one.
    pub(super) fn nightly() -> Option<Toolchain> {
        let listing = stdout_of(Command::new("rustup").args(["toolchain", "list"]))?;
        nightlies(&listing).into_iter().find_map(|name| {
            let version = stdout_of(Command::new("rustup").args(["run", &name, "rustc", "-vV"]))?;
            let host = version.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned();
            Some(Toolchain { name, host })
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Cargo with this compiler, whatever compiler this chore was built with.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = Command::new("rustup");
        cargo.args(["run", &self.name, "cargo"]);
        // These would go before what is asked for below.
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTC").env_remove("RUSTC_WRAPPER");
        cargo
    }
}

/// What the command writes, if it succeeds. That there is no rustup, or no such compiler, is no error here.
fn stdout_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

/// The names of the nightly compilers in a listing, the plain one first, then those with a date, the newest first.
fn nightlies(listing: &str) -> Vec<String> {
    let names = listing.lines().filter_map(|line| line.split_whitespace().next());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("nightly-")).map(str::to_owned).collect();
    // Letters come behind digits.
    names.sort_unstable_by(|one, other| other.cmp(one));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_nightly_goes_before_those_with_a_date() {
        let listing = "stable-x86_64-unknown-linux-gnu (default)\nnightly-2025-01-31-x86_64-unknown-linux-gnu\n\
                       nightly-x86_64-unknown-linux-gnu\nnightly-2026-02-01-x86_64-unknown-linux-gnu (active)\n";
        assert_eq!(
            nightlies(listing),
            [
                "nightly-x86_64-unknown-linux-gnu",
                "nightly-2026-02-01-x86_64-unknown-linux-gnu",
                "nightly-2025-01-31-x86_64-unknown-linux-gnu"
            ]
        );
        assert!(nightlies("no installed toolchains\n").is_empty());
    }
}
