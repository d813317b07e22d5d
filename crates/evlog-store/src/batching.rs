//! The few threads that write for callers who do not wait, for all topics of a store. Each is a thin loop around the
//! steps of [`Committer`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Clock;
use crate::committer::{Batcher, Committer, Task};
use crate::sync::channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use crate::sync::{Arc, Mutex, Weak};
use crate::upkeep::Need;

/// Time between two looks at a topic that is in use.
const TICK: Duration = Duration::from_millis(10);
/// Time between two looks at a topic whose events grow old.
const SELDOM: Duration = Duration::from_secs(1);

/// The threads of a store.
#[derive(Debug)]
pub(crate) struct Batching {
    tasks: Vec<Sender<Task>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Batching {
    /// Starts so many threads, at least one.
    ///
    /// # Errors
    /// What the system says where it has no more threads; those that were started end again.
    pub(crate) fn start(threads: usize, clock: &Arc<dyn Clock>) -> std::io::Result<Batching> {
        let mut batching = Batching { tasks: Vec::new(), threads: Mutex::default() };
        for number in 0..threads.max(1) {
            let (sender, receiver) = unbounded();
            let clock = Arc::clone(clock);
            let thread = std::thread::Builder::new()
                .name(format!("evlog-batch-{number}"))
                .spawn(move || run(&receiver, &*clock))?;
            batching.tasks.push(sender);
            batching.threads.lock().push(thread);
        }
        Ok(batching)
    }

    /// The way to the thread that looks after the topic with this number.
    pub(crate) fn batcher(self: &Arc<Self>, number: usize) -> Batcher {
        let tasks = self.tasks[number % self.tasks.len()].clone();
        Batcher { tasks, _threads: Arc::clone(self) as Arc<_> }
    }
}

impl Batching {
    /// Ends the threads, once no topic needs them any more. When it returns they are gone.
    pub(crate) fn end(&self) {
        for sender in &self.tasks {
            let _ = sender.send(Task::Stop);
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // The last topic may end on one of the threads, which then ends by itself.
            let is_self = thread.thread().id() == std::thread::current().id();
            if !is_self {
                // Panics of the work it does are caught: there is nothing to hear of.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Batching {
    fn drop(&mut self) {
        self.end();
    }
}

/// Topics that one thread looks after.
#[derive(Debug, Default)]
struct Watch {
    soon: Vec<Weak<Committer>>,
    seldom: Vec<Weak<Committer>>,
    next_tick: Duration,
    next_seldom: Duration,
}

fn run(tasks: &Receiver<Task>, clock: &dyn Clock) {
    let mut watch = Watch::default();
    loop {
        let task = match watch.sleep(clock.elapsed()) {
            None => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(span) => tasks.recv_timeout(span),
        };
        match task {
            Ok(Task::Watch(topic)) => watch.add(topic, clock.elapsed()),
            Ok(Task::Commit(topic)) => _ = step(&topic, Committer::commit_now),
            Ok(Task::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        watch.look(clock.elapsed());
    }
}

/// Takes a step, if the topic is still there. A panic in it is the topic's own affair, which is poisoned by now; the
/// thread goes on for the others.
fn step<T>(topic: &Weak<Committer>, work: impl FnOnce(&Committer) -> T) -> Option<T> {
    let topic = topic.upgrade()?;
    catch_unwind(AssertUnwindSafe(|| work(&topic))).ok()
}

impl Watch {
    fn add(&mut self, topic: Weak<Committer>, now: Duration) {
        if self.soon.is_empty() {
            self.next_tick = now + TICK;
        }
        self.soon.push(topic);
    }

    /// How long nothing has to be looked at; `None` for ever.
    fn sleep(&self, now: Duration) -> Option<Duration> {
        let soon = (!self.soon.is_empty()).then_some(self.next_tick);
        let seldom = (!self.seldom.is_empty()).then_some(self.next_seldom);
        let next = soon.into_iter().chain(seldom).min()?;
        Some(next.saturating_sub(now))
    }

    /// Looks at the topics whose time has come.
    fn look(&mut self, now: Duration) {
        if !self.soon.is_empty() && now >= self.next_tick {
            self.next_tick = now + TICK;
            let seldom = &mut self.seldom;
            self.soon.retain(|topic| match step(topic, Committer::tick) {
                Some(Need::Soon) => true,
                Some(Need::Seldom) => {
                    if !seldom.iter().any(|known| known.ptr_eq(topic)) {
                        seldom.push(topic.clone());
                    }
                    false
                }
                Some(Need::Nothing) | None => false,
            });
        }
        if !self.seldom.is_empty() && now >= self.next_seldom {
            self.next_seldom = now + SELDOM;
            self.seldom.retain(|topic| step(topic, Committer::look_at_age) == Some(Need::Seldom));
        }
    }
}
