//! Which files of a folder are the segments of its log. The names tell it; the headers only where names disagree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::format::MAX_ORDINAL;
use crate::segment::{Opened, Segment, SegmentName};
use crate::storage::{Folder, OpenMode};

/// The segments of a log, and the files that only look like segments of it.
#[derive(Debug)]
pub(crate) struct Listing {
    /// In order of ordinals, and so of bases. There is at least one.
    pub(crate) names: Vec<SegmentName>,
    pub(crate) foreign: BTreeSet<SegmentName>,
    /// Names of files that are no segments.
    pub(crate) others: Vec<String>,
    /// All zeros where no header tells it.
    pub(crate) incarnation: [u8; 16],
}

/// A file that may be a segment: its name, and what its header tells, if that is good.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    name: SegmentName,
    told: Option<Told>,
}

impl Candidate {
    /// Whether it says that it was made behind `before`. One whose base falls was not, whatever it says: recovery, to
    /// which it is foreign, gives its ordinal to a segment that was.
    fn follows(&self, before: &Candidate) -> bool {
        let is_told = self.told.zip(before.told).is_some_and(|(told, of)| told.previous_salt == of.salt);
        is_told && self.name.base >= before.name.base
    }
}

#[derive(Clone, Copy, Debug)]
struct Told {
    incarnation: [u8; 16],
    salt: u64,
    previous_salt: u64,
}

impl Listing {
    /// Lists the segments of a log. Where all names agree, only the first and the last header are read.
    pub(crate) fn read(folder: &dyn Folder) -> Result<Listing> {
        let (names, others) = names(folder)?;
        let (Some(&first), Some(&last)) = (names.first(), names.last()) else { return Err(missing(folder)) };
        let in_order =
            names.windows(2).all(|pair| pair[0].ordinal < pair[1].ordinal && pair[0].base <= pair[1].base);
        if in_order
            && let Some(Candidate { told: Some(of_first), .. }) = look(folder, first)?
            && let Some(Candidate { told: Some(of_last), .. }) = look(folder, last)?
            && of_first.incarnation == of_last.incarnation
        {
            let (foreign, incarnation) = (BTreeSet::new(), of_first.incarnation);
            return Ok(Listing { names, foreign, others, incarnation });
        }
        Ok(Listing { others, ..Listing::sort_out(folder, &names, None)? })
    }

    /// Reads all headers, and tells by them which files belong to the log; `incarnation`, where that is known.
    ///
    /// # Errors
    /// [`Error::NotALog`] where that cannot be told.
    pub(crate) fn sort_out(
        folder: &dyn Folder,
        names: &[SegmentName],
        incarnation: Option<[u8; 16]>,
    ) -> Result<Listing> {
        let mut candidates = Vec::with_capacity(names.len());
        for &name in names {
            candidates.extend(look(folder, name)?);
        }
        let told = match incarnation {
            Some(incarnation) => Some(incarnation),
            None => most_named(&candidates).map_err(|name| not_a_log(folder, name))?,
        };
        let incarnation = told.unwrap_or_default();
        candidates.retain(|candidate| candidate.told.is_none_or(|it| it.incarnation == incarnation));
        let chain = chain_of(&candidates).map_err(|name| not_a_log(folder, name))?;
        let kept = in_order(&chain);
        let foreign = names.iter().copied().filter(|name| kept.binary_search(name).is_err()).collect();
        if kept.is_empty() {
            return Err(missing(folder));
        }
        Ok(Listing { names: kept, foreign, others: Vec::new(), incarnation })
    }

    /// The paths of the foreign files.
    pub(crate) fn foreign_paths(&self, folder: &dyn Folder) -> Vec<PathBuf> {
        self.foreign.iter().map(|name| folder.path().join(name.to_string())).collect()
    }
}

/// The names of segments in a folder, in order, and the other names.
pub(crate) fn names(folder: &dyn Folder) -> Result<(Vec<SegmentName>, Vec<String>)> {
    let mut others = folder.names().map_err(Error::io("list", folder.path(), None))?;
    let mut names = Vec::new();
    others.retain(|text| match SegmentName::parse(text).filter(|name| name.ordinal <= MAX_ORDINAL) {
        Some(name) => {
            names.push(name);
            false
        }
        None => true,
    });
    names.sort_unstable();
    Ok((names, others))
}

