//! Builds the fuzz targets and runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::toolchain::Toolchain;
use crate::process::{self, Failure};
use crate::workspace;

/// Counts which code an input goes through, and looks for memory that is used wrongly. Comparisons are not traced: that
/// takes half of the time, and what it finds is got past by other means, as right checksums are made by the checks
/// themselves.
const FLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table";

/// A folder in memory, where the system has one.
const MEMORY: &str = "/dev/shm";

/// What the address sanitizer looks for. But for the C interface our code has nothing unsafe, so that stale pointers need
/// not be looked for in every way, nor is it of use to trace comparisons of whole files: a third of the time goes into
/// that.
fn sanitizer(target: &str) -> &'static str {
    match target {
        "ffi_calls" => "malloc_context_size=2",
        _ => "malloc_context_size=0:quarantine_size_mb=1:detect_stack_use_after_return=0:intercept_memcmp=0",
    }
}

/// The fuzz targets of a workspace, which may be a copy.
pub(super) struct Build<'a> {
    toolchain: &'a Toolchain,
    root: PathBuf,
    /// Where everything goes that is built and found.
    place: PathBuf,
}

/// What came of running a target.
pub(super) struct Run {
    pub(super) executions: u64,
    pub(super) took: Duration,
    pub(super) outcome: Outcome,
    /// All that the fuzzer said.
    pub(super) text: String,
}

pub(super) enum Outcome {
    /// Nothing was found.
    Clean,
    /// This input breaks a promise.
    Found(PathBuf),
}

impl Build<'_> {
    pub(super) fn of_workspace(toolchain: &Toolchain) -> Build<'_> {
        let root = workspace::root().to_owned();
        let place = root.join("fuzz/target");
        Build { toolchain, root, place }
    }

    /// The targets of a copy of the workspace at `root`, built into `place`.
    pub(super) fn of_copy(toolchain: &Toolchain, root: PathBuf, place: PathBuf) -> Build<'_> {
        Build { toolchain, root, place }
    }

    pub(super) fn make(&self, targets: &[&str]) -> Result<(), Failure> {
        let mut cargo = self.toolchain.cargo();
        cargo.current_dir(&self.root).args(["build", "--quiet", "--release"]);
        cargo.args(["--manifest-path", "fuzz/Cargo.toml", "--target", self.toolchain.host()]);
        cargo.arg("--target-dir").arg(&self.place).args(targets.iter().flat_map(|target| ["--bin", target]));
        process::run(cargo.env("RUSTFLAGS", FLAGS))
    }

    /// The program of a target, once it was made.
    pub(super) fn program(&self, target: &str) -> PathBuf {
        self.place.join(self.toolchain.host()).join("release").join(target)
    }

    /// The inputs that the fuzzer found interesting, for the next time. They are not committed.
    pub(super) fn learned(&self, target: &str) -> PathBuf {
        self.place.join("corpus").join(target)
    }

    /// The folder of the committed inputs.
    pub(super) fn corpus(&self, target: &str) -> PathBuf {
        self.root.join("fuzz/corpus").join(target)
    }

    /// Fuzzes a target for some time, or until it finds something.
    pub(super) fn fuzz(&self, target: &str, share: Duration) -> Result<Run, Failure> {
        let artifacts = self.root.join("fuzz/artifacts").join(target);
        std::fs::create_dir_all(&artifacts)?;
        let learned = self.learned(target);
        std::fs::create_dir_all(&learned)?;
        let mut program = self.quiet(target);
        program.arg(format!("-artifact_prefix={}/", artifacts.display()));
        program.arg(format!("-max_total_time={}", share.as_secs().max(1)));
        program.args(["-timeout=20", "-rss_limit_mb=2048", "-len_control=0", "-print_final_stats=1"]);
        let kept = [self.corpus(target), self.root.join("fuzz/regressions").join(target)];
        // The first folder is the one to which the fuzzer adds.
        program.arg(learned).args(kept.iter().filter(|folder| folder.is_dir()));
        let begin = Instant::now();
        let (is_success, text) = self.run(target, program)?;
        let took = begin.elapsed();
        let executions = number_behind(&text, "stat::number_of_executed_units:");
        let outcome = match input_in(&text) {
            Some(input) => Outcome::Found(input),
            None if is_success => Outcome::Clean,
            None => return Err(self.failed(target)),
        };
        Ok(Run { executions, took, outcome, text })
    }

    /// Puts into `to`, which is empty, the inputs of `from` that are needed to go through the same code. Only whether
    /// code is gone through counts, not how often: that keeps them few.
    pub(super) fn merge(&self, target: &str, to: &Path, from: &[PathBuf]) -> Result<(), Failure> {
        let mut program = self.quiet(target);
        program.args(["-set_cover_merge=1", "-use_counters=0"]).arg(to).args(from);
        match self.run(target, program)? {
            (true, text) if input_in(&text).is_none() => Ok(()),
            _ => Err(self.failed(target)),
        }
    }

    fn quiet(&self, target: &str) -> Command {
        let mut program = Command::new(self.program(target));
        program.arg(format!("-max_len={}", longest(target)));
        program.env("ASAN_OPTIONS", sanitizer(target));
        // Stores of moments: in memory they are opened and closed three times as often.
        if Path::new(MEMORY).is_dir() {
            program.env("TMPDIR", MEMORY);
        }
        program
    }

    /// Runs a program of a target and keeps what it says.
    fn run(&self, target: &str, mut program: Command) -> Result<(bool, String), Failure> {
        let log = std::fs::File::create(self.log(target))?;
        program.current_dir(&self.root).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let status =
            program.status().map_err(|error| format!("{}: {error}", self.program(target).display()))?;
        let text = String::from_utf8_lossy(&std::fs::read(self.log(target))?).into_owned();
        Ok((status.success(), text))
    }

    fn log(&self, target: &str) -> PathBuf {
        self.place.join(format!("{target}.log"))
    }

    fn failed(&self, target: &str) -> Failure {
        format!("fuzz: {target} could not be run: see {}", self.log(target).display()).into()
    }
}

/// Bytes of the longest input: a small segment, or what is enough for a list of deeds.
fn longest(target: &str) -> u32 {
    match target {
        "open_segment" => 16_384,
        "decode_header" => 4_096,
        "ffi_calls" => 512,
        "places" | "topic_name" => 256,
        _ => 1_024,
    }
}

fn number_behind(text: &str, word: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
}

/// The input that the fuzzer says it has written.
fn input_in(text: &str) -> Option<PathBuf> {
    let line = text.lines().find_map(|line| line.split_once("Test unit written to "));
    line.map(|(_, path)| PathBuf::from(path.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuzzer_is_understood() {
        let text = "#2\tDONE\nartifact_prefix='a/'; Test unit written to a/crash-0f\nstat::number_of_executed_units: 12\n";
        assert_eq!(number_behind(text, "stat::number_of_executed_units:"), 12);
        assert_eq!(input_in(text), Some(PathBuf::from("a/crash-0f")));
        assert_eq!(input_in("#2\tDONE"), None);
    }
}
