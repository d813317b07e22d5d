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
mod ffi;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use evlog_benches::machine::refuse_ram_disk;
use evlog_benches::subject::Workload;
use serde_json::json;

use self::figures::Figures;
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
        What::Limits(asked) => asked.measure(|run, own, scale, folder| {
            let subjects = asked.chosen(programs::subjects(own, kind_of)?)?;
            run.workloads(&subjects, scale, folder)
        }),
    }
}

fn kind_of(listed: &evlog_benches::program::Listed) -> Kind {
    if listed.name.starts_with("evlog") { Kind::Evlog } else { Kind::Limit }
}

impl Asked {
    /// Builds, measures and shows.
    fn measure(
        &self,
        work: impl FnOnce(&mut Run, &Path, &Scale, &Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let folder = self.folder()?;
        refuse_ram_disk(&folder)?;
        let machine = Machine::look(&folder)?;
        let own = programs::build_own()?;
        let mut run = Run::default();
        work(&mut run, &own, &self.scale(), &folder)?;
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
        let is_asked = |subject: &Subject| self.subject.is_empty() || self.subject.contains(&subject.name);
        Ok(subjects.into_iter().filter(is_asked).collect())
    }
}

/// The command as it would be typed.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask {}", words.join(" "))
}

impl Run {
    fn original(&mut self, program: &Path, scale: &Scale, folder: &Path) -> Result<(), Failure> {
        let measured = original::measure(program, scale, folder)?;
        self.tables.extend(original::tables(&measured));
        let judged = original::judge(&measured);
        self.tables.push(goals::table(&judged));
        self.json.insert("original".into(), json!({ "rounds": measured, "goals": judged }));
        Ok(())
    }

    fn workloads(&mut self, subjects: &[Subject], scale: &Scale, folder: &Path) -> Result<(), Failure> {
        let figures = Figures::measure(subjects, scale, folder)?;
        self.tables.push(settings(subjects));
        self.tables.extend(rows::tables(&figures, subjects, scale));
        let judged = goals::judge(&figures, subjects);
        self.tables.push(goals::table(&judged));
        let rounds: Vec<_> =
            figures.rounds.iter().map(|(key, rounds)| json!({ "row": key, "rounds": rounds })).collect();
        let syncs: Vec<_> = figures
            .syncs
            .iter()
            .map(|((workload, subject), syncs)| json!({ "workload": workload, "subject": subject, "syncs": syncs }))
            .collect();
        self.json.insert("rows".into(), json!(rounds));
        self.json.insert("syncs".into(), json!(syncs));
        self.json.insert("goals".into(), json!(judged));
        Ok(())
    }

    fn show(mut self, asked: &Asked, machine: &Machine) -> Result<(), Failure> {
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
