//! Latency under load. Appends are due at fixed times, whether or not those before them are done: who waits because the
//! disk was busy counts as having waited. (Timing only the calls would leave out those that could not even begin.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::outcome::{Failure, Outcome, Result, Times};
use crate::payload::Payloads;
use crate::subject::{Plan, Subject};

/// Threads append their shares at the planned rate, others read all the while.
pub(super) fn append_when_due(subject: &dyn Subject, plan: &Plan, payloads: &Payloads) -> Result<Outcome> {
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let times = std::thread::scope(|scope| {
        let read = || read_again_and_again(subject, &is_over);
        let readers: Vec<_> = (0..plan.readers).map(|_| scope.spawn(read)).collect();
        let work = |thread: u64| move || append_share(subject, plan, thread, began, payloads);
        let writers: Vec<_> = (0..plan.threads as u64).map(|thread| scope.spawn(work(thread))).collect();
        let shares: Vec<Result<Times>> = writers.into_iter().map(joined).collect();
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().try_for_each(joined)?;
        let mut all = Times::new()?;
        shares.into_iter().try_for_each(|share| all.join(&share?))?;
        Ok::<_, Failure>(all)
    })?;
    Ok(Outcome { latency: Some(times.latency()), ..Outcome::new(plan.count, began.elapsed()) })
}

fn append_share(
    subject: &dyn Subject,
    plan: &Plan,
    thread: u64,
    began: Instant,
    payloads: &Payloads,
) -> Result<Times> {
    let mut writer = subject.writer()?;
    let mut times = Times::new()?;
    for number in (thread..plan.count).step_by(plan.threads) {
        let due = began + due_after(number, plan.rate);
        let begins = wait_until(due);
        writer.append_durable(payloads.nth(number))?;
        times.record(begins.elapsed());
    }
    Ok(times)
}

/// When the append of this number is due, at so many a second.
fn due_after(number: u64, rate: u64) -> Duration {
    Duration::from_nanos((u128::from(number) * 1_000_000_000 / u128::from(rate.max(1))) as u64)
}

/// Sleeps until `due`, and returns from when the append counts: from then, where the thread was late already; from now,
/// where it slept, because waking up too late is not the subject's doing.
fn wait_until(due: Instant) -> Instant {
    let left = due.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return due;
    }
    std::thread::sleep(left);
    Instant::now()
}

/// Until the appends are over.
fn read_again_and_again(subject: &dyn Subject, is_over: &AtomicBool) -> Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        subject.scan(&mut |_| ())?;
    }
    Ok(())
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_due_at_the_rate() {
        assert_eq!(due_after(0, 1000), Duration::ZERO);
        assert_eq!(due_after(2500, 1000), Duration::from_millis(2500));
    }

    #[test]
    fn who_is_late_counts_from_when_it_was_due() {
        let due = Instant::now().checked_sub(Duration::from_millis(50)).unwrap();
        assert_eq!(wait_until(due), due);
        let soon = Instant::now() + Duration::from_millis(5);
        assert!(wait_until(soon) >= soon);
    }
}
