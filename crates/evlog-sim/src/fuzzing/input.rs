//! From the bytes of a fuzzer to a list of deeds.

use std::fmt::Debug;

use arbitrary::{Arbitrary, Result, Unstructured};

/// What a check works on where it is more than bytes.
pub(crate) trait Case: for<'a> Arbitrary<'a> + Debug {
    /// Panics where a promise is broken; returns how many bytes the log had on disk.
    fn check(&self) -> usize;

    /// The case that the bytes stand for, if they are enough.
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::arbitrary_take_rest(Unstructured::new(bytes)).ok()
    }
}

/// A list of up to `MOST` things, its length first: of bytes drawn by lot, half of all lists are longer than half of
/// that. (What `Vec` does by itself is to ask before each element whether there is another one, so that every other
/// list is empty.)
pub(crate) fn list<'a, T: Arbitrary<'a>, const MOST: u8>(bytes: &mut Unstructured<'a>) -> Result<Vec<T>> {
    let count = bytes.int_in_range(0..=MOST)?;
    let mut list = Vec::new();
    while list.len() < usize::from(count) && !bytes.is_empty() {
        list.push(T::arbitrary(bytes)?);
    }
    Ok(list)
}
