//! libFuzzer on `kafka::describe_log_dirs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pillion_fuzz::kafka::describe_log_dirs(data));
