/// Rises with every incompatible change of this header. See `evlog_abi` and `evlog_options_new`.
pub const EVLOG_ABI: u32 = 1;
