//! Tickets, followers and trims as futures, on the smallest executor that does: nobody is forgotten.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, scope};
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::{Errno, FailedSync, OperationKind, Quota, QuotaAt, What};
use evlog_store::{Durability, Error, Follower, Options, Place, Result, Store, Ticket, Topic, Trims};
use futures_core::Stream;

use crate::stage::{Cue, LONG, Stage, pause};

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(Duration::from_secs(3_600));
    options
}

// ---- the executor ----

/// Wakes one task of a thread.
struct Bell {
    rang: AtomicBool,
    thread: Thread,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs tasks on this thread, each polled only when it was woken. Panics where nobody is woken for long: then a wake-up
/// was lost.
fn run<T>(tasks: Vec<Task<'_, T>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    let mut tasks: Vec<(usize, Task<'_, T>, Arc<Bell>)> = tasks
        .into_iter()
        .enumerate()
        .map(|(number, task)| {
            (number, task, Arc::new(Bell { rang: AtomicBool::new(true), thread: std::thread::current() }))
        })
        .collect();
    let mut quiet = 0;
    while !tasks.is_empty() {
        let before = tasks.len();
        let mut rang = false;
        tasks.retain_mut(|(number, task, bell)| {
            if !bell.rang.swap(false, Ordering::AcqRel) {
                return true;
            }
            rang = true;
            match task.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(bell)))) {
                Poll::Pending => true,
                Poll::Ready(output) => {
                    done[*number] = Some(output);
                    false
                }
            }
        });
        if rang || tasks.len() < before {
            quiet = 0;
            continue;
        }
        quiet += 1;
        assert!(quiet < 300, "{} tasks wait, and nobody wakes them", tasks.len());
        std::thread::park_timeout(Duration::from_millis(100));
    }
    done.into_iter().map(Option::unwrap).collect()
}

fn block_on<'a, T>(task: impl Future<Output = T> + 'a) -> T {
    run(vec![Box::pin(task)]).remove(0)
}

/// A waker that does nothing but count how often it was woken, and how many of it there are.
#[derive(Default)]
struct Count {
    wakes: AtomicU64,
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::AcqRel);
    }
}

impl Count {
    fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Acquire)
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>, count: &Arc<Count>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(count))))
}

async fn next(follower: &mut Follower) -> Option<Result<evlog_store::OwnedEvent>> {
    std::future::poll_fn(|context| Pin::new(&mut *follower).poll_next(context)).await
}

// ---- tickets ----

#[test]
fn a_ticket_can_be_awaited_with_and_without_a_runtime_around() {
    let stage = Stage::new(1);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let ticket = topic.append("x").unwrap();
    assert_eq!(block_on(async { ticket.await.unwrap() }), 0..1);
    assert_eq!(topic.durable_end(), 1);
    // What is durable already is ready at once.
    let served = topic.append("y").unwrap();
    served.wait().unwrap();
    let count = Arc::default();
    assert!(poll_once(pin!(served.into_future()), &count).is_ready());
}

