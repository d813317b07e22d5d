//! Options by their names, those of the command's `-o`.

use std::ptr;

use crate::abi::EVLOG_ABI;
use crate::boundary::{Alone, Answer, ErrorOut, Owned, Word, call, free, fresh};
use crate::handle::{Held, Kind};
use crate::status::Status;

/// How to open a store: names and values, those of the command's `-o NAME=VALUE`. One thread at a time.
pub struct Options(pub(crate) evlog_store::Options);

impl Held for Options {
    const KIND: Kind = Kind::Options;
}

/// Options that say nothing yet: the defaults. Pass `EVLOG_ABI`; null where the library that is running has another
/// interface than this header, or where there are too many handles. Free it with `evlog_options_free`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_options_new(abi: u32) -> *mut Options {
    if abi == EVLOG_ABI { fresh(|| Options(evlog_store::Options::new())) } else { ptr::null_mut() }
}

/// Sets an option by its name; an unknown name is an error. The names are in docs/C-API.md.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_options_set(
    options: Alone<Options>,
    name: Word,
    value: Word,
    err: ErrorOut,
) -> Status {
    call(options, (), err, |options| {
        options.0.set(name.text("the name")?, value.text("the value")?)?;
        Ok(Answer::Done(()))
    })
}

/// Frees options; null is fine.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_options_free(options: Owned<Options>) -> Status {
    free(&options)
}
