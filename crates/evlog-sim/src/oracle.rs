//! Compares an open log with the model, by every way of reading.

use std::ops::Range;

use evlog_core::{Error, Log, Place, Position, Read, ReadLevel};

use crate::model::{Checked, Ended, Model, broken};

/// How much is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All events once, oldest first.
    Quick,
    /// All events by every way of reading.
    Full,
}

/// Takes over what an open decided, and checks all that it shows.
///
/// # Errors
/// The promise that was broken.
pub fn check_opened(log: &Log, model: &mut Model, ended: Ended, depth: Depth) -> Checked {
    let range = log.range();
    model.settle(&range, ended)?;
    if log.durable_end() != range.end {
        return broken(5, format!("after the open {} is durable of {range:?}", log.durable_end()));
    }
    let report = log.report();
    if let Some(gap) = report.gaps.iter().find(|gap| !model.excuses(&(gap.from..gap.to))) {
        return broken(3, format!("the open reports damage where nothing was damaged: {gap}"));
    }
    // What was trimmed since, the last orderly stop still knew.
    let is_gone_known = report.gone.is_empty() || report.gone.end == range.start;
    if !report.foreign.is_empty() || !is_gone_known {
        return broken(18, format!("the open reports what cannot be: {report:?}"));
    }
    check_open_log(log, model, depth)
}

/// Checks all that an open log shows, poisoned or not.
///
/// # Errors
/// The promise that was broken.
pub fn check_open_log(log: &Log, model: &Model, depth: Depth) -> Checked {
    let range = log.range();
    let durable = range.start..log.durable_end();
    compare(log, &Read::from(Place::Oldest), model, durable.clone())?;
    // Behind a sync that lied there may be gaps, and what is read otherwise depends on them.
    if depth == Depth::Quick || model.is_excused() {
        return Ok(());
    }
    // What was not durable when a sync failed may be gone from the cache, too.
    if !model.is_poisoned() {
        compare(log, &Read::from(Place::Oldest).level(ReadLevel::Written), model, range)?;
    }
    compare(log, &Read::from(Place::Oldest).reverse(), model, durable.clone().rev())?;
    check_places(log, model, &durable)?;
    check_last(log, model, &durable)?;
    check_bounds(log, model, &durable)?;
    check_times(log, model, &durable)
}

/// Reads from the beginning of every batch and from within, in parts and both ways.
fn check_places(log: &Log, model: &Model, range: &Range<Position>) -> Checked {
    let ends = model.ends().iter().copied();
    let places = ends.flat_map(|end| [end.saturating_sub(1), end]).filter(|place| range.contains(place));
    for place in places {
        let to = (place + 3).min(range.end);
        compare(log, &Read::from(place).to(to), model, place..to)?;
        compare(log, &Read::from(place).limit(2), model, (place..range.end).take(2))?;
        compare(log, &Read::from(place).reverse().limit(2), model, (place..range.end).rev().take(2))?;
    }
    compare(log, &Read::from(range.end), model, range.end..range.end)?;
    compare(log, &Read::from(Place::End), model, range.end..range.end)
}

fn check_last(log: &Log, model: &Model, range: &Range<Position>) -> Checked {
    for count in [0, 1, 3, u64::MAX] {
        let first = range.end.saturating_sub(count).max(range.start);
        compare(log, &Read::from(Place::Last(count)), model, first..range.end)?;
        let found = log.last(count).or_else(|error| refused(7, &format!("last({count})"), &error))?;
        let positions: Vec<Position> = found.iter().map(|event| event.position).collect();
        if positions != (first..range.end).collect::<Vec<_>>() {
            return broken(7, format!("last({count}) has {positions:?} instead of {first}..{}", range.end));
        }
    }
    let latest = log.latest().or_else(|error| refused(7, "latest", &error))?;
    let position = latest.map(|event| event.position);
    if position != range.clone().next_back() {
        return broken(7, format!("the latest event is {position:?} of {range:?}"));
    }
    Ok(())
}

/// Positions in front of the log and behind it are refused by name.
fn check_bounds(log: &Log, model: &Model, range: &Range<Position>) -> Checked {
    let answer = |position: Position| log.read(position).and_then(|mut reader| reader.next().map(|_| ()));
    if let Some(asked) = range.start.checked_sub(1) {
        match answer(asked) {
            Err(Error::Trimmed { asked: said, start, .. }) if (said, start) == (asked, range.start) => {}
            Err(error @ Error::Io { .. }) => return refused(22, "reading before the start", &error),
            other => return broken(22, format!("reading {asked} before {range:?} answers {other:?}")),
        }
    }
    let asked = log.range().end + 1;
    match answer(asked) {
        Err(Error::OutOfRange { .. }) => {}
        Err(error @ Error::Io { .. }) => return refused(7, "reading behind the end", &error),
        other => return broken(7, format!("reading {asked} behind {range:?} answers {other:?}")),
    }
    debug_assert!(model.end() >= range.end);
    Ok(())
}

fn check_times(log: &Log, model: &Model, range: &Range<Position>) -> Checked {
    let time = |position| model.event(position).map_or(0, |event| event.timestamp);
    let mut times = vec![i64::MIN, i64::MAX];
    times.extend(range.clone().step_by(3).flat_map(|position| [time(position), time(position) + 1]));
    for wanted in times {
        let written = log.range();
        let first = written.clone().find(|&position| time(position) >= wanted).unwrap_or(written.end);
        match log.find(wanted) {
            Ok(found) if found == first => {}
            Ok(_) if model.is_poisoned() && first >= range.end => {}
            Err(error @ Error::Io { .. }) => return refused(25, "finding a time", &error),
            other => return broken(25, format!("the first event since {wanted} is {other:?}, not {first}")),
        }
        let since = range.clone().filter(|&position| time(position) >= wanted);
        compare(log, &Read::from(Place::Oldest).since(wanted), model, since)?;
    }
    Ok(())
}

/// A read that fails: by promise 14 where the system refuses, which a fault excuses, else by `promise`.
fn refused<T>(promise: u8, what: &str, error: &Error) -> Checked<T> {
    let promise = if matches!(error, Error::Io { .. }) { 14 } else { promise };
    broken(promise, format!("{what} fails: {error:?}"))
}

/// Reads and expects exactly these positions, with the bytes that were appended.
fn compare(log: &Log, read: &Read, model: &Model, expected: impl Iterator<Item = Position>) -> Checked {
    let mut expected = expected;
    let mut reader = match log.read(read.clone()) {
        Ok(reader) => reader,
        Err(error) => return refused(7, &format!("{read:?}"), &error),
    };
    loop {
        let found = match reader.next() {
            Ok(found) => found,
            // What else is read behind it depends on the gap.
            Err(Error::Gap(gap)) if model.excuses(&(gap.from..gap.to)) => return Ok(()),
            Err(error) => return refused(13, &format!("{read:?}"), &error),
        };
        match (found, expected.next()) {
            (None, None) => return Ok(()),
            (Some(event), Some(position)) if event.position == position => {
                if !model.event(position).is_some_and(|known| known.is(&event)) {
                    return broken(4, format!("{read:?} has {event:?} where it was another"));
                }
            }
            (found, expected) => {
                let position = found.map(|event| event.position);
                return broken(3, format!("{read:?} has position {position:?} instead of {expected:?}"));
            }
        }
    }
}
