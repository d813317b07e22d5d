#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evlog_fuzz::check("ffi_calls", bytes));
