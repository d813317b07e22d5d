//! `cargo xtask bench`: evlog beside what the disk gives and beside its peers, in one run.
//!
//! Absolute figures say something of a machine; what counts are the ratios in one run. Each measurement is a process of its
//! own in a fresh folder, see package evlog-benches; here they are started, repeated, compared and shown.

mod statistics;
mod table;
mod machine;
mod syncs;
mod programs;
mod scale;
mod figures;
mod rows;
mod goals;
mod original;
mod peers;
mod command;
mod plots;
mod load;
mod growth;
mod ffi;

use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use evlog_benches::machine::refuse_ram_disk;
use evlog_benches::subject::Workload;
use serde_json::json;

use self::figures::{Deed, Figures};
use self::goals::Judgement;
use self::machine::Machine;
use self::programs::{Kind, Subject};
use self::scale::Scale;
use self::table::Table;
use crate::process::Failure;

/// What `bench` is asked for.
#[derive(Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

/// What can be measured.
#[derive(Subcommand)]
enum What {
    /// The four tables of the store that evlog takes the place of.
    Original(Asked),
    /// evlog beside what the disk gives.
    Limits(Asked),
    /// evlog beside other logs and stores.
    Peers(Asked),
    /// All of it, the command and the C interface too, with every goal and whether it is met.
    All(Asked),
    /// How long durable appends take while others are due, beside readers, rolls and trims.
    Latency(Asked),
    /// How cost grows with the log, its topics, writers, batches, events and readers.
    Growth(Asked),
    /// An append from C beside one from Rust.
    Ffi(ffi::Ffi),
}

/// How much is measured, where, and what becomes of the figures.
#[derive(Args)]
struct Asked {
    /// Fewer events and rounds: shows that everything can be measured, and little more.
    #[arg(long)]
    quick: bool,
    /// Write all figures to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Draw throughput over batch size and commit latency into this folder.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Measure in this folder, which must be on a real disk; below `target` by default.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Only these workloads.
    #[arg(long, value_delimiter = ',', ignore_case = true)]
    workload: Vec<Workload>,
    /// Only these sizes, in bytes.
    #[arg(long, value_delimiter = ',')]
    size: Vec<usize>,
    /// Only these subjects.
    #[arg(long, value_delimiter = ',')]
    subject: Vec<String>,
    /// So many rounds.
    #[arg(long)]
    rounds: Option<usize>,
}

/// What a run came to.
#[derive(Default)]
struct Run {
    tables: Vec<Table>,
    judgements: Vec<Judgement>,
    /// W4's rate with events of 1,024 bytes, which the command is compared with.
    unawaited: Option<f64>,
    json: serde_json::Map<String, serde_json::Value>,
}

/// Measures and shows.
///
/// # Errors
/// Where nothing can be measured. A row that could not be measured says why, and the others are.
pub(crate) fn run(asked: &Bench) -> Result<(), Failure> {
    match &asked.what {
        What::Ffi(asked) => ffi::run(asked),
        What::Original(asked) => asked.measure(Run::original),
        What::Limits(asked) => asked.measure(|run, bench| {
            let subjects = asked.chosen(programs::subjects(&bench.own, kind_of)?)?;
            run.workloads(bench, &subjects)
        }),
        What::Latency(asked) => asked.measure(Run::latency),
        What::Growth(asked) => asked.measure(Run::growth),
        What::Peers(asked) => asked.measure(|run, bench| run.beside_peers(bench, asked)),
        What::All(asked) => asked.measure(|run, bench| {
            run.original(bench)?;
            run.beside_peers(bench, asked)?;
            run.command(bench)?;
            run.c_face(bench);
            run.judge_what_cannot_be_measured();
            Ok(())
        }),
    }
}

/// With what and where a run measures.
struct Workbench {
    own: PathBuf,
    scale: Scale,
    folder: PathBuf,
    svg: Option<PathBuf>,
}

fn kind_of(listed: &evlog_benches::program::Listed) -> Kind {
    if listed.name.starts_with("evlog") { Kind::Evlog } else { Kind::Limit }
}

impl Asked {
    /// Builds, measures and shows.
    fn measure(&self, work: impl FnOnce(&mut Run, &Workbench) -> Result<(), Failure>) -> Result<(), Failure> {
        let folder = self.folder()?;
        refuse_ram_disk(&folder)?;
        let machine = Machine::look(&folder)?;
        let own = programs::build_own()?;
        let bench = Workbench { own, scale: self.scale(), folder, svg: self.svg.clone() };
        let mut run = Run::default();
        work(&mut run, &bench)?;
        run.show(self, &machine)
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = self.dir.clone().unwrap_or_else(|| programs::target().join("bench"));
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn scale(&self) -> Scale {
        let mut scale = if self.quick { Scale::quick() } else { Scale::full() };
        scale.workloads.clone_from(&self.workload);
        if !self.size.is_empty() {
            scale.sizes.clone_from(&self.size);
        }
        scale.rounds = self.rounds.unwrap_or(scale.rounds).max(1);
        scale
    }

    /// Those that were asked for.
    fn chosen(&self, subjects: Vec<Subject>) -> Result<Vec<Subject>, Failure> {
        let is_known = |name: &&String| subjects.iter().any(|subject| subject.name == **name);
        if let Some(unknown) = self.subject.iter().find(|name| !is_known(name)) {
            let names: Vec<&str> = subjects.iter().map(|subject| subject.name.as_str()).collect();
            return Err(format!("there is no subject {unknown}: there are {}", names.join(", ")).into());
        }
        // Who is measured under load alone has no row in the tables of workloads.
        let has_rows =
            |subject: &Subject| subject.workloads.iter().any(|workload| *workload != Workload::Load);
        let is_asked = |subject: &Subject| {
            has_rows(subject) && (self.subject.is_empty() || self.subject.contains(&subject.name))
        };
        Ok(subjects.into_iter().filter(is_asked).collect())
    }
}

/// The command as it would be typed.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask {}", words.join(" "))
}

