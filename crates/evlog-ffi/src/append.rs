//! Appending, and waiting for what was appended.

use evlog_core::Batch as Events;
use evlog_store::{Durability, Within};

use crate::batch::Batch;
use crate::boundary::{
    Answer, ErrorOut, Items, NewHandle, OptionalOut, Outcome, Owned, Shared, Slice, call, free,
};
use crate::error::EVLOG_ANY;
use crate::failure::Failure;
use crate::handle::{Held, Kind};
use crate::status::Status;
use crate::time::{EVLOG_NOW, in_time, limit_of, time_of};
use crate::topic::Topic;

/// What an append or a wait waits for: what the option `durability` says.
pub const EVLOG_DEFAULT: i32 = -1;
/// Nothing: the event was accepted and has its position.
pub const EVLOG_BUFFERED: i32 = 0;
/// The system has the event: it outlives the process, not a power loss.
pub const EVLOG_WRITTEN: i32 = 1;
/// The event is on the disk.
pub const EVLOG_SYNCED: i32 = 2;

/// What a submit gives: where the events will be, and a way to wait for them. Any threads at once.
pub struct Ticket(evlog_store::Ticket);

impl Held for Ticket {
    const KIND: Kind = Kind::Ticket;
}

/// What to wait for; `None` for the default of the topic.
fn durability_of(number: i32) -> Result<Option<Durability>, Failure> {
    match number {
        EVLOG_DEFAULT => Ok(None),
        EVLOG_BUFFERED => Ok(Some(Durability::Buffered)),
        EVLOG_WRITTEN => Ok(Some(Durability::Written)),
        EVLOG_SYNCED => Ok(Some(Durability::Synced)),
        _ => Err(Failure::invalid(format!("{number} is no durability"))),
    }
}

/// A topic whose calls answer in time.
type InTime<'a> = Within<'a, evlog_store::Topic>;

/// Appends, waits for what was asked for, and gives the first position.
fn append_and_wait(
    topic: &Topic,
    durability: i32,
    timeout_ms: i64,
    append: impl FnOnce(&InTime<'_>) -> Result<evlog_store::Ticket, Failure>,
) -> Outcome<u64> {
    let durability = durability_of(durability)?;
    let topic = topic.0.within(limit_of(timeout_ms));
    let ticket = append(&topic)?;
    in_time(match durability.unwrap_or_else(|| ticket.durability()) {
        Durability::Buffered => Ok(ticket.positions().start),
        durability => topic.wait(&ticket, durability).map(|positions| positions.start),
    })
}

fn append_events(topic: &InTime<'_>, events: &Events, expected: u64) -> Result<evlog_store::Ticket, Failure> {
    let accepted =
        if expected == EVLOG_ANY { topic.append_batch(events) } else { topic.append_if(expected, events) };
    Ok(accepted?)
}

/// Appends one event whose time is now, and waits until it is as durable as asked. With `EVLOG_BUFFERED` it returns at
/// once, unless the queue of the topic is full: then it waits for room, as long as the limit and the option `when_full`
/// allow, and answers `EVLOG_E_FULL` where there was none. `EVLOG_TIMEOUT`: the event was accepted and is not that
/// durable yet; it is written all the same, so do not append it again. Who needs its position uses `evlog_submit`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append(
    topic: Shared<Topic>,
    payload: Slice,
    durability: i32,
    timeout_ms: i64,
    position_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, position_out, err, |topic| {
        append_and_wait(topic, durability, timeout_ms, |topic| Ok(topic.append(payload.bytes()?)?))
    })
}

/// As `evlog_append`, with a timestamp (microseconds since 1970-01-01T00:00:00Z) and a schema, a number of yours.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append_at(
    topic: Shared<Topic>,
    timestamp_us: i64,
    schema: u32,
    payload: Slice,
    durability: i32,
    timeout_ms: i64,
    position_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, position_out, err, |topic| {
        append_and_wait(topic, durability, timeout_ms, |topic| {
            Ok(topic.append_at(time_of(timestamp_us), schema, payload.bytes()?)?)
        })
    })
}

