//! Every short workload, ended everywhere.

use evlog_sim::{Outcome, workloads};

fn run(length: usize, thoroughness: workloads::Thoroughness) -> Outcome {
    let mut outcome = Outcome::default();
    workloads::run(length, thoroughness, 1, &mut outcome, &mut || true).unwrap();
    for failure in &outcome.failures {
        eprintln!("{failure}");
    }
    outcome
}

#[test]
fn one_operation_ended_everywhere_keeps_every_promise() {
    let outcome = run(1, workloads::Thoroughness { subsets_up_to: 6, inner_every: 4 });
    eprintln!("{:#?} {}", outcome.tally, outcome.tally.opens());
    assert_eq!(outcome.failed, 0);
}

#[test]
fn two_operations_ended_everywhere_keep_every_promise() {
    let outcome = run(2, workloads::Thoroughness { subsets_up_to: 4, inner_every: 64 });
    eprintln!("{:#?} {}", outcome.tally, outcome.tally.opens());
    assert_eq!(outcome.failed, 0);
}

#[test]
fn every_error_of_every_operation_is_survived() {
    let mut outcome = Outcome::default();
    // The order is drawn from the seed, so that a part of them is a sample of all; `cargo xtask crash errors` does all.
    let began = std::time::Instant::now();
    evlog_sim::errors::run(1, &mut outcome, &mut || began.elapsed().as_secs() < 40).unwrap();
    assert!(outcome.tally.opens() > 1_000, "{}", outcome.tally.opens());
    for failure in &outcome.failures {
        eprintln!("{failure}");
    }
    eprintln!("{:#?} {}", outcome.tally, outcome.tally.opens());
    assert_eq!(outcome.failed, 0);
}
