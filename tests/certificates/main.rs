//! Certificates made by the openssl command, good ones and bad ones, through `pillion init` and the checks behind it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

mod bad;
mod beside;
mod good;
#[path = "../init_support/mod.rs"]
mod init_support;
mod kafka;
mod openssl;
mod secrets;