/// Appends `count` events as one batch: all or none of them are there after a crash. Their time is now. Where
/// `expected` is not `EVLOG_ANY`, only if the first of them gets that position, else `EVLOG_E_WRONG_POSITION`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append_many(
    topic: Shared<Topic>,
    payloads: Items<Slice>,
    count: usize,
    expected: u64,
    durability: i32,
    timeout_ms: i64,
    first_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, first_out, err, |topic| {
        let mut events = Events::new();
        let now = time_of(EVLOG_NOW);
        for payload in payloads.list(count)? {
            events.push(now, payload.bytes()?)?;
        }
        append_and_wait(topic, durability, timeout_ms, |topic| append_events(topic, &events, expected))
    })
}

/// As `evlog_append_many`, for a batch with its own times.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append_batch(
    topic: Shared<Topic>,
    batch: Shared<Batch>,
    expected: u64,
    durability: i32,
    timeout_ms: i64,
    first_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call((topic, batch), first_out, err, |(topic, batch)| {
        append_and_wait(topic, durability, timeout_ms, |topic| append_events(topic, &batch.0, expected))
    })
}

/// Appends one event and waits for nothing but room, as `evlog_append` does: the ticket waits. The time is that of the
/// call with `EVLOG_NOW`. It is written and synced within the option `batch_timeout_ms` also if nobody waits.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_submit(
    topic: Shared<Topic>,
    timestamp_us: i64,
    schema: u32,
    payload: Slice,
    timeout_ms: i64,
    ticket_out: NewHandle<Ticket>,
    err: ErrorOut,
) -> Status {
    call(topic, ticket_out, err, |topic| {
        let topic = topic.0.within(limit_of(timeout_ms));
        let ticket = topic.append_at(time_of(timestamp_us), schema, payload.bytes()?)?;
        Ok(Answer::Done(Ticket(ticket)))
    })
}

/// As `evlog_submit`, for a batch. `expected` is that of `evlog_append_many`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_submit_batch(
    topic: Shared<Topic>,
    batch: Shared<Batch>,
    expected: u64,
    timeout_ms: i64,
    ticket_out: NewHandle<Ticket>,
    err: ErrorOut,
) -> Status {
    call((topic, batch), ticket_out, err, |(topic, batch)| {
        let topic = topic.0.within(limit_of(timeout_ms));
        Ok(Answer::Done(Ticket(append_events(&topic, &batch.0, expected)?)))
    })
}

/// The positions of the events: from `*from_out` up to, not including, `*to_out`. They are certain once the ticket was
/// waited for: where a write fails, other events get them. Either pointer may be null.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_ticket_positions(
    ticket: Shared<Ticket>,
    from_out: OptionalOut<u64>,
    to_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(ticket, (from_out, to_out), err, |ticket| {
        let positions = ticket.0.positions();
        Ok(Answer::Done((positions.start, positions.end)))
    })
}

/// Waits until the events are as durable as asked. After `EVLOG_TIMEOUT` one may wait again.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_ticket_wait(
    ticket: Shared<Ticket>,
    durability: i32,
    timeout_ms: i64,
    err: ErrorOut,
) -> Status {
    call(ticket, (), err, |ticket| {
        let durability = durability_of(durability)?.unwrap_or_else(|| ticket.0.durability());
        in_time(ticket.0.wait_timeout(durability, limit_of(timeout_ms)).map(drop))
    })
}

/// Makes everything durable that the topic accepted so far, and gives the position behind it.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_flush(
    topic: Shared<Topic>,
    timeout_ms: i64,
    durable_end_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, durable_end_out, err, |topic| in_time(topic.0.within(limit_of(timeout_ms)).flush()))
}

/// Frees a ticket; null is fine. The events are written all the same.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_ticket_free(ticket: Owned<Ticket>) -> Status {
    free(&ticket)
}
