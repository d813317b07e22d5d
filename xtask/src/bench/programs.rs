//! The programs that measure: how they are built, what they can measure, and how one measurement is run.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use evlog_benches::outcome::{Answer, Outcome};
use evlog_benches::program::Listed;
use evlog_benches::subject::Workload;

use super::syncs::{self, Syncs};
use crate::process::{self, Failure};
use crate::workspace;

/// Who measures longer than this hangs.
const LONGEST: Duration = Duration::from_secs(300);

/// Something that can be measured, and by which program.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    /// As its package says; nothing for what is part of this project.
    pub(super) version: Option<String>,
    pub(super) setting: String,
    pub(super) workloads: Vec<Workload>,
    pub(super) kind: Kind,
    program: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Evlog,
    Limit,
    Peer,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    pub(super) subject: &'a Subject,
    pub(super) workload: Workload,
    pub(super) size: usize,
    pub(super) count: u64,
    pub(super) batch: usize,
    pub(super) threads: usize,
    pub(super) topics: usize,
    /// Appends a second under load.
    pub(super) rate: u64,
    pub(super) readers: usize,
    pub(super) folder: &'a Path,
}

/// Builds the program of this project.
pub(super) fn build_own() -> Result<PathBuf, Failure> {
    process::run(workspace::cargo().args([
        "build",
        "--release",
        "--package",
        "evlog-benches",
        "--bin",
        "evlog-workload",
    ]))?;
    Ok(target().join("release/evlog-workload"))
}

/// Where cargo puts what it builds.
pub(super) fn target() -> PathBuf {
    let elsewhere = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    elsewhere.map_or_else(|| workspace::root().join("target"), |path| workspace::root().join(path))
}

/// What a program can measure.
pub(super) fn subjects(program: &Path, kind_of: impl Fn(&Listed) -> Kind) -> Result<Vec<Subject>, Failure> {
    let listed: Vec<Listed> = serde_json::from_str(&process::stdout_of(Command::new(program).arg("list"))?)?;
    let subjects = listed.into_iter().map(|listed| Subject {
        kind: kind_of(&listed),
        name: listed.name,
        version: listed.package,
        setting: listed.setting,
        workloads: listed.workloads,
        program: program.to_owned(),
    });
    Ok(subjects.collect())
}

impl Subject {
    /// Its name as tables show it.
    pub(super) fn title(&self) -> String {
        self.version.as_ref().map_or_else(|| self.name.clone(), |version| format!("{} {version}", self.name))
    }
}

impl Task<'_> {
    fn command(&self, step: &str) -> Command {
        let mut command = Command::new(&self.subject.program);
        let workload = format!("{:?}", self.workload);
        command.args([step, "--subject", &self.subject.name, "--workload", &workload]);
        let numbers = [
            ("--size", self.size as u64),
            ("--count", self.count),
            ("--batch", self.batch as u64),
            ("--threads", self.threads as u64),
            ("--topics", self.topics as u64),
            ("--rate", self.rate),
            ("--readers", self.readers as u64),
        ];
        for (name, number) in numbers {
            command.arg(name).arg(number.to_string());
        }
        command.arg("--folder").arg(self.folder);
        // One peer takes its folder from the environment alone.
        command.env("WALRUS_DATA_DIR", self.folder).env("WALRUS_QUIET", "1");
        command
    }

    /// Measures, after what others wrote has reached the disk.
    pub(super) fn run(&self) -> Result<Outcome, String> {
        let measured =
            process::run(&mut Command::new("sync")).and_then(|()| outcome_of(&mut self.command("run")));
        measured.map_err(|failure| failure.to_string())
    }

    /// Compares what is in the folder with what was appended, in a process that has just opened it.
    pub(super) fn check(&self) -> Result<Outcome, String> {
        outcome_of(&mut self.command("check")).map_err(|failure| failure.to_string())
    }

    /// Measures under strace, and says which calls made something durable.
    pub(super) fn syncs(&self, log: &Path) -> Result<Syncs, Failure> {
        outcome_of(&mut syncs::watched(&self.command("run"), log))?;
        Syncs::read(log)
    }

    /// Fills the folder and kills the writer while it has more to write.
    pub(super) fn kill_its_writer(&self) -> Result<(), String> {
        let mut child = self
            .command("linger")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let said = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let killed = child.kill();
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        match (said, line.trim()) {
            (Some(Ok(_)), "ready") => killed.map_err(|error| error.to_string()),
            _ => Err(said_last(&format!("{line}\n{}", String::from_utf8_lossy(&output.stderr)))),
        }
    }
}

/// Runs a measuring process and reads its answer.
fn outcome_of(command: &mut Command) -> Result<Outcome, Failure> {
    match serde_json::from_str(&answer_of(command)?)? {
        Answer::Measured(outcome) => Ok(outcome),
        Answer::Unsupported(why) => Err(why.into()),
    }
}

/// Runs a measuring process, and returns what it wrote.
pub(super) fn answer_of(command: &mut Command) -> Result<String, Failure> {
    let line = process::line(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{line}: {error}"))?;
    let (out, errors) = (reader_of(child.stdout.take()), reader_of(child.stderr.take()));
    let status = wait(&mut child)?;
    let (out, errors) = (joined(out)?, joined(errors)?);
    match status {
        Some(status) if status.success() => Ok(out),
        Some(status) => Err(format!("{} ({status})", said_last(&errors)).into()),
        None => Err(format!("it was still running after {} s", LONGEST.as_secs()).into()),
    }
}

type Reading = std::thread::JoinHandle<std::io::Result<String>>;

fn reader_of(pipe: Option<impl std::io::Read + Send + 'static>) -> Option<Reading> {
    let mut pipe = pipe?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }))
}

fn joined(reading: Option<Reading>) -> Result<String, Failure> {
    let read = reading.map(std::thread::JoinHandle::join);
    Ok(read
        .transpose()
        .map_err(|_| "the thread that reads a process panicked")?
        .transpose()?
        .unwrap_or_default())
}

/// Waits for a process, but not for ever: one that hangs is killed.
fn wait(child: &mut Child) -> Result<Option<std::process::ExitStatus>, Failure> {
    let began = Instant::now();
    while began.elapsed() < LONGEST {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// The line of an error that says most: the last one that is not empty.
fn said_last(text: &str) -> String {
    let mut lines =
        text.lines().rev().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note:"));
    lines.next().unwrap_or("it said nothing").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_fails_is_an_error_with_what_it_said() {
        let failed =
            answer_of(Command::new("sh").args(["-c", "echo error: no room >&2; exit 3"])).unwrap_err();
        assert_eq!(failed.to_string(), "no room (exit status: 3)");
        assert_eq!(answer_of(Command::new("echo").arg("{}")).unwrap().trim(), "{}");
    }

    #[test]
    fn an_answer_that_cannot_be_measured_is_an_error_with_the_reason() {
        let failed = outcome_of(Command::new("echo").arg("{\"unsupported\":\"no topics\"}")).unwrap_err();
        assert_eq!(failed.to_string(), "no topics");
    }
}
