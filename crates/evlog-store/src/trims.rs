//! Word of what was trimmed, for who answers for a topic and may not be the one who trims it.
//!
//! What is gone is all that lies before the start, so nothing has to be kept for those who listen: each remembers how
//! much it was told, and a slow one is told more at a time.

use std::ops::Range;
#[cfg(feature = "async")]
use std::pin::Pin;
#[cfg(feature = "async")]
use std::task::{Context, Poll, ready};
use std::time::Duration;

use evlog_core::Position;

use crate::committer::OpenTopic;
use crate::error::Result;
use crate::sync::Arc;
use crate::watermark::Goal;
#[cfg(feature = "async")]
use crate::watermark::Seat;

/// Tells which events of a topic were trimmed, whoever did it: retention, [`Topic::trim_before`](crate::Topic::trim_before)
/// or another process. See [`Topic::trims`](crate::Topic::trims).
///
/// Every position is told once, in order, and none is left out: what goes while nobody asks is told the next time, as
/// one range. So there is nothing that could overflow.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events");
/// # use evlog_store::{Options, Store};
/// # use std::time::Duration;
/// # let store = Store::open(&path, &Options::new())?;
/// # let orders = store.topic("orders")?;
/// let mut trims = orders.trims(orders.range().start);
/// for text in ["shoes", "socks"] {
///     orders.append(text)?.wait()?;
/// }
/// orders.roll()?;
/// orders.trim_before(2)?;
/// assert_eq!(trims.next(Some(Duration::from_secs(1)))?, Some(0..2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trims {
    topic: Arc<OpenTopic>,
    /// Everything before this was told.
    told: Position,
    #[cfg(feature = "async")]
    seat: Option<Seat>,
    /// The stream has said how it ends.
    #[cfg(feature = "async")]
    is_over: bool,
}

impl Trims {
    pub(crate) fn new(told: Position, topic: Arc<OpenTopic>) -> Trims {
        Trims {
            topic,
            told,
            #[cfg(feature = "async")]
            seat: None,
            #[cfg(feature = "async")]
            is_over: false,
        }
    }

    /// The positions that were trimmed since the last call, once there are any; `None` where `timeout` passed before.
    /// Without a timeout it waits as long as the topic can change.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed) where the topic was closed, and [`evlog_core::Error::Poisoned`] where it takes no more
    /// appends: it is not trimmed then either. What went before is told first.
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<Option<Range<Position>>> {
        let is_there = self.topic.wait_until(Goal::Trim(self.told), timeout)?;
        Ok(is_there.then(|| self.tell()))
    }

    /// Everything before this was told. Kept somewhere, it is where to go on after a restart.
    pub fn position(&self) -> Position {
        self.told
    }

    fn tell(&mut self) -> Range<Position> {
        let from = std::mem::replace(&mut self.told, self.topic.view.range().start);
        from..self.told
    }
}

#[cfg(feature = "async")]
impl futures_core::Stream for Trims {
    type Item = Result<Range<Position>>;

    /// The positions that were trimmed since the last time. The stream ends where the topic was closed, and behind the
    /// error that says that it was poisoned.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        match ready!(this.topic.poll_until(Goal::Trim(this.told), context, &mut this.seat)) {
            Ok(()) => Poll::Ready(Some(Ok(this.tell()))),
            Err(error) => {
                this.is_over = error.is_the_end();
                Poll::Ready((!error.is_close()).then_some(Err(error)))
            }
        }
    }
}
