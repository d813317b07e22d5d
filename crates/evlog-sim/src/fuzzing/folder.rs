//! The folder that holds the log under test, and its files as bytes.

use std::collections::BTreeMap;

use crate::SimDisk;

/// The folder that holds the log under test.
pub(crate) const FOLDER: &str = "log";
/// The same as the log's own path.
pub(crate) const PATH: &str = "/log";

/// The bytes of all files of the log, by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The files of the log but its lock.
pub(crate) fn files(disk: &SimDisk) -> Files {
    let paths = disk.paths().into_iter();
    let names = paths.filter_map(|path| path.strip_prefix(FOLDER)?.strip_prefix('/').map(str::to_owned));
    names
        .filter(|name| name != "lock")
        .map(|name| {
            let bytes = disk.bytes(&format!("{FOLDER}/{name}")).unwrap();
            (name, bytes)
        })
        .collect()
}
