//! libFuzzer on `zookeeper::answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pillion_fuzz::zookeeper::answer(data));
