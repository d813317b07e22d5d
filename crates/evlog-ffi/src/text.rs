//! Texts that the library makes: reports, lists.

use std::ffi::{CString, c_char};

use crate::boundary::{Owned, Shared, ask, free};
use crate::handle::{Held, Kind};
use crate::status::Status;

/// A text that the library made: UTF-8 with a NUL at its end. Any threads at once.
pub struct Text(CString);

impl Held for Text {
    const KIND: Kind = Kind::Text;
}

impl Text {
    pub(crate) fn new(text: &str) -> Text {
        // JSON and Prometheus' format escape a NUL; should one get here, the text ends before it.
        let end = text.find('\0').unwrap_or(text.len());
        Text(CString::new(&text[..end]).unwrap_or_default())
    }
}

/// The text. Lives as long as its handle; null where there is no such handle.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_text_string(text: Shared<Text>) -> *const c_char {
    ask(&text, std::ptr::null(), |text| text.0.as_ptr())
}

/// How many bytes the text has, without the NUL; 0 where there is no such handle.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_text_len(text: Shared<Text>) -> usize {
    ask(&text, 0, |text| text.0.as_bytes().len())
}

/// Frees a text; null is fine.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_text_free(text: Owned<Text>) -> Status {
    free(&text)
}
