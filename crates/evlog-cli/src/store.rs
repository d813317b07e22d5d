//! The one place where the command meets the disk of a store: a folder with one log for each topic.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use evlog_core::{Create, Error, Found, Log, Options, Position, Report};
use evlog_store::{Topic, TopicName};

use crate::args;
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::text::counted;

/// The file whose bytes say who writes which topic.
const LOCK_FILE: &str = "lock";

/// A folder of topics.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    settings: Settings,
    console: Console,
}

/// What a command that reads may do to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Recover it after a crash, as a writer would.
    Recover,
    /// Nothing.
    ReadOnly,
}

/// A topic that is open to be read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its log, which writes nothing.
    pub(crate) log: Log,
    /// How it was found, and what a recovery did.
    pub(crate) report: Report,
}

impl From<args::Access> for Access {
    fn from(access: args::Access) -> Access {
        if access.read_only { Access::ReadOnly } else { Access::Recover }
    }
}

impl Store {
    /// The store in `dir`, which nobody has looked at yet.
    pub(crate) fn new(dir: PathBuf, settings: Settings, console: Console) -> Store {
        Store { dir, settings, console }
    }

    /// The folder of the store.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The options of the store.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The topics, in the order of their names.
    ///
    /// # Errors
    /// [`Exit::NotThere`] where there is no store, else what the system says.
    pub(crate) fn topics(&self) -> Result<Vec<TopicName>, Failure> {
        let refused = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => self.no_store(),
            _ => Failure::system(format!("list {}", self.dir.display()))(error),
        };
        let mut topics = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = entry.file_name().to_str().and_then(TopicName::of_folder);
            if entry.file_type().map_err(refused)?.is_dir() {
                topics.extend(name);
            } else if name.is_some() {
                self.console.warning(format_args!("{} is no folder: ignored", entry.path().display()));
            }
        }
        topics.sort_unstable();
        Ok(topics)
    }

    /// Opens a topic to append to it. Store and topic are made where they are missing.
    ///
    /// # Errors
    /// [`Exit::Locked`] where somebody else writes it, else what the log or the system says.
    pub(crate) fn open_to_append(&self, topic: &TopicName) -> Result<Log, Failure> {
        self.make()?;
        let log = self.options().open(self.path(topic)).map_err(|error| self.explain(topic, error))?;
        self.tell(topic, log.report());
        Ok(log)
    }

    /// Opens a topic to read it. One that a crash left unclean is recovered first, if nobody writes it and `access`
    /// and the system allow it.
    ///
    /// # Errors
    /// [`Exit::NotThere`] where there is no such topic, else what the log or the system says.
    pub(crate) fn open_to_read(&self, topic: &TopicName, access: Access) -> Result<Opened, Failure> {
        let log = self.look(topic)?;
        let is_left_unclean = log.report().found == Found::Unclean && !log.report().has_writer;
        if access == Access::Recover
            && is_left_unclean
            && let Some(report) = self.recover(topic)?
        {
            self.tell(topic, &report);
            return Ok(Opened { log: self.look(topic)?, report });
        }
        let report = log.report().clone();
        self.tell(topic, &report);
        Ok(Opened { log, report })
    }

    /// Opens one topic of the store to change it otherwise than by appending.
    ///
    /// # Errors
    /// [`Exit::NotThere`] where there is no such topic, [`Exit::Locked`] where somebody else writes it.
    pub(crate) fn open_to_change(&self, topic: &TopicName) -> Result<(evlog_store::Store, Topic), Failure> {
        // Looked at first, so that nothing is made where there is nothing.
        self.look(topic)?;
        let store = evlog_store::Store::open(&self.dir, &self.settings.options)?;
        let topic = store.existing_topic(topic.as_str())?;
        Ok((store, topic))
    }

    /// Opens the store beside whoever writes its topics.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open_beside(&self) -> Result<evlog_store::Store, Failure> {
        Ok(evlog_store::Store::open_read_only(&self.dir, &self.settings.options)?)
    }

    fn look(&self, topic: &TopicName) -> Result<Log, Failure> {
        self.options().open_read_only(self.path(topic)).map_err(|error| self.explain(topic, error))
    }

    /// Recovers a topic as its next writer would. Nothing where somebody writes it or the system forbids it.
    fn recover(&self, topic: &TopicName) -> Result<Option<Report>, Failure> {
        let recovered = self.options().create(Create::Never).open(self.path(topic)).and_then(|log| {
            let report = log.report().clone();
            log.close().map(|()| report)
        });
        match recovered {
            Ok(report) => Ok(Some(report)),
            // Its writer came between.
            Err(Error::Locked { .. }) => Ok(None),
            Err(error) if is_forbidden(&error) => {
                self.console.detail(format_args!("{topic} is not recovered: {error}"));
                Ok(None)
            }
            Err(error) => Err(self.explain(topic, error)),
        }
    }

    fn options(&self) -> Options {
        self.settings.options.of_log()
    }

    fn path(&self, topic: &TopicName) -> PathBuf {
        self.dir.join(topic.folder())
    }

    /// Makes the folder and its lock file. Nobody but their owner may look into them.
    fn make(&self) -> Result<(), Failure> {
        let made = DirBuilder::new().mode(0o700).create(&self.dir);
        match made {
            Ok(()) => sync_folder_of(&self.dir).map_err(self.cannot_make())?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(self.cannot_make()(error)),
        }
        let lock = self.dir.join(LOCK_FILE);
        // The log itself refuses a lock file that is a link or a pipe; here it must only not be waited for.
        if lock.symlink_metadata().is_ok() {
            return Ok(());
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&lock) {
            Ok(_) => sync_folder_of(&lock).map_err(self.cannot_make()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.cannot_make()(error)),
        }
    }

    fn cannot_make(&self) -> impl FnOnce(io::Error) -> Failure {
        Failure::system(format!("make the store {}", self.dir.display()))
    }

    fn no_store(&self) -> Failure {
        let message =
            format!("there is no store in {}: say where it is with --dir or EVLOG_DIR", self.dir.display());
        Failure::refused(Exit::NotThere, message)
    }

    /// Errors about the folder of a topic say which topic is meant.
    fn explain(&self, topic: &TopicName, error: Error) -> Failure {
        match error {
            Error::NotFound { .. } if !self.dir.is_dir() => self.no_store(),
            Error::NotFound { .. } => {
                let message = format!("there is no topic {topic} in {}", self.dir.display());
                Failure::refused(Exit::NotThere, message)
            }
            error => error.into(),
        }
    }

    /// Says what an open found that a person should know. What a living writer has not finished is none of it.
    fn tell(&self, topic: &TopicName, report: &Report) {
        for path in &report.foreign {
            self.console.warning(format_args!("{} is no segment of {topic}: ignored", path.display()));
        }
        if report.found != Found::Unclean || report.has_writer {
            return;
        }
        if !report.unproven.is_empty() {
            self.console.warning(format_args!(
                "positions {} of {topic} are not proven to be durable: its writer did not close it",
                range(&report.unproven)
            ));
        }
        if report.leftover_bytes > 0 {
            self.console.warning(format_args!(
                "{} of a write that was never finished stay behind the end of {topic}, for positions {}",
                counted(report.leftover_bytes, "byte"),
                range(&report.leftover_positions)
            ));
        }
        self.console.detail(format_args!(
            "{topic} had not been closed: {} bytes looked at, {} made durable",
            report.scanned_bytes, report.rewritten_bytes
        ));
    }
}

/// Positions as they are written everywhere: the first, and the one behind the last.
fn range(positions: &Range<Position>) -> String {
    format!("{}..{}", positions.start, positions.end)
}

/// Whether the system does not let this user write here.
fn is_forbidden(error: &Error) -> bool {
    let source = match error {
        Error::ReadOnly { .. } => return true,
        Error::Io { source, .. } | Error::NotWritten { source, .. } => source,
        _ => return false,
    };
    matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Makes the name of `path` durable.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}