#[test]
fn no_wake_up_is_lost_in_a_hundred_thousand_awaits() {
    const THREADS: u64 = 4;
    const TASKS: u64 = 50;
    const PAIRS: u64 = 500;
    let stage = Stage::new(2);
    let store = stage.open(&patient());
    let topics = [store.topic("a").unwrap(), store.topic("b").unwrap()];
    scope(|threads| {
        for thread in 0..THREADS {
            let topic = &topics[(thread % 2) as usize];
            threads.spawn(move || {
                let pairs = async || {
                    let mut last = None;
                    for _ in 0..PAIRS {
                        let positions = topic.append("x").unwrap().await.unwrap();
                        assert!(last < Some(positions.start));
                        assert!(topic.durable_end() >= positions.end);
                        last = Some(positions.start);
                    }
                };
                run((0..TASKS).map(|_| Box::pin(pairs()) as Task<'_, ()>).collect());
            });
        }
        // Threads that wait in the middle of it take turns away from the tasks.
        for topic in &topics {
            threads.spawn(move || {
                for _ in 0..1_000 {
                    topic.append("y").unwrap().wait_timeout(Durability::Synced, LONG).unwrap();
                }
            });
        }
    });
    let ends: u64 = topics.iter().map(Topic::durable_end).sum();
    assert_eq!(ends, THREADS * TASKS * PAIRS + 2_000);
}

#[test]
fn a_task_is_served_behind_a_turn_that_moves_no_end() {
    let stage = Stage::new(3);
    let store = stage.open(patient().durability(Durability::Written));
    let topic = store.topic("a").unwrap();
    topic.append("0").unwrap().wait_for(Durability::Synced).unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    // The batching thread marks the topic as idle.
    stage.until_held(1);
    let ticket = topic.append("1").unwrap();
    scope(|threads| {
        let served = threads.spawn(|| block_on(ticket.into_future()));
        // By now the task was polled.
        pause(Duration::from_millis(50));
        stage.release();
        assert_eq!(served.join().unwrap().unwrap(), 1..2);
    });
}

#[test]
fn tasks_are_woken_when_their_events_are_given_up() {
    let stage = Stage::new(4);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    topic.append("kept").unwrap().wait().unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    let used: u64 = stage.disk.paths().iter().map(|path| stage.disk.bytes(path).unwrap().len() as u64).sum();
    stage.disk.set_quota(Some(Quota { bytes: used + 100, at: QuotaAt::Write }));
    let tickets: Vec<Ticket> = (0..10).map(|_| topic.append([0; 500]).unwrap()).collect();
    let outcomes = scope(|threads| {
        let tasks = threads.spawn(|| run(tickets.iter().cloned().map(boxed).collect()));
        stage.until_held(1);
        stage.release();
        tasks.join().unwrap()
    });
    for outcome in outcomes {
        assert!(matches!(outcome.unwrap_err().log(), Some(LogError::NoSpace { .. })));
    }
    stage.disk.set_quota(None);
    assert_eq!(block_on(async { topic.append("again").unwrap().await.unwrap() }), 1..2);
}

fn boxed<'a>(ticket: Ticket) -> Task<'a, Result<std::ops::Range<u64>>> {
    Box::pin(ticket.into_future())
}

#[test]
fn tasks_are_woken_by_a_poison() {
    let stage = Stage::new(5);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    stage.strike_next(OperationKind::Sync, What::Sync(FailedSync::Dropped, Errno::IO));
    let in_flight = topic.append("in flight").unwrap();
    let mut follower = topic.follow(Place::Oldest).unwrap();
    scope(|threads| {
        let in_flight = threads.spawn(|| block_on(in_flight.into_future()));
        stage.until_held(1);
        let behind = topic.append("behind").unwrap();
        let behind = threads.spawn(|| block_on(behind.into_future()));
        let heard =
            threads.spawn(|| block_on(async { (next(&mut follower).await, next(&mut follower).await) }));
        pause(Duration::from_millis(20));
        stage.release();
        let error = in_flight.join().unwrap().unwrap_err();
        assert!(matches!(error.log(), Some(LogError::Indeterminate { .. })), "{error}");
        assert!(matches!(behind.join().unwrap().unwrap_err(), Error::NotWritten { .. }));
        // The end is said once, so that nobody who goes on after errors goes on for ever.
        let (said, after) = heard.join().unwrap();
        assert!(matches!(said.unwrap().unwrap_err().log(), Some(LogError::Poisoned { .. })));
        assert!(after.is_none());
    });
}

#[test]
fn a_close_ends_all_tasks() {
    for round in 0..30 {
        let stage = Stage::new(round);
        let store = stage.open(Options::new().batch_timeout(Duration::from_millis(2)));
        let topic = store.topic("a").unwrap();
        let durable = AtomicU64::new(0);
        scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    let write = async || {
                        loop {
                            match topic.append("x") {
                                Ok(ticket) => {
                                    durable.fetch_max(ticket.await.unwrap().end, Ordering::AcqRel);
                                }
                                Err(error) => {
                                    return assert!(matches!(error, Error::Closed { .. }), "{error}");
                                }
                            }
                        }
                    };
                    run((0..20).map(|_| Box::pin(write()) as Task<'_, ()>).collect());
                });
            }
            let mut follower = topic.follow(Place::Oldest).unwrap();
            let follow = threads.spawn(move || {
                block_on(async {
                    let mut count = 0;
                    while let Some(event) = next(&mut follower).await {
                        assert_eq!(event.unwrap().position, count);
                        count += 1;
                    }
                    count
                })
            });
            pause(Duration::from_millis(3 + round % 5));
            topic.close().unwrap();
            let count = follow.join().unwrap();
            assert_eq!(count, topic.range().end, "round {round}: the stream ends behind the last event");
        });
        assert!(durable.into_inner() <= topic.range().end);
    }
}

