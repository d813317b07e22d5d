//! What stands beside every table: the machine, the file system, the versions, the revision.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::process::{self, Failure};
use crate::workspace;

/// Where and with what was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    processor: String,
    threads: usize,
    memory: String,
    kernel: String,
    file_system: String,
    load_before: String,
    compiler: String,
    revision: String,
    date: String,
}

impl Machine {
    /// The machine that this is, measuring in `folder`.
    pub(super) fn look(folder: &Path) -> Result<Machine, Failure> {
        let said = |program: &str, arguments: &[&str]| {
            process::stdout_of(Command::new(program).args(arguments)).map(|text| text.trim().to_owned())
        };
        let changed = said("git", &["-C", &workspace::root().to_string_lossy(), "status", "--porcelain"])?;
        let suffix = if changed.is_empty() { "" } else { " with changes" };
        let revision = workspace::revision()?;
        Ok(Machine {
            processor: line_of("/proc/cpuinfo", "model name")?,
            threads: std::thread::available_parallelism()?.get(),
            memory: line_of("/proc/meminfo", "MemTotal")?,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            file_system: file_system(folder)?,
            load_before: load()?,
            compiler: said("rustc", &["--version"])?,
            revision: format!("{}{suffix}", revision.trim().get(..12).unwrap_or_default()),
            date: said("date", &["-u", "+%F %H:%M UTC"])?,
        })
    }

    /// Whether so much else is running that figures say little.
    pub(super) fn is_busy(&self) -> bool {
        self.load_before
            .split(' ')
            .next()
            .and_then(|load| load.parse::<f64>().ok())
            .is_some_and(|load| load > 0.5)
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Machine { processor, threads, memory, kernel, file_system, load_before, .. } = self;
        writeln!(
            f,
            "- machine: {processor}, {threads} threads, {memory}, Linux {kernel}, load before {load_before}"
        )?;
        writeln!(f, "- file system: {file_system}")?;
        writeln!(f, "- evlog at {}, {}, measured {}", self.revision, self.compiler, self.date)?;
        if self.is_busy() {
            writeln!(f, "- **the machine was busy with something else: these figures say little**")?;
        }
        Ok(())
    }
}

/// How many processes ran in the last minute.
fn load() -> Result<String, Failure> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(2).collect::<Vec<_>>().join(" "))
}

fn line_of(file: &str, field: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.trim_start().strip_prefix(':'));
    Ok(line.map_or("unknown", str::trim).to_owned())
}

fn file_system(folder: &Path) -> Result<String, Failure> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    Ok(mount_of(&mounts, &folder.canonicalize()?).unwrap_or_else(|| "unknown".to_owned()))
}

/// Kind and options of the mount that holds `path`: the one with the longest name, the last of equals.
fn mount_of(mounts: &str, path: &Path) -> Option<String> {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = fields.filter(|fields| fields.len() > 3 && path.starts_with(fields[1]));
    let nearest = holding.max_by_key(|fields| fields[1].len())?;
    Some(format!("{} ({})", nearest[2], nearest[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_holds_a_path() {
        let mounts =
            "/dev/a / ext4 rw,relatime 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/x xfs rw,noatime 0 0\n";
        let of = |path: &str| mount_of(mounts, Path::new(path));
        assert_eq!(of("/tmp/x/y").as_deref(), Some("xfs (rw,noatime)"));
        assert_eq!(of("/tmp/xy").as_deref(), Some("tmpfs (rw)"));
        assert_eq!(of("/var").as_deref(), Some("ext4 (rw,relatime)"));
    }
}
