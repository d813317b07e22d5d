//! A folder of topics: the registry, the lock file and the threads they share.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use evlog_core::Create;
use evlog_core::storage::{Disk, Folder, OpenMode, Pool, Storage};

use crate::batching::Batching;
use crate::clock::{Clock, MonotonicClock};
use crate::committer::{Access, Committer, OpenTopic};
use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::metrics::{TopicSnapshot, prometheus};
use crate::name::TopicName;
use crate::options::Options;
#[cfg(feature = "rkyv")]
use crate::schema::Schema;
use crate::sync::{Arc, Mutex};
use crate::topic::Topic;
use crate::trace;
#[cfg(feature = "rkyv")]
use crate::typed::TypedTopic;

/// Name of the lock file that all topics of a store share.
const LOCK_FILE: &str = "lock";

/// A folder of topics. Cheap to clone, usable from all threads at once.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events");
/// use evlog_store::{Options, Place, Store};
///
/// let store = Store::open(&path, &Options::new())?;
/// let orders = store.topic("orders")?;
/// let ticket = orders.append("one pair of shoes")?;
/// ticket.wait()?; // durable now
///
/// let mut reader = orders.read(Place::Oldest)?;
/// while let Some(event) = reader.next()? {
///     assert_eq!((event.position, event.payload), (0, &b"one pair of shoes"[..]));
/// }
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    storage: Arc<dyn Storage>,
    folder: Arc<dyn Folder>,
    options: Options,
    access: Access,
    clock: Arc<dyn Clock>,
    batching: Arc<Batching>,
    registry: Mutex<Registry>,
}

/// One slot for each topic that was ever asked for, so that two topics can be opened at the same time and one topic
/// only once.
#[derive(Debug, Default)]
struct Registry {
    slots: BTreeMap<TopicName, Arc<Slot>>,
    is_closed: bool,
}

#[derive(Debug)]
struct Slot {
    number: usize,
    topic: Mutex<Option<Arc<OpenTopic>>>,
}

