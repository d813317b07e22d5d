//! The program of a measuring process: `evlog-workload` here, `evlog-peers` beside it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};

use crate::evlog::{EVLOG, ROLLING};
use crate::machine;
use crate::original;
use crate::outcome::{Answer, Failure, Outcome, Result};
use crate::payload::Payloads;
use crate::raw::LIMITS;
use crate::subject::{Candidate, Plan, Subject, Unsupported, Workload};
use crate::workload;

/// Bytes that a writer that is about to be killed appends behind its last flush.
const UNFLUSHED: u64 = 1 << 20;

/// What the program can measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// The name of the subject.
    pub name: String,
    /// The package whose version counts.
    pub package: Option<String>,
    /// How it was set up.
    pub setting: String,
    /// What it is measured with.
    pub workloads: Vec<Workload>,
}

/// A measuring process: one subject, one workload.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say which subjects there are, as JSON.
    List,
    /// Run a workload in a folder, and say on a line of JSON what came out.
    Run(Job),
    /// Compare what is in a folder with what was appended.
    Check(Job),
    /// Fill a folder, append a mebibyte more without a flush, say `ready`, and wait to be killed.
    Linger(Job),
    /// Measure what the benchmark of the store before evlog measured.
    Original(OriginalJob),
}

#[derive(Args)]
struct Job {
    /// What is measured.
    #[arg(long)]
    subject: String,
    /// How.
    #[arg(long, ignore_case = true)]
    workload: Workload,
    /// Bytes of a payload.
    #[arg(long)]
    size: usize,
    /// Events in the log.
    #[arg(long)]
    count: u64,
    /// Threads that write.
    #[arg(long, default_value_t = 16)]
    threads: usize,
    /// Events of a batch.
    #[arg(long, default_value_t = 1000)]
    batch: usize,
    /// Topics that are written in turns.
    #[arg(long, default_value_t = 1000)]
    topics: usize,
    /// Appends a second, of all threads together, under load.
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// Threads that read everything again and again, under load.
    #[arg(long, default_value_t = 0)]
    readers: usize,
    /// Where.
    #[arg(long)]
    folder: PathBuf,
}

#[derive(Args)]
struct OriginalJob {
    /// Bytes of a payload.
    #[arg(long)]
    size: usize,
    /// Events.
    #[arg(long)]
    count: u64,
    /// Batch timeouts that each rate is measured for.
    #[arg(long)]
    cycles: u32,
    /// Where.
    #[arg(long)]
    folder: PathBuf,
}

/// The program with evlog and the raw limits.
pub fn of_this_project() -> ExitCode {
    let mut candidates = vec![EVLOG, ROLLING];
    candidates.extend(LIMITS);
    run(&candidates)
}

/// The program with these candidates.
pub fn run(candidates: &[Candidate]) -> ExitCode {
    match answer(&Arguments::parse().command, candidates) {
        Ok(line) => put_out(&line),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn put_out(line: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(command: &Command, candidates: &[Candidate]) -> Result<String> {
    let job = match command {
        Command::List => return Ok(serde_json::to_string(&list(candidates))?),
        Command::Original(OriginalJob { size, count, cycles, folder }) => {
            machine::refuse_ram_disk(folder)?;
            return Ok(serde_json::to_string(&original::run(folder, *size, *count, *cycles)?)?);
        }
        Command::Run(job) | Command::Check(job) | Command::Linger(job) => job,
    };
    machine::refuse_ram_disk(&job.folder)?;
    let candidate = candidates
        .iter()
        .find(|candidate| candidate.name == job.subject)
        .ok_or_else(|| format!("there is no subject {}", job.subject))?;
    let measured = match command {
        Command::Run(_) => measure(candidate, job),
        Command::Check(_) => check(candidate, job),
        _ => linger(candidate, job),
    };
    let answer = match measured {
        Ok(outcome) => Answer::Measured(outcome),
        Err(failure) => Answer::Unsupported(failure.downcast::<Unsupported>()?.0),
    };
    Ok(serde_json::to_string(&answer)?)
}

fn list(candidates: &[Candidate]) -> Vec<Listed> {
    let listed = candidates.iter().map(|candidate| Listed {
        name: candidate.name.to_owned(),
        package: candidate.package.map(str::to_owned),
        setting: candidate.setting.to_owned(),
        workloads: candidate.workloads.to_vec(),
    });
    listed.collect()
}

impl Job {
    fn plan(&self) -> Plan {
        Plan {
            workload: self.workload,
            size: self.size,
            count: self.count,
            threads: self.threads,
            batch: self.batch,
            topics: self.topics,
            rate: self.rate,
            readers: self.readers,
        }
    }

    fn open(&self, candidate: &Candidate) -> Result<(Box<dyn Subject>, Duration)> {
        let began = Instant::now();
        let subject = (candidate.open)(&self.folder, &self.plan())?;
        Ok((subject, began.elapsed()))
    }
}

fn measure(candidate: &Candidate, job: &Job) -> Result<Outcome> {
    let (plan, payloads) = (job.plan(), Payloads::new(job.size));
    let memory_before = machine::resident()?;
    let (subject, opening) = job.open(candidate)?;
    let mut outcome = match plan.workload {
        Workload::R3 => Outcome::new(1, opening),
        _ => workload::run(&*subject, &plan, &payloads)?,
    };
    outcome.memory_before = Some(memory_before);
    outcome.memory_at_most = Some(machine::resident_at_most()?);
    subject.close()?;
    outcome.disk_bytes = Some(machine::bytes_on_disk(&job.folder)?);
    Ok(outcome)
}

fn check(candidate: &Candidate, job: &Job) -> Result<Outcome> {
    let (subject, _) = job.open(candidate)?;
    workload::check(&*subject, &job.plan(), &Payloads::new(job.size))
}

/// Never returns where all goes well: it is killed.
fn linger(candidate: &Candidate, job: &Job) -> Result<Outcome> {
    let payloads = Payloads::new(job.size);
    let (subject, _) = job.open(candidate)?;
    let mut writer = subject.writer()?;
    for number in 0..job.count {
        writer.append(payloads.nth(number))?;
    }
    writer.flush()?;
    for number in 0..UNFLUSHED / job.size as u64 {
        writer.append(payloads.nth(job.count + number))?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    // Whoever is not killed for a minute was forgotten.
    std::thread::sleep(Duration::from_secs(60));
    Err(Failure::from("nobody killed this process"))
}
