//! The caller's memory: what is read from it and what is written to it.
//!
//! What the header demands, and the `unsafe` here relies on: a pointer that is not null points to as much memory as its
//! type, or the length beside it, says; nobody else changes that memory during the call; texts end with a NUL. What can
//! be checked is checked: null, alignment, lengths that no memory has, UTF-8.

use std::ffi::{CStr, c_char};
use std::ptr;

use crate::boundary::Error;
use crate::failure::Failure;
use crate::handle::{Held, Id, table};
use crate::status::{EVLOG_E_UNSUPPORTED, Status};

/// A text: UTF-8, with a NUL at its end.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Word(pub(super) *const c_char);

impl Word {
    pub(crate) const NULL: Word = Word(ptr::null());

    /// The text; an error where the pointer is null or the text no UTF-8.
    pub(crate) fn text(&self, what: &str) -> Result<&str, Failure> {
        self.text_or_null(what)?.ok_or_else(|| Failure::invalid(format!("{what} is null")))
    }

    /// The text; none where the pointer is null.
    pub(crate) fn text_or_null(&self, what: &str) -> Result<Option<&str>, Failure> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: not null, so by the header a text with a NUL at its end, which nobody changes during the call.
        let text = unsafe { CStr::from_ptr(self.0) };
        let text =
            text.to_str().map_err(|error| Failure::invalid(format!("{what} is not UTF-8: {error}")))?;
        Ok(Some(text))
    }
}

/// Bytes: a payload. `data` may be null where `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    /// The first byte.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

impl Slice {
    /// The bytes; an error where no such memory can be.
    pub(crate) fn bytes(&self) -> Result<&[u8], Failure> {
        list(self.data, self.len, "a payload")
    }

    /// Bytes that somebody keeps until the time that the header states.
    pub(crate) fn of(bytes: &[u8]) -> Slice {
        Slice { data: bytes.as_ptr(), len: bytes.len() }
    }
}

/// The first of several values to be read.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Items<T>(pub(super) *const T);

impl Items<Slice> {
    /// So many payloads.
    pub(crate) fn list(&self, count: usize) -> Result<&[Slice], Failure> {
        list(self.0, count, "the list of payloads")
    }
}

fn list<'a, T>(first: *const T, count: usize, what: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    check(first, count, what)?;
    // SAFETY: not null, aligned, not longer than memory can be, and by the header as long as it says and left alone
    // during the call, beyond which nothing that is made of it lives.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Refuses what cannot be memory for so many values.
fn check<T>(first: *const T, count: usize, what: &str) -> Result<(), Failure> {
    if first.is_null() {
        return Err(Failure::invalid(format!("{what}: the pointer is null")));
    }
    if !first.is_aligned() {
        return Err(Failure::invalid(format!("{what}: the pointer is not aligned")));
    }
    let bytes = count.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok());
    match bytes.and_then(|bytes| first.addr().checked_add(bytes)) {
        Some(_) => Ok(()),
        None => Err(Failure::invalid(format!("{what}: no memory is that long"))),
    }
}

/// A value to be read, or null for none.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Optional<T>(pub(super) *const T);

impl<T: Copy> Optional<T> {
    pub(crate) const NONE: Optional<T> = Optional(ptr::null());
}

impl Optional<i64> {
    /// The value, if there is one.
    pub(crate) fn value(&self, what: &str) -> Result<Option<i64>, Failure> {
        if self.0.is_null() { Ok(None) } else { Ok(list(self.0, 1, what)?.first().copied()) }
    }
}

/// Where results go. All places are checked before the work begins, so that nothing is done in vain.
pub(crate) trait Output<V> {
    /// Whether something can be written.
    fn check(&self) -> Result<(), Failure>;

    /// Writes it; fails, if at all, before anything is written.
    fn put(&self, value: V) -> Result<(), Failure>;
}

/// Where a result goes.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Out<T>(pub(super) *mut T);

/// Where a result goes, or null where nobody wants it.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct OptionalOut<T>(pub(super) *mut T);

/// Where a new handle goes.
#[repr(transparent)]
pub struct NewHandle<T>(pub(super) *mut *mut T);

/// Where a new handle goes, or null where nobody wants it.
#[repr(transparent)]
pub struct OptionalHandle<T>(pub(super) *mut *mut T);

/// Where an error goes, or null where nobody wants it.
#[repr(transparent)]
pub struct ErrorOut(pub(super) *mut *mut Error);

/// Where up to so many results go.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Room<T>(pub(super) *mut T);

impl Output<()> for () {
    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn put(&self, (): ()) -> Result<(), Failure> {
        Ok(())
    }
}

impl<T: Copy> Output<T> for Out<T> {
    fn check(&self) -> Result<(), Failure> {
        check(self.0, 1, "where the result goes")
    }

    fn put(&self, value: T) -> Result<(), Failure> {
        self.check()?;
        // SAFETY: not null and aligned, so by the header memory for a `T`.
        unsafe { self.0.write(value) };
        Ok(())
    }
}

impl<T: Copy> Output<T> for OptionalOut<T> {
    fn check(&self) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { Out(self.0).check() }
    }

    fn put(&self, value: T) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { Out(self.0).put(value) }
    }
}

/// The first is the one that may still fail.
impl<A, B, V, W> Output<(V, W)> for (A, B)
where
    A: Output<V>,
    B: Output<W>,
{
    fn check(&self) -> Result<(), Failure> {
        self.0.check()?;
        self.1.check()
    }

    fn put(&self, (first, second): (V, W)) -> Result<(), Failure> {
        self.0.put(first)?;
        self.1.put(second)
    }
}

