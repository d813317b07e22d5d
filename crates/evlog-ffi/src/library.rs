//! What the library says of itself.

use std::ffi::{CStr, c_char};

use crate::abi::EVLOG_ABI;
use crate::status::{self, Status};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The interface of the library that is running. Compare it with `EVLOG_ABI`, the one this header describes.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_abi() -> u32 {
    EVLOG_ABI
}

/// The version of the library that is running, as `"0.1.0"`. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The name of a status, as `"EVLOG_E_IO"`; `"unknown status"` for a number that is none. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_status_name(status: Status) -> *const c_char {
    status::name(status).unwrap_or(c"unknown status").as_ptr()
}
