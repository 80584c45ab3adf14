//! libFuzzer on `init::template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pillion_fuzz::init::template(data));
