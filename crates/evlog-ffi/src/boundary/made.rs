//! Arguments made by Rust, for tests that call the entries as C does.

use std::ffi::CStr;

use crate::boundary::memory::{
    ErrorOut, Growing, GrowingOut, Items, NewHandle, OptionalOut, Out, Room, Slice, Word,
};
use crate::boundary::{Alone, Error, OrNull, Owned, Shared};

impl<T> Shared<T> {
    pub(crate) fn at(handle: *mut T) -> Self {
        Shared(handle)
    }
}

impl<T> Alone<T> {
    pub(crate) fn at(handle: *mut T) -> Self {
        Alone(handle)
    }
}

impl<T> OrNull<T> {
    pub(crate) fn at(handle: *mut T) -> Self {
        OrNull(handle)
    }
}

impl<T> Owned<T> {
    pub(crate) fn at(handle: *mut T) -> Self {
        Owned(handle)
    }
}

impl Word {
    pub(crate) fn at(text: &CStr) -> Self {
        Word(text.as_ptr())
    }
}

impl Items<Slice> {
    pub(crate) fn at(slices: &[Slice]) -> Self {
        Items(slices.as_ptr())
    }
}

impl<T> Out<T> {
    pub(crate) fn at(place: &mut T) -> Self {
        Out(place)
    }
}

impl<T> OptionalOut<T> {
    pub(crate) fn at(place: &mut T) -> Self {
        OptionalOut(place)
    }
}

impl<T> NewHandle<T> {
    pub(crate) fn at(place: &mut *mut T) -> Self {
        NewHandle(place)
    }
}

impl ErrorOut {
    pub(crate) fn at(place: &mut *mut Error) -> Self {
        ErrorOut(place)
    }
}

impl<T> Room<T> {
    pub(crate) fn at(places: &mut [T]) -> Self {
        Room(places.as_mut_ptr())
    }
}

impl<T> Growing<T> {
    pub(crate) fn at(structure: &T) -> Self {
        Growing(structure)
    }
}

impl<T> GrowingOut<T> {
    pub(crate) fn at(structure: &mut T) -> Self {
        GrowingOut(structure)
    }
}
