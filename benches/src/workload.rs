//! The workloads themselves. What is timed is what a user of the subject would wait for, and nothing else.

mod load;

use std::time::{Duration, Instant};

use crate::machine;
use crate::outcome::{Outcome, Result, Times};
use crate::payload::{Payloads, Tally};
use crate::subject::{Plan, Subject, Workload};

/// Random reads of R2, and readings of the newest event in R4.
const PICKS: u64 = 200_000;
/// The seed of the places that R2 reads.
const PLACES: u64 = 0x5EED;

/// Runs what is planned on an open subject.
///
/// # Errors
/// What the subject met, and where it gave back something else than was put in.
pub fn run(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    match plan.workload {
        Workload::W1 => append_one_by_one(subject, plan, payloads),
        Workload::W2 => append_from_many_threads(subject, plan, payloads),
        Workload::W3 => append_batches(subject, plan, payloads),
        Workload::W4 => append_without_waiting(subject, plan, payloads),
        Workload::R1 => read_in_order(subject, plan, payloads),
        Workload::R2 => read_here_and_there(subject, plan, payloads),
        Workload::R3 => Err("opening is timed where the subject is opened".into()),
        Workload::R4 => read_the_newest(subject, plan, payloads),
        Workload::R5 => append_to_many_topics(subject, plan, payloads),
        Workload::Load => load::append_when_due(subject, plan, payloads),
    }
}

fn append_one_by_one(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let began = Instant::now();
    let times = append_share(subject, 0..plan.count, payloads)?;
    Ok(Outcome { latency: Some(times.latency()), ..Outcome::new(plan.count, began.elapsed()) })
}

fn append_share(subject: &dyn Subject, numbers: std::ops::Range<u64>, payloads: &Payloads) -> Result<Times> {
    let mut writer = subject.writer()?;
    let mut times = Times::new()?;
    for number in numbers {
        let before = Instant::now();
        writer.append_durable(payloads.nth(number))?;
        times.record(before.elapsed());
    }
    Ok(times)
}

fn append_from_many_threads(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let share = plan.count / plan.threads as u64;
    let began = Instant::now();
    let shares: Vec<Result<Times>> = std::thread::scope(|scope| {
        let work =
            |thread: u64| move || append_share(subject, thread * share..(thread + 1) * share, payloads);
        let threads: Vec<_> = (0..plan.threads as u64).map(|thread| scope.spawn(work(thread))).collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|joined| joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let took = began.elapsed();
    let mut times = Times::new()?;
    for share in shares {
        times.join(&share?)?;
    }
    Ok(Outcome { latency: Some(times.latency()), ..Outcome::new(share * plan.threads as u64, took) })
}

fn append_batches(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let mut writer = subject.writer()?;
    let mut times = Times::new()?;
    let mut batch = Vec::with_capacity(plan.batch);
    let began = Instant::now();
    let mut appended = 0;
    while appended < plan.count {
        batch.clear();
        batch.extend((appended..plan.count).take(plan.batch).map(|number| payloads.nth(number)));
        let before = Instant::now();
        writer.append_batch_durable(&batch)?;
        times.record(before.elapsed());
        appended += batch.len() as u64;
    }
    Ok(Outcome { latency: Some(times.latency()), ..Outcome::new(plan.count, began.elapsed()) })
}

fn append_without_waiting(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let mut writer = subject.writer()?;
    let began = Instant::now();
    for number in 0..plan.count {
        writer.append(payloads.nth(number))?;
    }
    writer.flush()?;
    Ok(Outcome::new(plan.count, began.elapsed()))
}

fn append_to_many_topics(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let mut topics = subject.topics(plan.topics)?;
    let began = Instant::now();
    for number in 0..plan.count {
        topics.append((number % plan.topics as u64) as usize, payloads.nth(number))?;
    }
    topics.flush()?;
    let took = began.elapsed();
    Ok(Outcome {
        threads: Some(machine::threads()?),
        handles: Some(machine::handles()?),
        ..Outcome::new(plan.count, took)
    })
}

/// Everything twice: the first time warms the page cache.
fn read_in_order(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let mut expected = Tally::default();
    (0..plan.count).for_each(|number| expected.touch(payloads.nth(number)));
    let mut took = Duration::ZERO;
    for _ in 0..2 {
        let mut tally = Tally::default();
        let began = Instant::now();
        subject.scan(&mut |payload| tally.touch(payload))?;
        took = began.elapsed();
        tally.expect(&expected)?;
    }
    Ok(Outcome::new(plan.count, took))
}

fn read_here_and_there(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let mut chance = fastrand::Rng::with_seed(PLACES);
    let places: Vec<u64> = (0..PICKS.min(plan.count)).map(|_| chance.u64(0..plan.count)).collect();
    let (mut expected, mut tally) = (Tally::default(), Tally::default());
    for &place in &places {
        expected.touch(payloads.nth(place));
    }
    let mut picker = subject.picker()?;
    // What is read first warms the caches of the subject, too.
    picker.pick(0, &mut |_| ())?;
    let began = Instant::now();
    for &place in &places {
        picker.pick(place, &mut |payload| tally.touch(payload))?;
    }
    let took = began.elapsed();
    tally.expect(&expected)?;
    Ok(Outcome::new(places.len() as u64, took))
}

fn read_the_newest(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let (mut expected, mut tally) = (Tally::default(), Tally::default());
    let mut times = Times::new()?;
    let reads = PICKS.min(plan.count);
    subject.newest(&mut |_| ())?;
    let began = Instant::now();
    for _ in 0..reads {
        let before = Instant::now();
        subject.newest(&mut |payload| tally.touch(payload))?;
        times.record(before.elapsed());
    }
    let took = began.elapsed();
    (0..reads).for_each(|_| expected.touch(payloads.nth(plan.count - 1)));
    tally.expect(&expected)?;
    Ok(Outcome { latency: Some(times.latency()), ..Outcome::new(reads, took) })
}

/// Compares every event of a subject that was just opened with what was appended.
///
/// # Errors
/// Where one is missing, changed, or where it should not be.
pub fn check(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    if plan.workload == Workload::R5 {
        return check_topics(subject, plan);
    }
    // What a killed writer appended behind its last flush may be there.
    let may_have_more = plan.workload == Workload::R3;
    let began = Instant::now();
    let (mut tally, mut expected) = (Tally::default(), Tally::default());
    let mut misplaced = None;
    subject.scan(&mut |payload| {
        // Threads that append at the same time may do so in any order.
        let is_in_order = !matches!(plan.workload, Workload::W2 | Workload::Load);
        if is_in_order && misplaced.is_none() && payload != payloads.nth(tally.events) {
            misplaced = Some(tally.events);
        }
        tally.sum_up(payload);
    })?;
    let count = if may_have_more { plan.count.max(tally.events) } else { plan.count };
    if let Some(position) = misplaced {
        return Err(format!("the event at position {position} is not the one that was appended there").into());
    }
    (0..count).for_each(|number| expected.sum_up(payloads.nth(number)));
    tally.expect(&expected)?;
    Ok(Outcome::new(count, began.elapsed()))
}

fn check_topics(subject: &dyn Subject, plan: &Plan) -> Result<Outcome> {
    let began = Instant::now();
    let found = subject.topics(plan.topics)?.count()?;
    if found == plan.count {
        Ok(Outcome::new(found, began.elapsed()))
    } else {
        Err(format!("{found} events in all topics instead of {}", plan.count).into())
    }
}
