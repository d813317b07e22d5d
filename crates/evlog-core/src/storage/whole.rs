//! Reads and writes that go on until all is done, and what the errors between tell.

use std::io::{self, IoSlice};

use super::File;

/// Whether an error of an open file says that the file is not there any more: a [`Pool`](super::Pool) had closed it.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle)
}

/// Whether an error says only that there is no room, and nothing about what the disk holds.
pub(crate) fn is_no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
}

/// Reads until `buffer` is full or the file ends, and returns how many bytes that were. An interrupted or short
/// read is none of the caller's business.
pub(crate) fn read_full(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// What came of writing several pieces: how many bytes are there, and what stopped the rest.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) bytes: usize,
    pub(crate) error: Option<io::Error>,
}

/// Writes all pieces at `offset`, going on after interruptions and after short writes that made progress.
pub(crate) fn write_full(file: &dyn File, pieces: &[&[u8]], offset: u64) -> Written {
    let total: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = 0;
    while bytes < total {
        let mut skip = bytes;
        let rest: Vec<IoSlice<'_>> = pieces
            .iter()
            .filter_map(|piece| {
                let begin = skip.min(piece.len());
                skip -= begin;
                (begin < piece.len()).then(|| IoSlice::new(&piece[begin..]))
            })
            .collect();
        match file.write_at(&rest, offset + bytes as u64) {
            Ok(0) => return Written { bytes, error: Some(io::ErrorKind::WriteZero.into()) },
            Ok(count) => bytes += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Written { bytes, error: Some(error) },
        }
    }
    Written { bytes, error: None }
}
