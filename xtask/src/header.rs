//! `cargo xtask header`: writes `evlog.h` from the code of evlog-ffi, or checks that it is what the code says.

mod layout;

use std::fs;
use std::path::PathBuf;

use cbindgen::{Config, DocumentationStyle, Language, Style};
use clap::Args;

use crate::process::Failure;
use crate::workspace;

#[derive(Args)]
pub(crate) struct Header {
    /// Write nothing; fail where the committed header is another.
    #[arg(long)]
    pub(crate) check: bool,
}

/// The committed header, below the root.
pub(crate) const HEADER: &str = "crates/evlog-ffi/include/evlog.h";

/// The files that have something for the header, in its order.
const SOURCES: &[&str] = &[
    "abi",
    "status",
    "boundary",
    "boundary/memory",
    "boundary/structures",
    "time",
    "library",
    "error",
    "text",
    "options",
    "store",
    "topic",
    "batch",
    "append",
    "reader",
    "report",
];

/// The types under their names in C.
const TYPES: &[&str] = &[
    "Status",
    "Error",
    "Text",
    "Options",
    "Store",
    "Topic",
    "Batch",
    "Ticket",
    "Reader",
    "Slice",
    "Event",
    "Read",
    "Extent",
    "Metrics",
    "Verification",
];

/// Writes or compares.
///
/// # Errors
/// Where the code cannot be read, or, when checking, where the header is not what it says.
pub(crate) fn run(asked: &Header) -> Result<(), Failure> {
    let path = workspace::root().join(HEADER);
    let made = made_of_code()?;
    if !asked.check {
        fs::write(path, made)?;
        println!("wrote {HEADER}");
        return Ok(());
    }
    let committed = fs::read_to_string(path)?;
    match committed.lines().zip(made.lines()).position(|(old, new)| old != new) {
        None if committed == made => Ok(()),
        line => {
            let line = line.map_or_else(|| "its end".into(), |line| format!("line {}", line + 1));
            Err(format!("{HEADER} is not what the code says, from {line} on: run cargo xtask header").into())
        }
    }
}

/// The header as the code says it.
///
/// # Errors
/// Where the code cannot be read.
pub(crate) fn made_of_code() -> Result<String, Failure> {
    let mut builder = cbindgen::Builder::new().with_config(config());
    for source in SOURCES {
        builder = builder.with_src(folder().join(source).with_extension("rs"));
    }
    let mut bytes = Vec::new();
    builder.generate()?.write(&mut bytes);
    let text = String::from_utf8(bytes)?;
    layout::pleasant(&text)
}

fn folder() -> PathBuf {
    workspace::root().join("crates/evlog-ffi/src")
}

fn config() -> Config {
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        cpp_compat: true,
        documentation_style: DocumentationStyle::Doxy,
        usize_is_size_t: true,
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        include_guard: Some("EVLOG_H".into()),
        header: Some(include_str!("header/preamble.txt").trim_end().into()),
        after_includes: Some(versions()),
        ..Config::default()
    };
    for name in TYPES {
        config.export.rename.insert((*name).into(), format!("evlog_{}", name.to_lowercase()));
    }
    config
}

fn versions() -> String {
    let parts = [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ];
    let lines = parts.map(|(part, number)| format!("#define EVLOG_VERSION_{part} {number}\n"));
    format!("\n/** The version of evlog that this header came with. */\n{}", lines.concat())
}
