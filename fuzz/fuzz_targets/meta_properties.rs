//! libFuzzer on `init::meta_properties`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pillion_fuzz::init::meta_properties(data));
