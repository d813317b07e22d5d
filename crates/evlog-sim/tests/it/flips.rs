//! A small log with every bit flipped, and cut at every byte.

use evlog_sim::{Outcome, flips};

fn damage(shape: flips::Shape) -> Outcome {
    let mut outcome = Outcome::default();
    flips::run(shape, 1, &mut outcome, &mut || true).unwrap();
    for failure in &outcome.failures {
        eprintln!("{failure}");
    }
    outcome
}

#[test]
fn a_closed_log_loses_only_what_is_touched() {
    let outcome = damage(flips::Shape::Small);
    assert_eq!(outcome.failed, 0);
}

#[test]
fn a_log_left_behind_loses_only_what_is_touched() {
    let outcome = damage(flips::Shape::SmallOpen);
    assert_eq!(outcome.failed, 0);
}
