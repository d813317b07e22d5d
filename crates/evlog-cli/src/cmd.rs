//! The commands, one a module.

pub(crate) mod append;
pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod dump;
pub(crate) mod history;
pub(crate) mod info;
pub(crate) mod last;
pub(crate) mod man;
pub(crate) mod read;
pub(crate) mod rm;
pub(crate) mod topics;
pub(crate) mod trim;
pub(crate) mod verify;

mod consent;
mod follow;
mod table;

use evlog_store::TopicName;

use crate::console::{self, Console};
use crate::exit::{Exit, Failure};
use crate::store::Store;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) store: Store,
    /// Whether results are JSON.
    pub(crate) is_json: bool,
}

/// Does the same with every topic, also behind one where it fails. Ends as the first failure does, else as the last
/// topic that was not well.
fn each_topic<'a>(
    topics: &'a [TopicName],
    mut run: impl FnMut(&'a TopicName) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut first_failure = None;
    for topic in topics {
        match run(topic) {
            Ok(Exit::Done) => {}
            Ok(worse) => exit = worse,
            Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
            Err(failure) if first_failure.is_none() => first_failure = Some(failure),
            Err(failure) => console::error(&failure),
        }
    }
    first_failure.map_or(Ok(exit), Err)
}
