//! The one door between C and Rust: what comes in is checked, what goes out is written only where all went well, and no
//! panic gets across.
//!
//! The types of arguments have the layout of pointers, as the header declares them. Only C can make them, and what the
//! header demands of pointers is what the `unsafe` in `memory` relies on. Handles need no `unsafe`: they are numbers.

#[cfg(feature = "test-hooks")]
mod made;
mod memory;
mod structures;

pub use memory::{
    ErrorOut, Growing, GrowingOut, Items, NewHandle, Optional, OptionalGrowingOut, OptionalHandle,
    OptionalOut, Out, Room, Slice, Word,
};
pub(crate) use memory::{Output, Plain};
pub use structures::{Extent, Metrics, Read, Verification};

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::failure::Failure;
use crate::handle::{Held, Id, Kind, Pinned, PinnedAlone, Refusal, Table, table};
use crate::status::{EVLOG_E_HANDLE, EVLOG_E_POISONED, EVLOG_END, EVLOG_OK, EVLOG_TIMEOUT, Status};

/// Why a call failed: its status, a text, and the numbers that a program may act on. One thread at a time.
pub struct Error(pub(crate) Failure);

impl Held for Error {
    const KIND: Kind = Kind::Error;
}

/// A handle that many calls may use at once.
#[repr(transparent)]
pub struct Shared<T>(*const T);

/// A handle that one call may use at a time.
#[repr(transparent)]
pub struct Alone<T>(*mut T);

/// A handle that many calls may use at once, or null for none.
#[repr(transparent)]
pub struct OrNull<T>(*const T);

/// A handle that the call ends.
#[repr(transparent)]
pub struct Owned<T>(*mut T);

/// What a call works on: handles, or nothing.
pub(crate) trait Subject {
    /// What the call gets of it.
    type Held;

    /// Finds it, and keeps it from going away.
    fn enter(&self) -> Result<Self::Held, Failure>;

    /// Has it refused from now on: a panic left it half-way.
    fn poison(&self);
}

/// What a call has to say, where it did not fail.
pub(crate) enum Answer<V> {
    /// `EVLOG_OK`, and this goes to where the caller said.
    Done(V),
    /// `EVLOG_END`.
    End,
    /// `EVLOG_TIMEOUT`.
    TimedOut,
}

/// What a call gives.
pub(crate) type Outcome<V> = Result<Answer<V>, Failure>;

/// Runs the body of an entry: finds what it works on, looks where its results go, catches its panics, and only then
/// writes results or an error.
#[expect(clippy::needless_pass_by_value, reason = "what C hands over is as large as a pointer")]
pub(crate) fn call<S: Subject, V, O: Output<V>>(
    subject: S,
    output: O,
    error: ErrorOut,
    body: impl FnOnce(&mut S::Held) -> Outcome<V>,
) -> Status {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let mut held = subject.enter()?;
        output.check()?;
        match body(&mut held)? {
            Answer::Done(value) => output.put(value).map(|()| EVLOG_OK),
            Answer::End => Ok(EVLOG_END),
            Answer::TimedOut => Ok(EVLOG_TIMEOUT),
        }
    }));
    let failure = match caught {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            subject.poison();
            Failure::panicked(&text_of(panic))
        }
    };
    error.put(failure)
}

/// Runs the body of an entry that cannot fail, but with a handle that stands for nothing: then it answers `otherwise`.
pub(crate) fn ask<S: Subject, R>(subject: &S, otherwise: R, body: impl FnOnce(&mut S::Held) -> R) -> R {
    let caught = catch_unwind(AssertUnwindSafe(|| subject.enter().ok().map(|mut held| body(&mut held))));
    match caught {
        Ok(answer) => answer.unwrap_or(otherwise),
        Err(panic) => {
            subject.poison();
            drop(text_of(panic));
            otherwise
        }
    }
}

/// Makes an object, and a handle for it; null where there is no room for one.
pub(crate) fn fresh<T: Held>(make: impl FnOnce() -> T) -> *mut T {
    let caught = catch_unwind(AssertUnwindSafe(|| table().and_then(|table| table.insert(make()))));
    match caught {
        Ok(id) => id.map_or(ptr::null_mut(), Id::to_pointer),
        Err(panic) => {
            drop(text_of(panic));
            ptr::null_mut()
        }
    }
}

/// Frees a handle; null is fine.
pub(crate) fn free<T: Held>(handle: &Owned<T>) -> Status {
    if handle.0.is_null() {
        return EVLOG_OK;
    }
    let release = || table().map(|table| table.release::<T>(Id::of_pointer(handle.0)));
    match catch_unwind(AssertUnwindSafe(release)) {
        Ok(Some(Ok(()))) => EVLOG_OK,
        Ok(_) => EVLOG_E_HANDLE,
        Err(panic) => {
            // The object is gone all the same.
            drop(text_of(panic));
            EVLOG_OK
        }
    }
}

/// What a panic said. Its payload is dropped where a second panic does no harm.
fn text_of(panic: Box<dyn Any + Send>) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned());
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(second);
    }
    text
}

fn the_table() -> Result<&'static Table, Failure> {
    table().ok_or_else(Failure::no_handle_left)
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Stale => Failure::new(
                EVLOG_E_HANDLE,
                "no such handle: it is null, was freed, is of another type, or was made before a fork",
            ),
            Refusal::Busy => Failure::new(
                EVLOG_E_HANDLE,
                "another thread is using this handle: batches, readers, options and errors are for one at a time",
            ),
            Refusal::Poisoned => {
                Failure::new(EVLOG_E_POISONED, "an earlier call with this handle panicked: free it")
            }
        }
    }
}

impl Subject for () {
    type Held = ();

    fn enter(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn poison(&self) {}
}

impl<A: Subject, B: Subject> Subject for (A, B) {
    type Held = (A::Held, B::Held);

    fn enter(&self) -> Result<Self::Held, Failure> {
        Ok((self.0.enter()?, self.1.enter()?))
    }

    fn poison(&self) {
        self.0.poison();
        self.1.poison();
    }
}

impl<T: Held> Subject for Shared<T> {
    type Held = Pinned<'static, T>;

    fn enter(&self) -> Result<Self::Held, Failure> {
        Ok(the_table()?.enter(Id::of_pointer(self.0))?)
    }

    fn poison(&self) {
        poison(self.0);
    }
}

impl<T: Held> Subject for Alone<T> {
    type Held = PinnedAlone<'static, T>;

    fn enter(&self) -> Result<Self::Held, Failure> {
        Ok(the_table()?.enter_alone(Id::of_pointer(self.0))?)
    }

    fn poison(&self) {
        poison(self.0);
    }
}

impl<T: Held> Subject for OrNull<T> {
    type Held = Option<Pinned<'static, T>>;

    fn enter(&self) -> Result<Self::Held, Failure> {
        if self.0.is_null() { Ok(None) } else { Shared(self.0).enter().map(Some) }
    }

    fn poison(&self) {
        poison(self.0);
    }
}

impl<T: Held> Subject for Owned<T> {
    type Held = Pinned<'static, T>;

    /// Frees the handle at once, whatever comes of the call; the object goes with the call.
    fn enter(&self) -> Result<Self::Held, Failure> {
        let table = the_table()?;
        let id = Id::of_pointer(self.0);
        let held = table.enter(id);
        table.release::<T>(id)?;
        Ok(held?)
    }

    fn poison(&self) {}
}

fn poison<T: Held>(handle: *const T) {
    if let Some(table) = table() {
        table.poison::<T>(Id::of_pointer(handle));
    }
}
