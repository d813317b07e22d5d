//! A small log with every bit flipped, cut at every byte, and with every sector damaged.

use evlog_sim::{Outcome, flips};

fn check(outcome: &Outcome, least: u64) {
    let failures: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {} cases: {failures:#?}", outcome.failed, outcome.tally.cases);
    assert!(outcome.tally.cases >= least, "only {} cases", outcome.tally.cases);
}

fn damage_everywhere(shape: flips::Shape) {
    let mut outcome = Outcome::default();
    flips::run(shape, 1, &mut outcome, &mut || true).unwrap();
    // Every bit and every byte of more than a header page.
    check(&outcome, 4_096 * 9);
}

#[test]
fn sectors_of_three_segments_cost_only_what_they_hold() {
    for shape in [flips::Shape::Three, flips::Shape::ThreeOpen] {
        let mut outcome = Outcome::default();
        let mut left = 2_500;
        let mut goes_on = || {
            left -= 1;
            left > 0
        };
        flips::run(shape, 1, &mut outcome, &mut goes_on).unwrap();
        check(&outcome, 2_500);
    }
}

#[test]
fn a_closed_log_loses_only_what_is_touched() {
    damage_everywhere(flips::Shape::Small);
}

#[test]
fn a_log_left_behind_loses_only_what_is_touched() {
    damage_everywhere(flips::Shape::SmallOpen);
}