#[test]
fn a_ticket_outlives_its_topic_and_its_store() {
    let stage = Stage::new(6);
    let store = stage.open(&patient());
    let ticket = store.topic("a").unwrap().append("x").unwrap();
    drop(store);
    assert_eq!(block_on(ticket.into_future()).unwrap(), 0..1);
    assert_eq!(stage.open(&patient()).topic("a").unwrap().range(), 0..1, "with the ticket the lock goes");
}

// ---- wakers ----

#[test]
fn a_task_that_looks_often_waits_once() {
    let stage = Stage::new(7);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    let ticket = topic.append("x").unwrap();
    let (one, two) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut first = pin!(ticket.clone().into_future());
    let mut second = pin!(ticket.into_future());
    let mut follower = topic.follow(Place::Oldest).unwrap();
    for _ in 0..1_000 {
        assert!(poll_once(first.as_mut(), &one).is_pending());
        assert!(poll_once(second.as_mut(), &two).is_pending());
        assert!(poll_once(pin!(next(&mut follower)), &one).is_pending());
    }
    assert!(Arc::strong_count(&one) <= 3, "{}", Arc::strong_count(&one));
    stage.until_held(1);
    stage.release();
    block_on(second).unwrap();
    assert!(one.wakes() >= 1 && one.wakes() <= 4, "{}", one.wakes());
}

#[test]
fn the_waker_of_the_last_look_is_woken() {
    let stage = Stage::new(8);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    let ticket = topic.append("x").unwrap();
    let mut served = pin!(ticket.clone().into_future());
    let (old, new) = (Arc::new(Count::default()), Arc::new(Count::default()));
    assert!(poll_once(served.as_mut(), &old).is_pending());
    assert!(poll_once(served.as_mut(), &new).is_pending());
    // One that looks no more hinders nobody.
    drop(Box::pin(ticket.clone().into_future()));
    stage.until_held(1);
    stage.release();
    ticket.wait().unwrap();
    for _ in 0..LONG.as_millis() {
        if new.wakes() > 0 {
            return assert!(poll_once(served, &new).is_ready());
        }
        pause(Duration::from_millis(1));
    }
    panic!("it was not woken");
}

/// A waker that uses the topic while it is woken.
struct Busybody(Topic);

impl Wake for Busybody {
    fn wake(self: Arc<Self>) {
        let _ = self.0.append("woken").unwrap();
        assert!(self.0.read(Place::Oldest).unwrap().next().unwrap().is_some());
        self.0.metrics().unwrap();
        self.0.flush().unwrap();
    }
}

