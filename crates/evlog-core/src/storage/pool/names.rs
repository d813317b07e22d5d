//! Under which names that which is in use is found in a folder.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The names in one folder, by the numbers of the slots of what has them; none for what was removed.
#[derive(Debug, Default)]
pub(super) struct Names {
    changing: Mutex<()>,
    known: Mutex<HashMap<u64, String>>,
}

impl Names {
    fn known(&self) -> MutexGuard<'_, HashMap<u64, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one change of names after the other. Whoever opens something does not wait for it.
    pub(super) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens what has this name, and knows it from now on. Where its name changes meanwhile, nobody can tell what was
    /// opened, and it is done again.
    pub(super) fn open<T>(
        &self,
        id: u64,
        name: &str,
        mut open: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            // First, so that no change is missed.
            self.known().insert(id, name.to_owned());
            let opened = open();
            if opened.is_ok() && !self.is(id, name) {
                continue;
            }
            return opened.inspect_err(|_| self.forget(id));
        }
    }

    /// Opens what is known by this number under the name that it has now.
    pub(super) fn open_again<T>(
        &self,
        id: u64,
        mut open: impl FnMut(&str) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let name = self.known().get(&id).cloned().ok_or(io::ErrorKind::NotFound)?;
            let opened = open(&name);
            if opened.is_err() && !self.is(id, &name) {
                continue;
            }
            return opened;
        }
    }

    pub(super) fn is(&self, id: u64, name: &str) -> bool {
        self.known().get(&id).is_some_and(|known| known == name)
    }

    pub(super) fn forget(&self, id: u64) {
        self.known().remove(&id);
    }

    /// Follows a rename, within [`Names::changing`].
    pub(super) fn renamed(&self, from: &str, to: &str) {
        for name in self.known().values_mut().filter(|name| *name == from) {
            to.clone_into(name);
        }
    }

    /// What had this name has none any more, within [`Names::changing`].
    pub(super) fn removed(&self, name: &str) {
        self.known().retain(|_, known| known != name);
    }
}
