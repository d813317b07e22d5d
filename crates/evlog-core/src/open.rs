//! Opens a log: lock, names, headers of the ends, judgement of the last segment.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::chain::{Chain, Entered, Link};
use crate::create::{create, is_temporary, split};
use crate::error::{Error, Gap, GapReason, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::Kind;
use crate::format::header::SegmentHeader;
use crate::listing::{self, Listing};
use crate::lock::{Lock, WriterSeen};
use crate::options::{Create, Options, Recovery};
use crate::position::Position;
use crate::read::ReadLevel;
use crate::recover::{self, Continue, Found, Recovered, Report};
use crate::segment::index::{Boundary, LiveIndex, Times};
use crate::segment::reader::{Step, Walker, Window};
use crate::segment::writer::{Resume, Writer, WriterOptions};
use crate::segment::{End, Opened, Segment, SegmentName};
use crate::storage::{Folder, OpenMode, Storage};

/// How often a reader looks again where a writer rolls while it looks.
const LOOKS: u32 = 5;

/// A log opened to write: everything that [`Log`](crate::Log) is made of.
#[derive(Debug)]
pub(crate) struct OpenedLog {
    pub(crate) lock: Lock,
    pub(crate) chain: Chain,
    pub(crate) writing: Writing,
    pub(crate) report: Report,
}

/// How appending goes on.
#[derive(Debug)]
pub(crate) enum Writing {
    /// In this segment.
    Here(Writer),
    /// In a segment that is still to be made, behind the last one, which is never written again.
    Next(Predecessor),
}

/// What the header of a segment says of the one before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predecessor {
    pub(crate) name: SegmentName,
    pub(crate) salt: u64,
    pub(crate) end: u32,
    pub(crate) leftover: u32,
    /// Position behind its last event.
    pub(crate) position: Position,
}

impl Options {
    pub(crate) fn writer(&self) -> WriterOptions {
        WriterOptions { segment_bytes: self.segment_bytes as u32, pad_to: self.pad_group_to }
    }
}

/// The folder of a log.
#[derive(Debug)]
pub(crate) struct Located {
    /// The one that it stands in.
    pub(crate) parent: Arc<dyn Folder>,
    pub(crate) folder: Arc<dyn Folder>,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
}

/// Opens, or makes, the folder of a log.
pub(crate) fn locate(storage: &Arc<dyn Storage>, path: &Path, options: &Options) -> Result<Located> {
    let (parent_path, name) = split(path);
    let parent = storage.open_folder(&parent_path).map_err(|error| match error.kind() {
        ErrorKind::NotFound if options.create == Create::Never => Error::NotFound { path: path.to_owned() },
        _ => Error::io("open", &parent_path, None)(error),
    })?;
    let (folder, is_new) = match parent.open_folder(&name) {
        Ok(folder) => (folder, false),
        Err(error) if error.kind() == ErrorKind::NotFound => match options.create {
            Create::Never => return Err(Error::NotFound { path: path.to_owned() }),
            Create::IfMissing => {
                check_reliable(&*parent)?;
                create(storage, &*parent, &name, &options.writer())?
            }
        },
        Err(error) => return Err(Error::io("open", path, None)(error)),
    };
    check_reliable(&*folder)?;
    Ok(Located { parent, folder, is_new })
}

fn check_reliable(folder: &dyn Folder) -> Result<()> {
    let kind = folder.unreliable().map_err(Error::io("look at", folder.path(), None))?;
    kind.map_or(Ok(()), |kind| Err(Error::UnreliableStorage { path: folder.path().to_owned(), kind }))
}

/// Opens a log to write it: the only one who may, and what was found made durable.
pub(crate) fn open(
    storage: &Arc<dyn Storage>,
    Located { parent, folder, is_new }: Located,
    options: &Options,
) -> Result<OpenedLog> {
    // Not even a lock file is put into a folder that is none of a log.
    if listing::names(&*folder)?.0.is_empty() {
        return Err(Error::MissingSegments { path: folder.path().to_owned() });
    }
    let lock = Lock::exclusive(storage, &folder)?;
    let listing = Listing::read(&*folder)?;
    let mut report = Report::new(Found::Unclean);
    report.foreign = listing.foreign_paths(&*folder);
    let last = open_last(&*folder, &listing, OpenMode::Write)?
        .map_err(|name| Error::NotALog { path: folder.path().join(name.to_string()) })?;
    if options.recovery == Recovery::Strict {
        look_once(&folder, false)?.check_undamaged()?;
    }
    remove_temporary_files(&*folder, &listing)?;
    let recovered = recover::recover(&last, &mut report)?;
    if is_new {
        report.found = Found::Nothing;
    } else {
        sync_names(&*parent, &*folder)?;
    }
    if let Continue::Behind(Kind::Seal, _) = recovered.next {
        return Err(Error::MissingSegments { path: folder.path().to_owned() });
    }
    let (writing, link) = resume(&last, &recovered, options);
    let end = End { ordinal: last.name.ordinal, offset: recovered.end, position: recovered.position };
    let chain = link_up(folder, &listing, link, end, end);
    note_gone(&chain, &recovered, &mut report);
    note_chain(&chain, &mut report)?;
    Ok(OpenedLog { lock, chain, writing, report })
}