impl<T: Held> Output<T> for NewHandle<T> {
    fn check(&self) -> Result<(), Failure> {
        Out(self.0).check()
    }

    fn put(&self, object: T) -> Result<(), Failure> {
        self.check()?;
        let id = table().and_then(|table| table.insert(object)).ok_or_else(Failure::no_handle_left)?;
        Out(self.0).put(id.to_pointer())
    }
}

impl<T: Held> Output<T> for OptionalHandle<T> {
    fn check(&self) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { NewHandle(self.0).check() }
    }

    fn put(&self, object: T) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { NewHandle(self.0).put(object) }
    }
}

impl ErrorOut {
    /// Gives the error away, if somebody wants it. Null where there is no room for another handle.
    pub(crate) fn put(&self, failure: Failure) -> Status {
        let status = failure.status;
        if !self.0.is_null() && self.0.is_aligned() {
            let id = table().and_then(|table| table.insert(Error(failure)));
            // SAFETY: not null and aligned, so by the header memory for a pointer.
            unsafe { self.0.write(id.map_or(ptr::null_mut(), Id::to_pointer)) };
        }
        status
    }
}

impl<T: Copy> Room<T> {
    /// Whether there can be room for so many.
    pub(crate) fn check(&self, capacity: usize) -> Result<(), Failure> {
        check(self.0, capacity, "where the results go")
    }

    /// Writes them, from the first place on. There are at most as many as were checked.
    pub(crate) fn fill(&self, values: impl ExactSizeIterator<Item = T>) -> Result<(), Failure> {
        self.check(values.len())?;
        for (number, value) in values.enumerate() {
            // SAFETY: not null, and by the header memory for as many as were checked.
            let place = unsafe { self.0.add(number) };
            // SAFETY: as above, and aligned.
            unsafe { place.write(value) };
        }
        Ok(())
    }
}

/// A structure that may grow in later versions: its first field is the size that the caller knows.
///
/// # Safety
/// The first field is a `usize`, there is no padding, and every pattern of bits is a value.
pub(crate) unsafe trait Plain: Copy {
    /// With all bits zero, but the size.
    const ZERO: Self;
    /// The size of its first version: all callers know as much.
    const SHORTEST: usize;
}

/// A structure to be read, of the caller's version; null for one that is all zeros.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Growing<T>(pub(super) *const T);

impl<T> Growing<T> {
    /// What the caller's version says, zeros for what it does not know yet.
    pub(crate) fn value(&self) -> Result<T, Failure>
    where
        T: Plain,
    {
        let mut value = T::ZERO;
        if self.0.is_null() {
            return Ok(value);
        }
        let theirs = size_stated(self.0)?;
        let known = theirs.min(size_of::<T>());
        // SAFETY: the caller's structure has `theirs` bytes by its own word, the own one has `size_of`.
        unsafe { ptr::copy_nonoverlapping(self.0.cast::<u8>(), (&raw mut value).cast::<u8>(), known) };
        if theirs > known {
            // SAFETY: as above; what is looked at lies within `theirs`.
            let unknown = unsafe { self.0.cast::<u8>().add(known) };
            let unknown = list(unknown, theirs - known, "a structure")?;
            if unknown.iter().any(|&byte| byte != 0) {
                let text = "the structure asks for something that this version does not know";
                return Err(Failure::new(EVLOG_E_UNSUPPORTED, text));
            }
        }
        Ok(value)
    }
}

/// Where a structure goes, of the caller's version. Its size is set to what was written.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct GrowingOut<T>(pub(super) *mut T);

impl<T: Plain> Output<T> for GrowingOut<T> {
    fn check(&self) -> Result<(), Failure> {
        if self.0.is_null() {
            return Err(Failure::invalid("where the result goes: the pointer is null"));
        }
        size_stated(self.0).map(drop)
    }

    fn put(&self, value: T) -> Result<(), Failure> {
        let written = size_stated(self.0)?.min(size_of::<T>());
        // SAFETY: the caller's structure has as many bytes by its own word, the own one has `size_of`.
        unsafe { ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), self.0.cast::<u8>(), written) };
        // SAFETY: the first field is a `usize`, and was read before.
        unsafe { self.0.cast::<usize>().write(written) };
        Ok(())
    }
}

/// As [`GrowingOut`], or null where nobody wants it.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct OptionalGrowingOut<T>(pub(super) *mut T);

impl<T: Plain> Output<T> for OptionalGrowingOut<T> {
    fn check(&self) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { GrowingOut(self.0).check() }
    }

    fn put(&self, value: T) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { GrowingOut(self.0).put(value) }
    }
}

/// The size that a structure of the caller's states.
fn size_stated<T: Plain>(structure: *const T) -> Result<usize, Failure> {
    check(structure, 1, "a structure")?;
    // SAFETY: not null and aligned, so by the header a structure that begins with its size.
    let size = unsafe { structure.cast::<usize>().read() };
    if size < T::SHORTEST || size > LARGEST_STRUCTURE {
        return Err(Failure::invalid(format!("a structure with a size of {size}: set its size to sizeof")));
    }
    Ok(size)
}

/// No later version of a structure is larger, in bytes; what is, was never set.
const LARGEST_STRUCTURE: usize = 4_096;
