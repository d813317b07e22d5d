//! Which calls that make something durable a measuring process makes, counted by strace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::process::Failure;

/// Calls that make something durable, and those by which other calls do.
const TRACED: &str = "trace=fsync,fdatasync,sync_file_range,msync,syncfs,openat,pwritev2,io_uring_enter";

/// How many calls of which name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Syncs {
    calls: BTreeMap<String, u64>,
    /// A file was opened so that every write waits for the disk.
    opens_synchronous: bool,
}

/// Whether there is a strace that may be used.
pub(super) fn can_be_counted() -> bool {
    let probe = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).output();
    probe.is_ok_and(|output| output.status.success())
}

/// The command, watched; what it calls is written to `log`.
pub(super) fn watched(command: &Command, log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", TRACED, "-o"])
        .arg(log)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace
}

impl Syncs {
    /// What strace wrote to `log`.
    pub(super) fn read(log: &Path) -> Result<Syncs, Failure> {
        Ok(Syncs::of(&fs::read_to_string(log)?))
    }

    fn of(text: &str) -> Syncs {
        let mut syncs = Syncs::default();
        for line in text.lines().filter(|line| !line.contains(" resumed>")) {
            let call = line.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start();
            let name = call.split('(').next().unwrap_or_default();
            match name {
                "openat" => syncs.opens_synchronous |= line.contains("O_SYNC") || line.contains("O_DSYNC"),
                "pwritev2" if !line.contains("RWF_DSYNC") && !line.contains("RWF_SYNC") => {}
                name if name.starts_with(|letter: char| letter.is_ascii_lowercase()) => {
                    *syncs.calls.entry(name.to_owned()).or_default() += 1;
                }
                _ => {}
            }
        }
        syncs
    }

    /// What this has more than a shorter run.
    pub(super) fn beyond(&self, shorter: &Syncs) -> Syncs {
        let more = |(name, count): (&String, &u64)| {
            let before = shorter.calls.get(name).copied().unwrap_or(0);
            Some((name.clone(), count.saturating_sub(before))).filter(|(_, count)| *count > 0)
        };
        Syncs {
            calls: self.calls.iter().filter_map(more).collect(),
            opens_synchronous: self.opens_synchronous,
        }
    }

    /// Calls that return when something is on the disk. `sync_file_range` is none: it leaves out the disk's own cache and
    /// all metadata.
    pub(super) fn durable(&self) -> u64 {
        let calls =
            self.calls.iter().filter(|(name, _)| *name != "sync_file_range" && *name != "io_uring_enter");
        calls.map(|(_, count)| count).sum()
    }

    /// Whether every one of so many appends can have been made durable by itself.
    pub(super) fn may_cover(&self, appends: u64) -> bool {
        self.opens_synchronous || self.durable() * 20 >= appends * 19
    }
}

impl std::fmt::Display for Syncs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut words: Vec<String> =
            self.calls.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if self.opens_synchronous {
            words.push("O_SYNC".to_owned());
        }
        f.write_str(&if words.is_empty() { "none".to_owned() } else { words.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
        17 openat(AT_FDCWD, \"x\", O_RDWR|O_CREAT, 0666) = 3\n\
        17 fdatasync(3) = 0\n\
        18 fdatasync(3 <unfinished ...>\n\
        17 fsync(4) = 0\n\
        18 <... fdatasync resumed>) = 0\n\
        17 pwritev2(3, [], 1, 0, 0) = 1\n\
        17 +++ exited with 0 +++\n";

    #[test]
    fn calls_are_counted_once_and_by_name() {
        let syncs = Syncs::of(LOG);
        assert_eq!((syncs.to_string().as_str(), syncs.durable()), ("2 fdatasync, 1 fsync", 3));
        assert!(syncs.may_cover(3) && !syncs.may_cover(4));
        assert_eq!(syncs.beyond(&Syncs::of("1 fsync(4) = 0")).to_string(), "2 fdatasync");
    }

    #[test]
    fn what_does_not_wait_for_the_disk_does_not_count() {
        let weak = Syncs::of("1 sync_file_range(3, 0, 1, SYNC_FILE_RANGE_WRITE) = 0\n");
        assert!(weak.durable() == 0 && !weak.may_cover(1));
        let each = Syncs::of("1 openat(AT_FDCWD, \"x\", O_RDWR|O_DSYNC) = 3\n");
        assert!(each.may_cover(100) && each.to_string() == "O_SYNC");
    }
}
