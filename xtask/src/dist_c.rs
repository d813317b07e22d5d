//! `cargo xtask dist-c`: builds the C interface and installs it below a folder: header, libraries, `evlog.pc`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::Value;

use crate::header::HEADER;
use crate::process::{self, Failure};
use crate::workspace;

#[derive(Args)]
pub(crate) struct DistC {
    /// The folder below which `include` and `lib` get their files.
    #[arg(long)]
    prefix: PathBuf,
    /// The profile of cargo to build with.
    #[arg(long, default_value = "release")]
    profile: String,
}

/// What the static library needs of the system.
const SYSTEM_LIBRARIES: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

/// The two libraries, where cargo puts them.
pub(crate) struct Built {
    pub(crate) shared: PathBuf,
    pub(crate) archive: PathBuf,
}

/// Builds and installs.
///
/// # Errors
/// Where the build fails, or the folder cannot be written.
pub(crate) fn run(asked: &DistC) -> Result<(), Failure> {
    let built = build(&asked.profile, &[])?;
    fs::create_dir_all(&asked.prefix)?;
    let prefix = asked.prefix.canonicalize()?;
    install(&built, &prefix)?;
    // Names stay, lines go: they are most of the bytes.
    process::run(
        Command::new("strip")
            .arg("--strip-debug")
            .arg(prefix.join("lib").join(soname()?))
            .arg(prefix.join("lib/libevlog.a")),
    )?;
    println!("installed evlog {} below {}", env!("CARGO_PKG_VERSION"), prefix.display());
    Ok(())
}

/// Builds the libraries, and no others: built alone they are optimised as a whole.
///
/// # Errors
/// Where the build fails.
pub(crate) fn build(profile: &str, more: &[&str]) -> Result<Built, Failure> {
    let mut cargo = workspace::cargo();
    cargo.args(["rustc", "--locked", "--package", "evlog-ffi", "--lib", "--crate-type", "cdylib,staticlib"]);
    cargo.args(["--profile", profile, "--message-format", "json-render-diagnostics"]).args(more);
    let lines = process::stdout_of(&mut cargo)?;
    Ok(Built { shared: artifact(&lines, "evlog", ".so")?, archive: artifact(&lines, "evlog", ".a")? })
}

/// The file of a target whose name ends so, by what cargo has said in JSON that it built.
///
/// # Errors
/// Where there is none.
pub(crate) fn artifact(lines: &str, target: &str, suffix: &str) -> Result<PathBuf, Failure> {
    let files = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = files.filter(|line| line["target"]["name"] == target);
    let names: Vec<Value> = ours.filter_map(|line| line["filenames"].as_array().cloned()).flatten().collect();
    let name = names.iter().filter_map(Value::as_str).find(|name| name.ends_with(suffix));
    Ok(name.ok_or_else(|| format!("cargo has built no {target} that ends in {suffix}"))?.into())
}

/// Puts header, libraries and `evlog.pc` where compilers look for them below `prefix`, an absolute path.
///
/// # Errors
/// Where a file cannot be written.
pub(crate) fn install(built: &Built, prefix: &Path) -> Result<(), Failure> {
    let lib = prefix.join("lib");
    fs::create_dir_all(prefix.join("include"))?;
    fs::create_dir_all(lib.join("pkgconfig"))?;
    fs::copy(workspace::root().join(HEADER), prefix.join("include/evlog.h"))?;
    let soname = soname()?;
    fs::copy(&built.shared, lib.join(&soname))?;
    fs::copy(&built.archive, lib.join("libevlog.a"))?;
    let link = lib.join("libevlog.so");
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link)?;
    }
    symlink(&soname, link)?;
    fs::write(lib.join("pkgconfig/evlog.pc"), package(prefix))?;
    Ok(())
}

/// The name by which programs find the library: that of the interface's number, which the header states.
///
/// # Errors
/// Where the header states none.
pub(crate) fn soname() -> Result<String, Failure> {
    let header = fs::read_to_string(workspace::root().join(HEADER))?;
    let number = header.lines().find_map(|line| line.strip_prefix("#define EVLOG_ABI "));
    Ok(format!("libevlog.so.{}", number.ok_or("the header does not state EVLOG_ABI")?))
}

fn package(prefix: &Path) -> String {
    format!(
        "prefix={}\nincludedir=${{prefix}}/include\nlibdir=${{prefix}}/lib\n\nName: evlog\n\
         Description: An embedded event log\nVersion: {}\nCflags: -I${{includedir}}\n\
         Libs: -L${{libdir}} -levlog\nLibs.private: {SYSTEM_LIBRARIES}\n",
        prefix.display(),
        env!("CARGO_PKG_VERSION"),
    )
}
