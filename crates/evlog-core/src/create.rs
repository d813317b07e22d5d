//! Makes the folder of a log: complete under another name, then renamed, so that there is never half a log.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::header::SegmentHeader;
use crate::lock::Lock;
use crate::segment::SegmentName;
use crate::segment::writer::{Writer, WriterOptions};
use crate::storage::{Folder, Storage};

const PREFIX: &str = "new-";

/// The folder that holds `path`, and its name there. A path that ends in no name is taken as a folder itself.
pub(crate) fn split(path: &Path) -> (PathBuf, String) {
    match (path.parent(), path.file_name().and_then(|name| name.to_str())) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => (PathBuf::from("."), name.to_owned()),
        (Some(parent), Some(name)) => (parent.to_owned(), name.to_owned()),
        _ => (path.to_owned(), ".".to_owned()),
    }
}

/// A name that nobody else has, for something that is being made.
pub(crate) fn temporary_name(storage: &dyn Storage, path: &Path, suffix: &str) -> Result<String> {
    let random = storage.random().map_err(Error::io("draw a random name in", path, None))?;
    Ok(format!("{PREFIX}{:032x}{suffix}", u128::from_le_bytes(random)))
}

/// Whether `name` is one that [`temporary_name`] makes.
pub(crate) fn is_temporary(name: &str, suffix: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(suffix));
    random.is_some_and(|random| random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A salt: random, never 0.
pub(crate) fn salt(storage: &dyn Storage, path: &Path) -> Result<u64> {
    let random = storage.random().map_err(Error::io("draw a random salt for", path, None))?;
    let (low, high) = random.split_at(8);
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    Ok((number(low) ^ number(high)).max(1))
}

/// Makes the log `name` in `parent`, and says whether it did: where somebody else was faster, theirs is opened.
pub(crate) fn create(
    storage: &Arc<dyn Storage>,
    parent: &dyn Folder,
    name: &str,
    options: &WriterOptions,
) -> Result<(Arc<dyn Folder>, bool)> {
    sweep(storage, parent)?;
    let path = parent.path().join(name);
    let wrong = |operation| Error::io(operation, &path, None);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let temporary = temporary_name(&**storage, &path, "")?;
        parent.create_folder(&temporary).map_err(|error| not_made(&path, error))?;
        let made = make(storage, parent, &temporary, name, options);
        let is_ours = matches!(made, Ok(Made::Here));
        match made {
            Ok(Made::Here) => parent.sync().map_err(wrong("sync the folder of"))?,
            Ok(Made::ByOthers) => remove_folder(parent, &temporary),
            Ok(Made::SweptAway) if attempts < ATTEMPTS => continue,
            Ok(Made::SweptAway) => return Err(Error::Locked { path }),
            Err(error) => {
                remove_folder(parent, &temporary);
                return Err(error);
            }
        }
        return Ok((parent.open_folder(name).map_err(wrong("open"))?, is_ours));
    }
}

/// How often a create begins anew where another one takes its folder for abandoned.
const ATTEMPTS: u32 = 20;

/// What came of making a log.
enum Made {
    /// It stands where it should.
    Here,
    /// Somebody else has made it.
    ByOthers,
    /// Somebody else has taken the folder for an abandoned one before it was locked, and removes it.
    SweptAway,
}

fn make(
    storage: &Arc<dyn Storage>,
    parent: &dyn Folder,
    temporary: &str,
    name: &str,
    options: &WriterOptions,
) -> Result<Made> {
    let path = parent.path().join(name);
    let folder = match parent.open_folder(temporary) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Made::SweptAway),
        folder => folder.map_err(Error::io("open", &path, None))?,
    };
    let _lock = match Lock::try_exclusive(storage, &folder) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(Made::SweptAway),
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(Made::SweptAway),
        Err(error) => return Err(error),
    };
    let incarnation = storage.random().map_err(Error::io("draw a random number for", &path, None))?;
    let header = SegmentHeader::first(incarnation, salt(&**storage, &path)?, storage.now());
    let segment = temporary_name(&**storage, &path, ".tmp")?;
    Writer::create(&*folder, &header, &segment, options).map_err(|failure| failure.into_error(&path))?;
    match parent.rename(temporary, name) {
        Ok(()) => Ok(Made::Here),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Made::ByOthers),
        Err(error) => Err(not_made(&path, error)),
    }
}

fn not_made(path: &Path, source: std::io::Error) -> Error {
    crate::segment::writer::WriteFailure::NotWritten(source).into_error(path)
}

/// Removes what an interrupted create left in `parent`, unless its maker is still at it.
fn sweep(storage: &Arc<dyn Storage>, parent: &dyn Folder) -> Result<()> {
    let names = parent.names().map_err(Error::io("list", parent.path(), None))?;
    for name in names.iter().filter(|name| is_temporary(name, "")) {
        // Whoever opens, lists or locks it between our looks has taken it over, or it is gone: both are fine.
        if let Ok(folder) = parent.open_folder(name)
            && let Ok(Some(_lock)) = Lock::try_exclusive(storage, &folder)
        {
            remove_folder(parent, name);
        }
    }
    Ok(())
}

/// Removes a folder that only ever held what a create puts there. Best effort: the next create tries again, and a
/// folder that holds anything else stays.
fn remove_folder(parent: &dyn Folder, name: &str) {
    let Ok(folder) = parent.open_folder(name) else { return };
    let names = folder.names().unwrap_or_default();
    let is_ours =
        |name: &String| is_temporary(name, ".tmp") || name == "lock" || SegmentName::parse(name).is_some();
    if names.iter().all(is_ours) {
        for file in &names {
            let _ = folder.remove(file);
        }
        let _ = parent.remove_folder(name);
    }
}

/// Removes the log in the folder `path` with all its events.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Locked`] where somebody writes it, [`Error::Io`]. A folder that holds anything that
/// is not of a log stays, without its segments.
pub fn remove(storage: &Arc<dyn Storage>, path: &Path) -> Result<()> {
    let wrong = |operation| Error::io(operation, path, None);
    let (parent_path, name) = split(path);
    let parent = storage.open_folder(&parent_path).map_err(wrong("open the folder of"))?;
    let folder = parent.open_folder(&name).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NotFound { path: path.to_owned() },
        _ => wrong("open")(error),
    })?;
    let _lock = Lock::exclusive(storage, &folder)?;
    // Under another name first: from here on it is gone, whole, and what is left over is swept up by the next create.
    let temporary = temporary_name(&**storage, path, "")?;
    parent.rename(&name, &temporary).map_err(wrong("rename"))?;
    parent.sync().map_err(wrong("sync the folder of"))?;
    remove_folder(&*parent, &temporary);
    Ok(())
}
