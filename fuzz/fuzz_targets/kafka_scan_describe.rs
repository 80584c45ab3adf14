//! libFuzzer on `kafka::scan_describe`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pillion_fuzz::kafka::scan_describe(data));
