//! How a log is opened.

use crate::batch::MOST_PADDING;
use crate::error::{Error, Result};

/// What an open does where it meets damage: in the last segment, or segments that are missing before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// It succeeds; the damage stands in the report and is a gap for readers.
    #[default]
    Tolerant,
    /// It fails with [`Error::Damaged`] and changes nothing.
    Strict,
}

/// What an open does where there is no log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Create {
    /// It makes one.
    #[default]
    IfMissing,
    /// It fails with [`Error::NotFound`].
    Never,
}

/// How to open a [`Log`](crate::Log), in the manner of [`std::fs::OpenOptions`].
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// use evlog_core::Options;
///
/// let log = Options::new().segment_bytes(16 << 20).open(&path)?;
/// # drop(log);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) segment_bytes: u64,
    pub(crate) pad_group_to: Option<u32>,
    pub(crate) recovery: Recovery,
    pub(crate) create: Create,
}

/// Least and greatest size at which a segment is rolled, in bytes. The least leaves room for a header page and an
/// event; the greatest leaves room for one more batch of the largest size.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = (8 << 10)..=(3 << 30);

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// Segments of 64 MiB, no padding, tolerant recovery, and a log is made where there is none.
    pub fn new() -> Options {
        Options {
            segment_bytes: 64 << 20,
            pad_group_to: None,
            recovery: Recovery::default(),
            create: Create::default(),
        }
    }

    /// Size in bytes at which the next segment is started; 8 KiB to 3 GiB, 64 MiB by default. One that holds a
    /// single larger group is larger.
    pub fn segment_bytes(&mut self, bytes: u64) -> &mut Options {
        self.segment_bytes = bytes;
        self
    }

    /// Pads every group to a multiple of so many bytes, a power of two from 512 to 65,536, for disks on which a write
    /// may damage bytes beside those written. Not by default.
    pub fn pad_group_to(&mut self, bytes: Option<u32>) -> &mut Options {
        self.pad_group_to = bytes;
        self
    }

    /// What to do about damage; tolerant by default.
    pub fn recovery(&mut self, recovery: Recovery) -> &mut Options {
        self.recovery = recovery;
        self
    }

    /// What to do where there is no log; make one by default.
    pub fn create(&mut self, create: Create) -> &mut Options {
        self.create = create;
        self
    }

    /// Refuses values that make no sense.
    pub(crate) fn check(&self) -> Result<()> {
        if !SEGMENT_BYTES.contains(&self.segment_bytes) {
            let reason = "a segment has 8 KiB to 3 GiB";
            return Err(Error::InvalidOption { name: "segment_bytes", value: self.segment_bytes, reason });
        }
        if let Some(bytes) = self.pad_group_to
            && !(bytes.is_power_of_two() && (512..=MOST_PADDING).contains(&bytes))
        {
            let reason = "padding is a power of two from 512 to 65,536";
            return Err(Error::InvalidOption { name: "pad_group_to", value: u64::from(bytes), reason });
        }
        Ok(())
    }
}
