//! The commands, one a module.

pub(crate) mod append;
pub(crate) mod completions;
pub(crate) mod dump;
pub(crate) mod history;
pub(crate) mod info;
pub(crate) mod last;
pub(crate) mod read;
pub(crate) mod topics;
pub(crate) mod verify;

mod table;

use crate::console::Console;
use crate::store::Store;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) store: Store,
    /// Whether results are JSON.
    pub(crate) is_json: bool,
}