fn missing(folder: &dyn Folder) -> Error {
    Error::MissingSegments { path: folder.path().to_owned() }
}

fn not_a_log(folder: &dyn Folder, name: SegmentName) -> Error {
    Error::NotALog { path: folder.path().join(name.to_string()) }
}

/// Reads the header of a file; `None` where it is sound and tells another name.
fn look(folder: &dyn Folder, name: SegmentName) -> Result<Option<Candidate>> {
    let told = match Segment::open(folder, name, OpenMode::Read, None)? {
        Opened::Segment(segment) => segment.header.map(|header| Told {
            incarnation: header.incarnation,
            salt: header.salt,
            previous_salt: header.previous_salt,
        }),
        Opened::Unreadable => None,
        Opened::Foreign => return Ok(None),
    };
    Ok(Some(Candidate { name, told }))
}

/// The incarnation that both ends name, else the one that most headers name; `None` where no header is good. The error
/// is a file of one of several logs that are named equally often.
fn most_named(candidates: &[Candidate]) -> std::result::Result<Option<[u8; 16]>, SegmentName> {
    let (Some(first), Some(last)) = (candidates.first(), candidates.last()) else { return Ok(None) };
    if let (Some(of_first), Some(of_last)) = (first.told, last.told)
        && of_first.incarnation == of_last.incarnation
    {
        return Ok(Some(of_first.incarnation));
    }
    let mut counts: BTreeMap<[u8; 16], u64> = BTreeMap::new();
    for told in candidates.iter().filter_map(|candidate| candidate.told) {
        *counts.entry(told.incarnation).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let mut winners =
        counts.into_iter().filter(|&(_, count)| count == most).map(|(incarnation, _)| incarnation);
    match (winners.next(), winners.next()) {
        (_, Some(_)) => Err(last.name),
        (winner, None) => Ok(winner),
    }
}

/// Goes backwards from the highest ordinal and picks one candidate for each, as far as salts and headers tell. The
/// error is one of several between which nothing decides.
fn chain_of(candidates: &[Candidate]) -> std::result::Result<Vec<Candidate>, SegmentName> {
    let mut chain: Vec<Candidate> = Vec::new();
    let mut rest = candidates;
    while let Some(last) = rest.last() {
        let ordinal = last.name.ordinal;
        let from = rest.partition_point(|candidate| candidate.name.ordinal < ordinal);
        let mut here = rest[from..].to_vec();
        rest = &rest[..from];
        let stated = chain.last().filter(|next| next.name.ordinal == ordinal + 1).and_then(|next| next.told);
        if let Some(next) = stated {
            here.retain(|candidate| candidate.told.is_none_or(|told| told.salt == next.previous_salt));
        }
        if here.iter().any(|candidate| candidate.told.is_some()) {
            here.retain(|candidate| candidate.told.is_some());
        }
        if here.len() > 1 {
            let before = rest.iter().rev().take_while(|before| before.name.ordinal + 1 == ordinal);
            here.retain(|candidate| before.clone().any(|before| candidate.follows(before)));
            if here.len() != 1 {
                return Err(last.name);
            }
        }
        chain.extend(here);
    }
    chain.reverse();
    Ok(chain)
}

/// The names of a chain without those by which bases would fall. A name without a good header to vouch for it yields
/// to one with.
fn in_order(chain: &[Candidate]) -> Vec<SegmentName> {
    let mut ceiling = u64::MAX;
    let mut below: Vec<SegmentName> = Vec::with_capacity(chain.len());
    for candidate in chain.iter().rev() {
        if candidate.told.is_some() {
            ceiling = ceiling.min(candidate.name.base);
            below.push(candidate.name);
        } else if candidate.name.base <= ceiling {
            below.push(candidate.name);
        }
    }
    let mut floor = 0;
    below.reverse();
    below.retain(|name| {
        let fits = name.base >= floor;
        floor = floor.max(name.base);
        fits
    });
    below
}
