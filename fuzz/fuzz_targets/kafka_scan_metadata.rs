//! libFuzzer on `kafka::scan_metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pillion_fuzz::kafka::scan_metadata(data));
