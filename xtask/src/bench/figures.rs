//! What was measured: rounds of tasks, one subject after the other, and what they come to.

use std::collections::BTreeMap;
use std::path::Path;

use evlog_benches::outcome::Outcome;
use evlog_benches::subject::Workload;
use serde::Serialize;
use tempfile::TempDir;

use super::programs::{Kind, Subject, Task};
use super::scale::Scale;
use super::statistics::Spread;
use super::syncs::{self, Syncs};
use crate::process::Failure;

/// What was measured, of whom, at which size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Key {
    pub(super) workload: Deed,
    pub(super) size: usize,
    pub(super) subject: String,
}

/// A workload as tables list it: opening counts twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Deed {
    Plain(Workload),
    /// R3 behind a writer that was killed.
    OpenKilled,
}

/// What all rounds said of one key.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Rounds {
    pub(super) outcomes: Vec<Outcome>,
    /// Events were compared with what was appended, by another process.
    pub(super) is_checked: bool,
    /// Why something is missing.
    pub(super) failure: Option<String>,
}

/// Everything measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) rounds: BTreeMap<Key, Rounds>,
    /// Calls for a hundred more appends (W1, W2) or batches (W3).
    pub(super) syncs: BTreeMap<(Workload, String), Result<Syncs, String>>,
}

const WRITES: [Workload; 4] = [Workload::W1, Workload::W2, Workload::W3, Workload::W4];

impl Figures {
    /// Measures the subjects, round by round, each time in another order, in fresh folders below `folder`.
    pub(super) fn measure(subjects: &[Subject], scale: &Scale, folder: &Path) -> Result<Figures, Failure> {
        let mut figures = Figures::default();
        for round in 0..scale.rounds {
            for &size in &scale.sizes {
                for &workload in &WRITES {
                    for subject in turned(subjects, round).filter(|subject| scale.wants(subject, workload)) {
                        eprintln!(
                            "round {} of {}: {workload:?}, {size} bytes, {}",
                            round + 1,
                            scale.rounds,
                            subject.name
                        );
                        figures.measure_one(subjects, subject, workload, size, scale, folder)?;
                    }
                }
            }
            figures.measure_topics(subjects, round, scale, folder)?;
        }
        figures.count_syncs(subjects, scale, folder);
        Ok(figures)
    }

    fn measure_one(
        &mut self,
        subjects: &[Subject],
        subject: &Subject,
        workload: Workload,
        size: usize,
        scale: &Scale,
        folder: &Path,
    ) -> Result<(), Failure> {
        let fresh = fresh(folder)?;
        let task = scale.task(subject, workload, size, fresh.path());
        if scale.measures(workload) {
            if !self.write_and_check(&task) {
                return Ok(());
            }
        } else if let Err(failure) = task.run() {
            let rounds = self.rounds.entry(key(Deed::Plain(workload), &task)).or_default();
            rounds.take(Err(format!("it cannot be filled to be read: {failure}")), false);
            return Ok(());
        }
        if workload == Workload::W4 {
            self.read(subjects, &task, scale);
            if size == scale.opened_size()
                && scale.measures(Workload::R3)
                && subject.workloads.contains(&Workload::R3)
            {
                self.open_after_kill(&task, scale, folder)?;
            }
        }
        Ok(())
    }

    /// Whether all went well.
    fn write_and_check(&mut self, task: &Task<'_>) -> bool {
        let rounds = self.rounds.entry(key(Deed::Plain(task.workload), task)).or_default();
        let done = task.run().and_then(|outcome| {
            task.check().map_err(|failure| format!("measured, but the check failed: {failure}"))?;
            Ok(outcome)
        });
        rounds.take(done, true)
    }

    /// Everything that reads what W4 wrote; limits that only read do so from the plain file of `raw-extend`.
    fn read(&mut self, subjects: &[Subject], written: &Task<'_>, scale: &Scale) {
        let own = [written.subject];
        let limits = subjects.iter().filter(|subject| {
            written.subject.name == "raw-extend"
                && subject.kind == Kind::Limit
                && !subject.workloads.contains(&Workload::W4)
        });
        for subject in own.into_iter().chain(limits) {
            for workload in [Workload::R1, Workload::R2, Workload::R4, Workload::R3] {
                let is_asked = scale.measures(workload) && subject.workloads.contains(&workload);
                if !is_asked || workload == Workload::R3 && written.size != scale.opened_size() {
                    continue;
                }
                let task = Task { subject, workload, ..*written };
                self.rounds.entry(key(Deed::Plain(workload), &task)).or_default().take(task.run(), false);
            }
        }
    }

    fn open_after_kill(&mut self, written: &Task<'_>, scale: &Scale, folder: &Path) -> Result<(), Failure> {
        let fresh = fresh(folder)?;
        let task = Task {
            workload: Workload::R3,
            folder: fresh.path(),
            ..scale.task(written.subject, Workload::W4, written.size, fresh.path())
        };
        let opened = task.kill_its_writer().and_then(|()| {
            let outcome = task.run()?;
            task.check().map_err(|failure| format!("opened, but the check failed: {failure}"))?;
            Ok(outcome)
        });
        self.rounds.entry(key(Deed::OpenKilled, &task)).or_default().take(opened, true);
        Ok(())
    }

