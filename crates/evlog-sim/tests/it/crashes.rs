//! Short workloads ended everywhere, operations that fail, and lives by chance. The campaigns of `cargo xtask crash`
//! are the same at length.

use evlog_sim::{Outcome, errors, files, flips, random, workloads};

/// Goes on for so many questions.
fn times(count: u32) -> impl FnMut() -> bool {
    let mut left = count;
    move || {
        left -= 1;
        left > 0
    }
}

fn check(outcome: &Outcome, least: u64) {
    let failures: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {} cases: {failures:#?}", outcome.failed, outcome.tally.cases);
    assert!(outcome.tally.cases >= least, "only {} cases", outcome.tally.cases);
}

#[test]
fn one_operation_ended_everywhere_keeps_every_promise() {
    let mut outcome = Outcome::default();
    let thorough = workloads::Thoroughness { subsets_up_to: 6, inner_every: 8 };
    workloads::run(1, thorough, 1, &mut outcome, &mut || true).unwrap();
    check(&outcome, 5_000);
}

#[test]
fn two_operations_ended_everywhere_keep_every_promise() {
    let mut outcome = Outcome::default();
    let thorough = workloads::Thoroughness { subsets_up_to: 4, inner_every: 128 };
    workloads::run(2, thorough, 1, &mut outcome, &mut || true).unwrap();
    check(&outcome, 35_000);
}

#[test]
fn errors_of_every_kind_are_survived() {
    let mut outcome = Outcome::default();
    errors::run(1, &mut outcome, &mut times(2_500)).unwrap();
    check(&outcome, 2_500);
}

#[test]
fn lives_by_chance_keep_every_promise() {
    let mut outcome = Outcome::default();
    random::run(7, &mut outcome, &mut times(300));
    check(&outcome, 300);
}

#[test]
fn whole_files_damaged_at_rest_are_named() {
    let mut outcome = Outcome::default();
    for shape in flips::Shape::ALL {
        files::run(shape, &mut outcome).unwrap();
    }
    check(&outcome, 150);
}
