#![no_main]

use evlog_sim::fuzzing::reseal;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| evlog_fuzz::check("open_segment", bytes));

// Mutated bytes rarely have the right checksums, so every other mutation gets them.
fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(bytes, size, max_size);
    if seed.is_multiple_of(2) {
        reseal(&mut bytes[..size]);
    }
    size
});