impl Run {
    fn original(&mut self, bench: &Workbench) -> Result<(), Failure> {
        let measured = original::measure(&bench.own, &bench.scale, &bench.folder)?;
        self.tables.extend(original::tables(&measured));
        self.judgements.extend(original::judge(&measured));
        self.json.insert("original".into(), json!(measured));
        Ok(())
    }

    fn workloads(&mut self, bench: &Workbench, subjects: &[Subject]) -> Result<(), Failure> {
        let Workbench { scale, folder, .. } = bench;
        let figures = Figures::measure(subjects, scale, folder)?;
        self.tables.push(settings(subjects));
        self.tables.extend(rows::tables(&figures, subjects, scale));
        self.judgements.extend(goals::judge(&figures, subjects));
        if let Some(drawings) = &bench.svg {
            let batches = plots::measure_batches(subjects, scale, folder)?;
            let latencies = plots::latencies(&figures, subjects, scale.sizes[0]);
            plots::draw(drawings, &batches, &latencies)?;
            self.json.insert("batches".into(), json!(batches));
        }
        let unawaited = figures.rate(Deed::Plain(Workload::W4), 1024, "evlog");
        self.unawaited = unawaited.map(|spread| spread.median);
        let rounds: Vec<_> =
            figures.rounds.iter().map(|(key, rounds)| json!({ "row": key, "rounds": rounds })).collect();
        let syncs: Vec<_> = figures
            .syncs
            .iter()
            .map(|((workload, subject), syncs)| json!({ "workload": workload, "subject": subject, "syncs": syncs }))
            .collect();
        self.json.insert("rows".into(), json!(rounds));
        self.json.insert("syncs".into(), json!(syncs));
        Ok(())
    }

    fn latency(&mut self, bench: &Workbench) -> Result<(), Failure> {
        let subjects = programs::subjects(&bench.own, kind_of)?;
        self.tables.push(load::measure(&subjects, &bench.scale, &bench.folder)?);
        Ok(())
    }

    fn growth(&mut self, bench: &Workbench) -> Result<(), Failure> {
        let subjects = programs::subjects(&bench.own, kind_of)?;
        let evlog = subjects.iter().find(|subject| subject.name == "evlog").ok_or("there is no evlog")?;
        let all = growth::measure(evlog, &bench.scale, &bench.folder)?;
        self.tables.extend(growth::tables(&all));
        if let Some(drawings) = &bench.svg {
            growth::draw(drawings, &all)?;
        }
        self.json.insert("growth".into(), json!(all));
        Ok(())
    }

    /// The limits too: ratios to both belong into one table.
    fn beside_peers(&mut self, bench: &Workbench, asked: &Asked) -> Result<(), Failure> {
        let peers = peers::build()?;
        let mut subjects = programs::subjects(&bench.own, kind_of)?;
        subjects.extend(peers.subjects);
        self.workloads(bench, &asked.chosen(subjects)?)?;
        if !peers.missing.is_empty() {
            let mut table = Table::new("Peers that are not there", &["peer", "why"]);
            peers.missing.into_iter().for_each(|(peer, why)| table.row([peer, why]));
            self.tables.push(table);
        }
        Ok(())
    }

    fn command(&mut self, bench: &Workbench) -> Result<(), Failure> {
        let rates = command::measure(&bench.scale, &bench.folder)?;
        self.judgements.extend(command::judge(&rates, self.unawaited));
        Ok(())
    }

    /// The measurement of the C interface is a chore of its own, which judges by itself.
    fn c_face(&mut self, bench: &Workbench) {
        let said = std::env::current_exe().map_err(Failure::from).and_then(|chores| {
            let mut chore = std::process::Command::new(chores);
            chore.args(["bench", "ffi", "--folder"]).arg(&bench.folder).stdin(std::process::Stdio::null());
            Ok(chore.output()?)
        });
        let (measured, met) = match said {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let verdict = text.lines().rev().find(|line| line.starts_with("median"));
                let met = verdict.map(|_| output.status.success());
                (verdict.map_or("`cargo xtask bench ffi` failed".to_owned(), str::to_owned), met)
            }
            Err(failure) => (failure.to_string(), None),
        };
        let goal = "≤ 1.15 × of Rust's, or 30 ns more".to_owned();
        self.judgements.push(Judgement { row: "C interface".into(), goal, measured, met });
    }

    fn judge_what_cannot_be_measured(&mut self) {
        self.judgements.push(Judgement {
            row: "metrics and tracing".into(),
            goal: "no measurable cost of an append".into(),
            measured: "there is no build without metrics to compare with".into(),
            met: None,
        });
    }

    fn show(mut self, asked: &Asked, machine: &Machine) -> Result<(), Failure> {
        if !self.judgements.is_empty() {
            self.tables.push(goals::table(&self.judgements));
        }
        self.json.insert("goals".into(), json!(self.judgements));
        println!("\n- command: `{}`\n{machine}", command());
        for table in &self.tables {
            println!("{table}");
        }
        if let Some(path) = &asked.json {
            self.json.insert("command".into(), json!(command()));
            self.json.insert("machine".into(), json!(machine));
            fs::write(path, serde_json::to_string_pretty(&self.json)? + "\n")?;
        }
        Ok(())
    }
}

/// Who was measured, and how each was set up.
fn settings(subjects: &[Subject]) -> Table {
    let mut table = Table::new("Subjects", &["subject", "how it was set up"]);
    for subject in subjects {
        table.row([subject.title(), subject.setting.clone()]);
    }
    table
}
