//! Bytes as the only segment of a log.

use std::path::Path;

use evlog_core::format::HEADER_PAGE;
use evlog_core::format::header::SegmentHeader;
use evlog_core::{Dump, DumpItem, Error, SegmentName};

use super::exercise::{Honesty, exercise};
use super::folder::{FOLDER, PATH};
use crate::SimDisk;

pub(crate) fn check(bytes: &[u8]) -> usize {
    let header = SegmentHeader::decode_page(&bytes[..bytes.len().min(HEADER_PAGE as usize)]);
    // A segment by another name is foreign, and that is soon found out: most inputs get the name they claim.
    let name = header.map_or(SegmentName { ordinal: 0, base: 0 }, |header| SegmentName {
        ordinal: header.ordinal,
        base: header.base,
    });
    let disk = SimDisk::new(1);
    disk.put_folder(FOLDER).unwrap();
    disk.put(&format!("{FOLDER}/{name}"), bytes.to_vec()).unwrap();
    dump(&disk, &name, bytes);
    let _ = exercise(&disk, Honesty::Forged);
    bytes.len()
}

/// The dump shows every byte behind the header page once, in order.
pub(crate) fn dump(disk: &SimDisk, name: &SegmentName, image: &[u8]) {
    let path = Path::new(PATH).join(name.to_string());
    let Ok(mut dump) = Dump::open_on(disk, &path) else { return };
    let mut next = u64::from(HEADER_PAGE);
    loop {
        let range = match dump.next() {
            Ok(Some(DumpItem::Batch { header, .. })) => {
                let at = header.offset as usize;
                assert_eq!(header.encode()[..], image[at..at + 64], "a batch that does not stand there");
                u64::from(header.offset)..u64::from(header.end_offset())
            }
            Ok(Some(DumpItem::Stretch { offset, length, non_zero, .. })) => {
                assert!(non_zero <= length);
                offset..offset + length
            }
            Ok(Some(other)) => panic!("{other:?} is new here"),
            Ok(None) => break,
            Err(Error::Unsupported { .. }) => return,
            Err(error) => panic!("dump: {error:?}"),
        };
        assert!(range.start == next && range.end > next, "the dump goes on with {range:?} behind {next}");
        next = range.end;
    }
    assert!(next >= image.len() as u64, "the dump ends with {next} of {}", image.len());
}