/// Makes the names durable by which the last segment is reached. Whoever made it or its folder may have been stopped
/// between renaming and syncing; everything in it would be lost with its name. An orderly end was written only after
/// both.
fn sync_names(parent: &dyn Folder, folder: &dyn Folder) -> Result<()> {
    for folder in [folder, parent] {
        folder.sync().map_err(Error::io("sync", folder.path(), None))?;
    }
    Ok(())
}

fn resume(last: &Segment, recovered: &Recovered, options: &Options) -> (Writing, Link) {
    let (times, stored_index, is_closed) = match recovered.next {
        Continue::Behind(_, tail) => (Times { least: tail.least, greatest: tail.greatest }, tail.index, true),
        Continue::Here if recovered.position == last.name.base => (Times::NONE, 0, false),
        Continue::Here => (Times::ANY, 0, false),
        Continue::InNext => {
            let predecessor = Predecessor {
                name: last.name,
                salt: last.salt,
                end: recovered.end,
                leftover: recovered.leftover,
                position: recovered.position,
            };
            return (Writing::Next(predecessor), Link::new(last.name));
        }
    };
    let resume = Resume { end: recovered.end, length: recovered.length, times, stored_index, is_closed };
    let writer = Writer::resume(last.clone(), resume, &options.writer());
    let link = Link::active(last.name, writer.index());
    (Writing::Here(writer), link)
}

/// What a read-only open sees, and whether a writer is at work.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) chain: Chain,
    pub(crate) report: Report,
    /// Whether nothing was met that another look may show otherwise.
    is_settled: bool,
}

impl Seen {
    /// What a strict open asks for.
    pub(crate) fn check_undamaged(&self) -> Result<()> {
        self.report.gaps.first().map_or(Ok(()), |gap| Err(Error::Damaged(gap.clone())))
    }
}

/// Looks at a log without writing anything.
pub(crate) fn look(storage: &Arc<dyn Storage>, folder: &Arc<dyn Folder>) -> Result<Seen> {
    let writer = match Lock::try_shared(storage, folder) {
        Ok(seen) => seen,
        // Where the lock may not even be opened, nothing can be said about a writer: trust only what is proven.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => WriterSeen::AtWork,
        Err(error) => return Err(error),
    };
    let nobody_writes = matches!(writer, WriterSeen::None(_));
    let mut looks = 1;
    loop {
        match look_once(folder, nobody_writes) {
            // A seal without a successor is a writer that rolls right now; damage may be a batch that is being
            // written.
            Ok(seen) if !nobody_writes && !seen.is_settled && looks < LOOKS => {}
            // What was listed is gone: trimmed right now.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound && looks < LOOKS => {}
            Ok(mut seen) => {
                seen.report.has_writer = !nobody_writes;
                return Ok(seen);
            }
            Err(error) => return Err(error),
        }
        looks += 1;
    }
}

fn look_once(folder: &Arc<dyn Folder>, nobody_writes: bool) -> Result<Seen> {
    let listing = Listing::read(&**folder)?;
    let mut report = Report::new(Found::Unclean);
    report.foreign = listing.foreign_paths(&**folder);
    match open_last(&**folder, &listing, OpenMode::Read)? {
        Ok(last) => look_at(folder, &listing, &last, nobody_writes, report),
        Err(name) if listing.names.len() > 1 => look_before(folder, &listing, name, report),
        Err(name) => Err(Error::NotALog { path: folder.path().join(name.to_string()) }),
    }
}

/// Sees everything before a last segment of which nothing can be read.
fn look_before(
    folder: &Arc<dyn Folder>,
    listing: &Listing,
    last: SegmentName,
    mut report: Report,
) -> Result<Seen> {
    let SegmentName { base, ordinal } = last;
    report.gaps.push(Gap {
        from: base,
        to: base,
        reason: GapReason::SegmentHeader,
        path: folder.path().join(last.to_string()),
        offset: 0,
        length: u64::from(HEADER_PAGE),
    });
    let end = End { ordinal, offset: HEADER_PAGE, position: base };
    let chain = link_up(Arc::clone(folder), listing, Link::new(last), end, end);
    note_chain(&chain, &mut report)?;
    Ok(Seen { chain, report, is_settled: false })
}