#[test]
fn a_waker_may_use_the_topic() {
    let stage = Stage::new(9);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let ticket = topic.append("x").unwrap();
    let waker = Waker::from(Arc::new(Busybody(topic.clone())));
    let mut served = pin!(ticket.clone().into_future());
    let mut follower = topic.follow(Place::Oldest).unwrap();
    assert!(Pin::new(&mut follower).poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert!(served.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(ticket.wait_timeout(Durability::Synced, LONG).unwrap(), 0..1);
    assert!(topic.wait_past(1, LONG).unwrap());
}

// ---- following ----

#[test]
fn a_stream_gives_every_event_and_ends_with_the_topic() {
    let stage = Stage::new(10);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let mut follower = topic.follow(Place::Oldest).unwrap();
    scope(|threads| {
        threads.spawn(|| {
            for number in 0..1_000 {
                topic.append(number.to_string()).unwrap().wait().unwrap();
            }
            topic.close().unwrap();
        });
        block_on(async {
            for number in 0..1_000 {
                let event = next(&mut follower).await.unwrap().unwrap();
                assert_eq!((event.position, event.payload), (number, number.to_string().into_bytes()));
            }
            assert!(next(&mut follower).await.is_none());
            assert!(next(&mut follower).await.is_none());
        });
    });
}

#[cfg(feature = "rkyv")]
#[test]
fn a_typed_stream_gives_values() {
    use crate::schema::{Order, order};

    let stage = Stage::new(11);
    let store = stage.open(&patient());
    let topic = store.typed::<Order>("a").unwrap();
    let mut follower = topic.follow(Place::Oldest).unwrap();
    let mut next = || block_on(std::future::poll_fn(|context| Pin::new(&mut follower).poll_next(context)));
    topic.append(&order()).unwrap().wait().unwrap();
    topic.topic().append("untyped").unwrap().wait().unwrap();
    topic.append(&order()).unwrap().wait().unwrap();
    let first = next().unwrap().unwrap();
    assert_eq!((first.position, first.value), (0, order()));
    assert!(matches!(next().unwrap(), Err(Error::Schema { position: 1, found: 0, .. })));
    assert_eq!(next().unwrap().unwrap().position, 2);
    store.close().unwrap();
    assert!(next().is_none());
}

// ---- trims ----

async fn next_trim(trims: &mut Trims) -> Option<Result<std::ops::Range<u64>>> {
    std::future::poll_fn(|context| Pin::new(&mut *trims).poll_next(context)).await
}

#[test]
fn a_stream_tells_what_was_trimmed_and_ends_with_the_topic() {
    let stage = Stage::new(12);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let mut trims = topic.trims(0);
    scope(|threads| {
        threads.spawn(|| {
            for position in 0..100 {
                topic.append("x").unwrap().wait().unwrap();
                topic.roll().unwrap();
                topic.trim_before(position + 1).unwrap();
            }
            topic.close().unwrap();
        });
        block_on(async {
            let mut end = 0;
            while let Some(range) = next_trim(&mut trims).await {
                let range = range.unwrap();
                assert!(range.start == end && !range.is_empty(), "{range:?} behind {end}");
                end = range.end;
            }
            assert_eq!(end, 100);
            assert!(next_trim(&mut trims).await.is_none());
        });
    });
}

#[test]
fn tasks_of_another_process_are_told_what_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let topic = Store::open(&path, &Options::new()).unwrap().topic("a").unwrap();
    topic.append("0").unwrap().wait().unwrap();
    let looking = Store::open_read_only(&path, &Options::new()).unwrap();
    let seen = looking.existing_topic("a").unwrap();
    let (mut trims, mut follower) = (seen.trims(0), seen.follow(Place::Oldest).unwrap());
    assert_eq!(block_on(next(&mut follower)).unwrap().unwrap().position, 0);
    scope(|threads| {
        let trimmed = threads.spawn(|| block_on(next_trim(&mut trims)).unwrap().unwrap());
        let came = threads.spawn(|| block_on(next(&mut follower)).unwrap().unwrap());
        pause(Duration::from_millis(50));
        topic.roll().unwrap();
        topic.trim_before(1).unwrap();
        topic.append("1").unwrap().wait().unwrap();
        assert_eq!((trimmed.join().unwrap(), came.join().unwrap().position), (0..1, 1));
    });
    looking.close().unwrap();
    assert!(block_on(next_trim(&mut trims)).is_none());
    assert!(block_on(next(&mut follower)).is_none());
}