    fn measure_topics(
        &mut self,
        subjects: &[Subject],
        round: usize,
        scale: &Scale,
        folder: &Path,
    ) -> Result<(), Failure> {
        for subject in turned(subjects, round)
            .filter(|subject| scale.measures(Workload::R5) && subject.workloads.contains(&Workload::R5))
        {
            eprintln!("round {} of {}: R5, {}", round + 1, scale.rounds, subject.name);
            let fresh = fresh(folder)?;
            self.write_and_check(&scale.task(subject, Workload::R5, scale.sizes[0], fresh.path()));
        }
        Ok(())
    }

    /// How many syncs a hundred appends more cost. One size is enough: the calls are the same.
    fn count_syncs(&mut self, subjects: &[Subject], scale: &Scale, folder: &Path) {
        if !syncs::can_be_counted() {
            eprintln!("strace is not there or not allowed: syncs are not counted");
            return;
        }
        for subject in subjects {
            for workload in [Workload::W1, Workload::W2, Workload::W3]
                .into_iter()
                .filter(|workload| scale.wants(subject, *workload))
            {
                eprintln!("syncs: {workload:?}, {}", subject.name);
                let counted =
                    count_syncs_of(subject, workload, scale, folder).map_err(|failure| failure.to_string());
                self.syncs.insert((workload, subject.name.clone()), counted);
            }
        }
    }

    /// Of one subject; nothing where it was not measured.
    pub(super) fn of(&self, deed: Deed, size: usize, subject: &str) -> Option<&Rounds> {
        self.rounds.get(&Key { workload: deed, size, subject: subject.to_owned() })
    }

    /// Events a second.
    pub(super) fn rate(&self, deed: Deed, size: usize, subject: &str) -> Option<Spread> {
        self.of(deed, size, subject)?.spread(|outcome| Some(outcome.rate()))
    }

    /// The peer with the highest rate, of those that are as durable as they were asked to be.
    pub(super) fn best_peer<'a>(
        &self,
        subjects: &'a [Subject],
        deed: Deed,
        size: usize,
    ) -> Option<(&'a Subject, f64)> {
        let peers = subjects
            .iter()
            .filter(|subject| subject.kind == Kind::Peer && self.is_durable(deed, &subject.name));
        let rates = peers.filter_map(|subject| Some((subject, self.rate(deed, size, &subject.name)?.median)));
        rates.max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Whether what was counted speaks against the durability of a subject.
    pub(super) fn is_durable(&self, deed: Deed, subject: &str) -> bool {
        let Deed::Plain(workload) = deed else { return true };
        // Where nobody waits, what a wait is worth is seen where somebody does.
        let counted = match workload {
            Workload::W4 | Workload::R5 => Workload::W1,
            other => other,
        };
        // One sync for many threads is what a group commit is for.
        let appends = if counted == Workload::W2 { 1 } else { 100 };
        match self.syncs.get(&(counted, subject.to_owned())) {
            Some(Ok(syncs)) => syncs.may_cover(appends),
            _ => true,
        }
    }
}

fn key(workload: Deed, task: &Task<'_>) -> Key {
    Key { workload, size: task.size, subject: task.subject.name.clone() }
}

fn count_syncs_of(
    subject: &Subject,
    workload: Workload,
    scale: &Scale,
    folder: &Path,
) -> Result<Syncs, Failure> {
    let batch = if workload == Workload::W3 { 10 } else { 1 };
    let count = |times: u64| {
        let fresh = fresh(folder)?;
        let log = folder.join("strace");
        let threads = if workload == Workload::W2 { 10 } else { 1 };
        let task = Task {
            count: times * 100 * batch,
            batch: batch as usize,
            threads,
            ..scale.task(subject, workload, scale.sizes[0], fresh.path())
        };
        task.syncs(&log)
    };
    Ok(count(2)?.beyond(&count(1)?))
}

/// In every round somebody else begins.
fn turned(subjects: &[Subject], round: usize) -> impl Iterator<Item = &Subject> {
    let (before, after) = subjects.split_at(round % subjects.len().max(1));
    after.iter().chain(before)
}

impl Rounds {
    /// Whether it was measured.
    fn take(&mut self, done: Result<Outcome, String>, is_checked: bool) -> bool {
        match done {
            Ok(outcome) => {
                self.outcomes.push(outcome);
                self.is_checked = is_checked;
                true
            }
            Err(failure) => {
                self.failure = Some(failure);
                false
            }
        }
    }

    /// Of a figure that the rounds have.
    pub(super) fn spread(&self, figure: impl Fn(&Outcome) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.outcomes.iter().filter_map(figure))
    }
}

/// A fresh folder that goes away with everything in it.
pub(super) fn fresh(below: &Path) -> Result<TempDir, Failure> {
    Ok(tempfile::Builder::new().prefix("fresh-").tempdir_in(below)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_give_medians_and_keep_failures() {
        let mut rounds = Rounds::default();
        for seconds in [1.0, 2.0, 4.0] {
            assert!(rounds.take(Ok(Outcome { events: 8, seconds, ..Outcome::default() }), true));
        }
        assert!(!rounds.take(Err("no room".into()), true));
        assert_eq!(
            rounds.spread(|outcome| Some(outcome.rate())),
            Some(Spread { median: 4.0, least: 2.0, most: 8.0 })
        );
        assert_eq!(rounds.failure.as_deref(), Some("no room"));
        assert_eq!(rounds.spread(|outcome| outcome.latency.as_ref().map(|it| it.p50)), None);
    }
}
