//! Fuzz targets: functions that take any bytes and must neither panic nor allocate without bound.
//!
//! [`TARGETS`] is the one list. `tests/short.rs` runs each target on its seeds (`seeds/<name>/*`) and on
//! mutations of them, the same ones every time; `fuzz_targets/<name>.rs` runs it under libFuzzer
//! (`cargo fuzz run -s none <name>`).

pub mod init;
pub mod kafka;
pub mod ledger;
pub mod mutate;
pub mod operator;
pub mod zookeeper;

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, under the name of its seeds' directory.
pub const TARGETS: &[(&str, Target)] = &[
    ("properties", init::properties),
    ("lint", init::lint),
    ("meta_properties", init::meta_properties),
    ("config", init::config),
    ("template", init::template),
    ("override", operator::forced),
    ("kafka_frame", kafka::frame),
    ("kafka_scan_metadata", kafka::scan_metadata),
    ("kafka_scan_describe", kafka::scan_describe),
    ("kafka_log_dirs", kafka::describe_log_dirs),
    ("zookeeper_answer", zookeeper::answer),
    ("ledger_record", ledger::record),
    ("ledger_batches", ledger::batches),
    ("ledger_follow", ledger::follow),
];
