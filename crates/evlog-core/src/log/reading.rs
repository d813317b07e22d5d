//! The reading side of a log, which is its [`View`].

use std::ops::Range;
use std::path::Path;

use super::Log;
use crate::error::Result;
use crate::position::{Position, Timestamp};
use crate::read::{OwnedEvent, Read};
use crate::reader::Reader;
use crate::verify::{Progress, Verification};
use crate::view::{SegmentSummary, View};

impl Log {
    /// The reading side of this log, which goes on while the log is appended to.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// As [`View::read`].
    ///
    /// # Errors
    /// As for [`View::read`].
    pub fn read(&self, read: impl Into<Read>) -> Result<Reader> {
        self.view.read(read)
    }

    /// As [`View::last`].
    ///
    /// # Errors
    /// As for [`View::last`].
    pub fn last(&self, count: u64) -> Result<Vec<OwnedEvent>> {
        self.view.last(count)
    }

    /// As [`View::latest`].
    ///
    /// # Errors
    /// As for [`View::latest`].
    pub fn latest(&self) -> Result<Option<OwnedEvent>> {
        self.view.latest()
    }

    /// As [`View::find`].
    ///
    /// # Errors
    /// As for [`View::find`].
    pub fn find(&self, time: Timestamp) -> Result<Position> {
        self.view.find(time)
    }

    /// As [`View::range`].
    pub fn range(&self) -> Range<Position> {
        self.view.range()
    }

    /// As [`View::durable_end`].
    pub fn durable_end(&self) -> Position {
        self.view.durable_end()
    }

    /// As [`View::segments`].
    ///
    /// # Errors
    /// As for [`View::segments`].
    pub fn segments(&self) -> Result<Vec<SegmentSummary>> {
        self.view.segments()
    }

    /// As [`View::verify`].
    ///
    /// # Errors
    /// As for [`View::verify`].
    pub fn verify(&self, progress: impl FnMut(Progress)) -> Result<Verification> {
        self.view.verify(progress)
    }

    /// As [`View::incarnation`].
    pub fn incarnation(&self) -> [u8; 16] {
        self.view.incarnation()
    }

    /// As [`View::path`].
    pub fn path(&self) -> &Path {
        self.view.path()
    }
}