impl Store {
    /// Opens the store in the folder `path`, or makes it; its parent must exist. Topics are opened when asked for.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; [`Error::Log`] where the folder cannot be made or opened.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Store> {
        Store::open_on(Arc::new(Disk), Arc::new(MonotonicClock::default()), path, options)
    }

    /// Opens the store in the folder `path` to read only, and writes nothing at all. Its topics may be written by other
    /// processes meanwhile: each read looks how far they have come, and followers are woken by changes of the files.
    ///
    /// # Errors
    /// As for [`Store::open`]; [`Error::Log`] with [`evlog_core::Error::Io`] where there is no such folder.
    pub fn open_read_only(path: impl AsRef<Path>, options: &Options) -> Result<Store> {
        let (storage, clock) = (Arc::new(Disk), Arc::new(MonotonicClock::default()));
        Store::open_read_only_on(storage, clock, path, options)
    }

    /// As [`Store::open`], on another machine than the real one.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn open_on(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        path: impl AsRef<Path>,
        options: &Options,
    ) -> Result<Store> {
        let path = path.as_ref();
        let storage = pooled(storage, options);
        let folder = make_folder(&*storage, path)?;
        folder.open(LOCK_FILE, OpenMode::Create).map_err(io("make the lock file in", path))?;
        Store::start(storage, clock, folder, options, Access::ReadWrite)
    }

    /// As [`Store::open_read_only`], on another machine than the real one.
    ///
    /// # Errors
    /// As for [`Store::open_read_only`].
    pub fn open_read_only_on(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        path: impl AsRef<Path>,
        options: &Options,
    ) -> Result<Store> {
        let storage = pooled(storage, options);
        let folder = storage.open_folder(path.as_ref()).map_err(io("open", path.as_ref()))?;
        Store::start(storage, clock, folder, options, Access::ReadOnly)
    }

    fn start(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        folder: Arc<dyn Folder>,
        options: &Options,
        access: Access,
    ) -> Result<Store> {
        options.check()?;
        let path = folder.path().to_owned();
        let batching =
            Batching::start(options.batching_threads, &clock).map_err(io("start threads for", &path))?;
        let batching = Arc::new(batching);
        let registry = Mutex::new(Registry::default());
        let options = options.clone();
        let inner = Inner { path, storage, folder, options, access, clock, batching, registry };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// The store's folder.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// The topic of this name; opened, or made, where it is not open yet.
    ///
    /// # Errors
    /// [`Error::InvalidName`], [`Error::StoreClosed`]; [`Error::Log`] with [`evlog_core::Error::Locked`] where another
    /// process writes it, and whatever else stands in the way of opening its log.
    pub fn topic(&self, name: &str) -> Result<Topic> {
        self.open_topic(name, Create::IfMissing)
    }

    /// The topic of this name, if the store has it.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`]; else as for [`Store::topic`].
    pub fn existing_topic(&self, name: &str) -> Result<Topic> {
        self.open_topic(name, Create::Never)
    }

    /// The topic of this name, for values of one type; opened, or made, where it is not open yet.
    ///
    /// # Errors
    /// As for [`Store::topic`] and [`Topic::typed`].
    #[cfg(feature = "rkyv")]
    pub fn typed<T: Schema>(&self, name: &str) -> Result<TypedTopic<T>> {
        self.topic(name)?.typed()
    }

    fn open_topic(&self, name: &str, create: Create) -> Result<Topic> {
        let name: TopicName = name.parse()?;
        let slot = self.slot(&name)?;
        let mut opened = slot.topic.lock();
        // A close of the store that began before this lock was taken has been here already.
        if self.inner.registry.lock().is_closed {
            return Err(Error::StoreClosed);
        }
        let closed = match opened.take() {
            Some(topic) if !topic.is_closing() => {
                *opened = Some(Arc::clone(&topic));
                return Ok(Topic::new(topic));
            }
            closed => closed,
        };
        // What is left of a closed one goes first: its lock may still be held.
        if let Some(topic) = closed {
            topic.wait_until_gone();
        }
        let topic = self.open_log(&name, slot.number, create)?;
        *opened = Some(Arc::clone(&topic));
        drop(opened);
        trace::opened(&name, topic.report());
        Ok(Topic::new(topic))
    }

    fn slot(&self, name: &TopicName) -> Result<Arc<Slot>> {
        let mut registry = self.inner.registry.lock();
        if registry.is_closed {
            return Err(Error::StoreClosed);
        }
        let number = registry.slots.len();
        let slot = registry.slots.entry(name.clone());
        Ok(Arc::clone(slot.or_insert_with(|| Arc::new(Slot { number, topic: Mutex::new(None) }))))
    }

    fn open_log(&self, name: &TopicName, number: usize, create: Create) -> Result<Arc<OpenTopic>> {
        let Inner { path, storage, options, access, clock, batching, .. } = &*self.inner;
        let path = path.join(name.folder());
        let mut of_log = options.of_log();
        let opened = match access {
            Access::ReadWrite => of_log.create(create).open_on(Arc::clone(storage), path),
            Access::ReadOnly => of_log.open_read_only_on(Arc::clone(storage), path),
        };
        let log = opened.map_err(|error| match error {
            evlog_core::Error::NotFound { .. } => Error::UnknownTopic { topic: name.clone() },
            other => other.into(),
        })?;
        let committer = Committer::new(
            name.clone(),
            log,
            options.clone(),
            *access,
            Arc::clone(clock),
            batching.batcher(number),
        )?;
        Ok(Arc::new(OpenTopic::new(committer)))
    }

    /// The names of all topics of the store, open or not, in order.
    ///
    /// # Errors
    /// [`Error::Log`] where the folder cannot be listed.
    pub fn topics(&self) -> Result<Vec<TopicName>> {
        let names = self.inner.folder.names().map_err(io("list", &self.inner.path))?;
        let mut topics: Vec<TopicName> = names.iter().filter_map(|name| TopicName::of_folder(name)).collect();
        topics.sort();
        Ok(topics)
    }

    /// Closes the topic and removes it with all its events. A topic of the same name that is made afterwards is another
    /// one, with another incarnation.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`], [`Error::StoreClosed`]; [`Error::Log`] with [`evlog_core::Error::Locked`] where another
    /// process writes it.
    pub fn remove_topic(&self, name: &str) -> Result<()> {
        let name: TopicName = name.parse()?;
        if self.inner.access == Access::ReadOnly {
            return Err(evlog_core::Error::ReadOnly { path: self.inner.path.clone() }.into());
        }
        let slot = self.slot(&name)?;
        let mut opened = slot.topic.lock();
        if let Some(topic) = opened.take() {
            match topic.close() {
                // Its events go anyway.
                Ok(()) | Err(Error::Closed { .. } | Error::Log(_) | Error::NotWritten { .. }) => {}
                Err(other) => return Err(other),
            }
            topic.wait_until_gone();
        }
        evlog_core::remove(&self.inner.storage, &self.inner.path.join(name.folder())).map_err(|error| {
            match error {
                evlog_core::Error::NotFound { .. } => Error::UnknownTopic { topic: name.clone() },
                other => other.into(),
            }
        })
    }

    /// The topics that were opened and are not gone yet.
    fn opened_topics(&self) -> Vec<Arc<OpenTopic>> {
        let slots: Vec<Arc<Slot>> = self.inner.registry.lock().slots.values().cloned().collect();
        slots.iter().filter_map(|slot| slot.topic.lock().clone()).collect()
    }

    /// Makes everything accepted so far by any topic durable.
    ///
    /// # Errors
    /// The first error of a topic; the others are flushed all the same.
    pub fn flush(&self) -> Result<()> {
        let topics = self.opened_topics();
        let flushed: Vec<Result<()>> =
            topics.iter().map(|topic| unless_closed(topic.flush(Limit::NONE).map(drop))).collect();
        flushed.into_iter().collect()
    }

    /// What the open topics have counted since they were opened, by name.
    ///
    /// # Errors
    /// [`Error::Log`] where a topic's segments cannot be looked at.
    pub fn metrics(&self) -> Result<BTreeMap<TopicName, TopicSnapshot>> {
        let mut topics = self.opened_topics();
        topics.retain(|topic| !topic.is_closing());
        topics.iter().map(|topic| Ok((topic.name.clone(), topic.snapshot()?))).collect()
    }

    /// As [`Store::metrics`], in Prometheus' text format.
    ///
    /// # Errors
    /// As for [`Store::metrics`].
    pub fn render_prometheus(&self) -> Result<String> {
        let metrics = self.metrics()?;
        let snapshots: Vec<_> =
            metrics.into_iter().map(|(name, counts)| (name.to_string(), counts)).collect();
        Ok(prometheus(&snapshots).to_string())
    }

    /// Closes all topics and the store, for all its handles.
    ///
    /// # Errors
    /// The first error of a topic's close; the others are closed all the same. [`Error::StoreClosed`] where it was
    /// closed before.
    pub fn close(&self) -> Result<()> {
        {
            let mut registry = self.inner.registry.lock();
            if std::mem::replace(&mut registry.is_closed, true) {
                return Err(Error::StoreClosed);
            }
        }
        let topics = self.opened_topics();
        let closed: Vec<Result<()>> = topics.iter().map(|topic| unless_closed(topic.close())).collect();
        // Others may be closing some of them right now.
        for topic in &topics {
            topic.wait_until_gone();
        }
        self.inner.registry.lock().slots.clear();
        self.inner.batching.end();
        closed.into_iter().collect()
    }
}

/// What somebody else has closed meanwhile is in order.
fn unless_closed(outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::Closed { .. }) => Ok(()),
        other => other,
    }
}

fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| evlog_core::Error::Io { operation, path, offset: None, source }.into()
}

/// The storage for all topics of a store, which share its handles.
fn pooled(storage: Arc<dyn Storage>, options: &Options) -> Arc<dyn Storage> {
    Arc::new(Pool::new(storage, options.handles))
}

/// Opens the folder, or makes it.
fn make_folder(storage: &dyn Storage, path: &Path) -> Result<Arc<dyn Folder>> {
    match storage.open_folder(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        other => return other.map_err(io("open", path)),
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = storage.open_folder(parent).map_err(io("open", parent))?;
    match folder.create_folder(name) {
        Ok(()) => folder.sync().map_err(io("sync", parent))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io("make", path)(error)),
    }
    storage.open_folder(path).map_err(io("open", path))
}
