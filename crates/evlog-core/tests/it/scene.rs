//! Logs in the state in which a test begins, and hands that change their files from outside.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};

use evlog_core::format::batch::BatchHeader;
use evlog_core::{Dump, DumpItem, Error, Gap, GapReason, Log, Options, OwnedEvent, Place, Read, SegmentName};

use crate::common::{fill, payload, read_all};

/// Segments of a log, oldest first.
pub(crate) fn segments(log: &Path) -> Vec<PathBuf> {
    let mut names: Vec<SegmentName> = fs::read_dir(log)
        .unwrap()
        .filter_map(|entry| SegmentName::parse(entry.unwrap().file_name().to_str()?))
        .collect();
    names.sort_unstable();
    names.iter().map(|name| log.join(name.to_string())).collect()
}

/// The sound batches of a segment, in order.
pub(crate) fn batches(segment: &Path) -> Vec<BatchHeader> {
    let mut dump = Dump::open(segment).unwrap();
    let mut batches = Vec::new();
    while let Some(item) = dump.next().unwrap() {
        if let DumpItem::Batch { header, .. } = item {
            batches.push(header);
        }
    }
    batches
}

/// Flips one bit of a file.
pub(crate) fn flip(file: &Path, offset: u64) {
    let mut byte = [0];
    let open = fs::File::options().read(true).write(true).open(file).unwrap();
    open.read_exact_at(&mut byte, offset).unwrap();
    open.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
}

/// Writes bytes into an existing file.
pub(crate) fn overwrite(file: &Path, offset: u64, bytes: &[u8]) {
    fs::File::options().write(true).open(file).unwrap().write_all_at(bytes, offset).unwrap();
}

/// Cuts or lengthens a file.
pub(crate) fn truncate(file: &Path, length: u64) {
    fs::File::options().write(true).open(file).unwrap().set_len(length).unwrap();
}

/// Files up to this size are compared byte by byte.
const COMPARED: u64 = 8 << 20;

/// Everything in a folder, to see whether anything was changed: contents, or what is there instead of a file.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        let what = if kind.is_symlink() {
            fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes()
        } else if kind.is_dir() {
            for (path, what) in contents(&entry.path()) {
                found.insert(PathBuf::from(entry.file_name()).join(path), what);
            }
            b"folder".to_vec()
        } else if kind.is_fifo() || kind.is_socket() {
            b"special".to_vec()
        } else if entry.metadata().unwrap().len() > COMPARED {
            entry.metadata().unwrap().len().to_le_bytes().to_vec()
        } else {
            fs::read(entry.path()).unwrap()
        };
        found.insert(entry.file_name().into(), what);
    }
    found
}

/// Copies a folder of plain files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Leaves the log's folder as after a kill of its writer: nothing of the handle runs any more, not even its drop.
pub(crate) fn kill(log: Log) {
    let path = log.path().to_owned();
    let aside = path.with_extension("aside");
    copy(&path, &aside);
    drop(log);
    fs::remove_dir_all(&path).unwrap();
    fs::rename(aside, path).unwrap();
}

/// Options with the smallest segments.
pub(crate) fn small() -> Options {
    let mut options = Options::new();
    options.segment_bytes(8 << 10);
    options
}

/// A log with at least three segments of numbered events, five to a batch, still open. Returns how many there are.
pub(crate) fn three_segments(path: &Path) -> (Log, u64) {
    let mut log = small().open(path).unwrap();
    let mut end = 0;
    while log.segments().unwrap().len() < 3 {
        fill(&mut log, end..end + 5, 5);
        end += 5;
    }
    // So that the last segment has something behind its first batch.
    fill(&mut log, end..end + 15, 5);
    (log, end + 15)
}

/// What can be compared of a gap: from, to, reason, name of the file, offset, length.
pub(crate) type Told = (u64, u64, GapReason, String, u64, u64);

pub(crate) fn told(gap: &Gap) -> Told {
    let file = gap.path.file_name().unwrap().to_str().unwrap().to_owned();
    (gap.from, gap.to, gap.reason, file, gap.offset, gap.length)
}

/// Reads everything in both directions and sees that both tell the same, that every position is either an event or
/// in a gap, that no event differs from the numbered one, and that verification counts the same.
pub(crate) fn read_everywhere(log: &Log) -> (Vec<u64>, Vec<Told>) {
    let (events, gaps) = read_all(log, Place::Oldest);
    for event in &events {
        check_event(event);
    }
    let (mut reverse, mut reverse_gaps) = read_all(log, Read::from(Place::Oldest).reverse());
    reverse.reverse();
    reverse_gaps.reverse();
    assert_eq!(reverse, events, "forwards and backwards differ");
    assert_eq!(reverse_gaps, gaps, "forwards and backwards differ");
    let mut covered: Vec<u64> = events.iter().map(|event| event.position).collect();
    covered.extend(gaps.iter().flat_map(|gap| gap.from..gap.to));
    covered.sort_unstable();
    assert!(covered.iter().copied().eq(log.range().start..log.durable_end()), "positions: {covered:?}");
    let verified = log.verify(|_| {}).unwrap();
    // Verification looks at what is written, too.
    let unproven = log.range().end - log.durable_end();
    assert_eq!(verified.events, events.len() as u64 + unproven, "{:?}", verified.damage);
    (events.iter().map(|event| event.position).collect(), gaps.iter().map(told).collect())
}

/// That an event is the numbered one of its position.
pub(crate) fn check_event(event: &OwnedEvent) {
    assert_eq!(event.payload, payload(event.position), "position {}", event.position);
    assert_eq!(event.timestamp, event.position as i64 * 10, "position {}", event.position);
}

/// All damage that verification finds.
pub(crate) fn damage(log: &Log) -> Vec<Told> {
    log.verify(|_| {}).unwrap().damage.iter().map(told).collect()
}

/// The name of an error, for messages and tables.
pub(crate) fn name(error: &Error) -> String {
    let text = format!("{error:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}
