//! The peers: a program of their own, in a workspace of its own, built with whatever of them can be built.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::programs::{self, Kind, Subject};
use crate::process::{self, Failure};
use crate::workspace;

/// Peers that are there, and those that are not, each with the reason.
pub(super) struct Peers {
    pub(super) subjects: Vec<Subject>,
    pub(super) missing: Vec<(String, String)>,
}

/// What is not built unless the machine has a RocksDB.
const OPTIONAL: &str = "rocksdb";

/// Builds what can be built.
///
/// # Errors
/// Where not even the program without a peer can be built.
pub(super) fn build() -> Result<Peers, Failure> {
    let manifest = folder().join("Cargo.toml");
    let features = features_of(&std::fs::read_to_string(&manifest)?);
    eprintln!("building the peers: {}", features.join(", "));
    let mut missing = Vec::new();
    let mut wanted = features;
    if let Err(why) = compile(&wanted) {
        eprintln!("not all of them can be built ({why}): one by one");
        wanted.retain(|feature| match compile(std::slice::from_ref(feature)) {
            Ok(()) => true,
            Err(why) => {
                missing.push((feature.clone(), format!("cannot be built: {why}")));
                false
            }
        });
        compile(&wanted)?;
    }
    let program = target().join("release/evlog-peers");
    let mut subjects = programs::subjects(&program, |_| Kind::Peer)?;
    let lock = std::fs::read_to_string(folder().join("Cargo.lock"))?;
    for subject in &mut subjects {
        subject.version = subject.version.take().and_then(|package| version_of(&lock, &package));
    }
    Ok(Peers { subjects, missing })
}

fn folder() -> PathBuf {
    workspace::root().join("benches/peers")
}

fn target() -> PathBuf {
    folder().join("target")
}

/// The features of a manifest that each bring a peer: all but `default`.
fn features_of(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    let names = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    names
        .map(|(name, _)| name.to_owned())
        .filter(|name| name != "default" && !name.starts_with('#'))
        .collect()
}

/// Compiles the program with these peers; what is wrong otherwise, in a line.
fn compile(features: &[String]) -> Result<(), String> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--release", "--no-default-features", "--manifest-path"])
        .arg(folder().join("Cargo.toml"));
    cargo.arg("--target-dir").arg(target()).args(["--features", &features.join(",")]);
    if features.iter().any(|feature| feature == OPTIONAL) {
        with_rocksdb_of_the_system(&mut cargo)?;
    }
    let built =
        cargo.stdin(Stdio::null()).stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
    if built.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&built.stderr);
    Err(said.lines().find(|line| line.starts_with("error")).unwrap_or("cargo does not say why").to_owned())
}

/// Has the library of the system linked: building it takes most of an hour.
fn with_rocksdb_of_the_system(cargo: &mut Command) -> Result<(), String> {
    let library = file_of_the_compiler("librocksdb.so")?;
    let folder = library.parent().filter(|_| library.is_absolute());
    let folder = folder.ok_or("there is no librocksdb: install librocksdb-dev and libclang1")?;
    cargo.env("ROCKSDB_LIB_DIR", folder);
    // libclang alone comes without the headers that belong to a compiler.
    let headers = file_of_the_compiler("include")?;
    cargo.env("BINDGEN_EXTRA_CLANG_ARGS", format!("-I{}", headers.display()));
    Ok(())
}

/// Where the C compiler would find this; a name without a folder where it would not.
fn file_of_the_compiler(name: &str) -> Result<PathBuf, String> {
    let printed = process::stdout_of(Command::new("cc").arg(format!("-print-file-name={name}")));
    Ok(PathBuf::from(printed.map_err(|failure| failure.to_string())?.trim()))
}

/// The version of a package in a lock file.
fn version_of(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    Some(lines.next()?.strip_prefix("version = \"")?.trim_end_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_but_the_default_is_a_peer() {
        let manifest = "[package]\nname = \"x\"\n[features]\n# All.\ndefault = [\"a\"]\na = [\"dep:a\"]\nb-c = []\n[dependencies]\nd = \"1\"\n";
        assert_eq!(features_of(manifest), ["a", "b-c"]);
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"redb\"\nversion = \"4.6.0\"\n\n[[package]]\nname = \"sled\"\nversion = \"0.34.7\"\n";
        assert_eq!(version_of(lock, "sled").as_deref(), Some("0.34.7"));
        assert_eq!(version_of(lock, "fjall"), None);
    }
}
