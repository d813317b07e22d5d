//! The bytes on disk: what they mean and how large they may be. No I/O happens here.
//!
//! `docs/FORMAT.md` is the normative text; its tables are compared with [`LAYOUTS`] and [`LIMITS`].

mod layout;

pub mod batch;
pub mod checksum;
pub mod header;
pub mod record;
pub mod tail;

pub use layout::{Field, Layout};

/// The version that this code writes and reads. 0 means that the format may still change.
pub const VERSION: u16 = 0;

/// Bytes of the page that begins a segment; the first batch stands behind it.
pub const HEADER_PAGE: u32 = 4096;

/// Largest batch, padding included, in bytes.
pub const MAX_BATCH: u32 = 64 << 20;

/// Most events in one batch.
pub const MAX_EVENTS: u32 = 1 << 20;

/// Largest size of a segment in bytes; a longer file is looked at up to here.
pub const MAX_SEGMENT: u32 = u32::MAX;
/// Largest number of a segment: ordinals have ten digits in names.
pub const MAX_ORDINAL: u64 = 9_999_999_999;

/// What every start and every length in a segment is a multiple of, in bytes.
pub const ALIGNMENT: u32 = 8;

/// Every structure of the format, for the comparison with the document.
pub const LAYOUTS: &[Layout] = &[
    header::LAYOUT,
    header::HINT_LAYOUT,
    batch::LAYOUT,
    record::LAYOUT,
    tail::TAIL_LAYOUT,
    tail::INDEX_LAYOUT,
];

/// Every limit of the format, for the comparison with the document.
pub const LIMITS: &[(&str, u64)] = &[
    ("batch bytes", MAX_BATCH as u64),
    ("events in a batch", MAX_EVENTS as u64),
    ("segment bytes", MAX_SEGMENT as u64),
    ("header page", HEADER_PAGE as u64),
    ("alignment", ALIGNMENT as u64),
];

/// `length` rounded up to the next multiple of [`ALIGNMENT`].
pub const fn aligned(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT as usize)
}

#[cfg(test)]
mod tests {
    use super::LAYOUTS;

    #[test]
    fn fields_follow_each_other_without_holes() {
        for layout in LAYOUTS {
            let mut at = 0;
            for field in layout.fields {
                assert_eq!(field.offset, at, "{} of {}", field.name, layout.name);
                at += field.size;
            }
            assert_eq!(at, layout.size, "{}", layout.name);
        }
    }
}