fn look_at(
    folder: &Arc<dyn Folder>,
    listing: &Listing,
    last: &Segment,
    nobody_writes: bool,
    mut report: Report,
) -> Result<Seen> {
    let recovered = recover::look(last, &mut report)?;
    let ordinal = last.name.ordinal;
    let written = End { ordinal, offset: recovered.end, position: recovered.position };
    // Nobody writes and the sync succeeds: then all that is valid is durable now.
    let is_durable = nobody_writes && last.file.sync().is_ok();
    let durable = match recovered.proven.filter(|_| !is_durable) {
        Some(proven) => End { ordinal, offset: proven.offset, position: proven.position },
        None => written,
    };
    let live = match recovered.next {
        Continue::Behind(_, tail) => {
            LiveIndex::new(tail.index, Times { least: tail.least, greatest: tail.greatest })
        }
        Continue::Here | Continue::InNext => LiveIndex::new(0, Times::ANY),
    };
    let link = Link::active(last.name, Arc::new(live));
    let chain = link_up(Arc::clone(folder), listing, link, written, durable);
    note_gone(&chain, &recovered, &mut report);
    note_chain(&chain, &mut report)?;
    let is_settled = !matches!(recovered.next, Continue::Behind(Kind::Seal, _)) && report.gaps.is_empty();
    Ok(Seen { chain, report, is_settled })
}

fn link_up(folder: Arc<dyn Folder>, listing: &Listing, last: Link, written: End, durable: End) -> Chain {
    let mut links: Vec<Arc<Link>> = listing.names.iter().map(|&name| Arc::new(Link::new(name))).collect();
    links.pop();
    links.push(Arc::new(last));
    Chain::new(folder, listing, links, written, durable)
}

/// A temporary file is a segment whose making was interrupted; nothing refers to it.
fn remove_temporary_files(folder: &dyn Folder, listing: &Listing) -> Result<()> {
    for name in listing.others.iter().filter(|name| is_temporary(name, ".tmp")) {
        let path = folder.path().join(name);
        match folder.remove(name) {
            // Only the name is like ours.
            Err(error) if error.kind() == ErrorKind::IsADirectory => {}
            removed => removed.map_err(Error::io("remove", &path, None))?,
        }
    }
    Ok(())
}

/// Opens the last segment, or says its name where it is beyond reading.
fn open_last(
    folder: &dyn Folder,
    listing: &Listing,
    mode: OpenMode,
) -> Result<std::result::Result<Segment, SegmentName>> {
    let Some(&name) = listing.names.last() else {
        return Err(Error::MissingSegments { path: folder.path().to_owned() });
    };
    Ok(match Segment::open(folder, name, mode, None)? {
        Opened::Segment(segment) => Ok(segment),
        Opened::Foreign | Opened::Unreadable => Err(name),
    })
}

/// Notes what an orderly end tells about segments that are gone since.
fn note_gone(chain: &Chain, recovered: &Recovered, report: &mut Report) {
    if let Continue::Behind(_, tail) = recovered.next {
        let start = chain.start();
        report.gone = tail.start.min(start)..start;
    }
}

/// Notes what names and headers alone tell about the segments before the last.
fn note_chain(chain: &Chain, report: &mut Report) -> Result<()> {
    let links = chain.links();
    for (link, next) in links.iter().zip(links.iter().skip(1)) {
        let skipped = link.name.ordinal + 1..next.name.ordinal;
        if !skipped.is_empty() {
            let from = end_position(chain, link)?;
            let path = chain.folder().path().join(next.name.to_string());
            let reason = chain.reason_of(skipped);
            report.gaps.push(Gap { from, to: next.name.base.max(from), reason, path, offset: 0, length: 0 });
        }
    }
    if let [.., before, last] = links.as_slice() {
        note_length(chain, before.name, last.name, report)?;
    }
    Ok(())
}

/// Where the events of a segment end whose successor is missing.
fn end_position(chain: &Chain, link: &Arc<Link>) -> Result<Position> {
    let Entered::Scope(scope) = chain.enter_link(link, ReadLevel::Written)? else {
        return Ok(link.name.base);
    };
    let mut window = Window::new(256 << 10);
    let front = Boundary { offset: HEADER_PAGE, position: link.name.base };
    let mut walker = Walker::new(front, scope.limit, scope.end);
    while !matches!(walker.step(&scope.segment, &mut window)?, Step::End) {}
    Ok(walker.position)
}

/// The segment before the last is the likeliest to be cut: it must be as long as the last one says.
fn note_length(chain: &Chain, before: SegmentName, last: SegmentName, report: &mut Report) -> Result<()> {
    let folder = &**chain.folder();
    let path = folder.path().join(before.to_string());
    let header = match Segment::open(folder, last, OpenMode::Read, None)? {
        Opened::Segment(Segment { header: Some(header), .. }) if last.ordinal == before.ordinal + 1 => header,
        _ => return Ok(()),
    };
    let length = match folder.open(&before.to_string(), OpenMode::Read).and_then(|file| file.len()) {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("measure", &path, None)(error)),
    };
    let end = u64::from(header.previous_end);
    if length < end {
        // Which positions that costs shows where a reader comes there.
        let (offset, reason) = (length, GapReason::Header);
        report.gaps.push(Gap { from: last.base, to: last.base, reason, path, offset, length: end - length });
    }
    Ok(())
}

impl Predecessor {
    /// The header of the segment that follows.
    pub(crate) fn successor(&self, header: SegmentHeader) -> SegmentHeader {
        SegmentHeader {
            ordinal: self.name.ordinal + 1,
            base: self.position,
            previous_salt: self.salt,
            previous_end: self.end,
            leftover: self.leftover,
            ..header
        }
    }
}
