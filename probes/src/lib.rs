//! The judge: pure functions from observations to verdicts.

pub mod replicas;
pub mod time;
