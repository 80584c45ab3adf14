//! The way into the namespaces. The program runs three times over:
//!
//! 1. outside: holds the lock, has the parts made, waits for the end, and removes what namespaces do not;
//! 2. as process 1 of the new namespaces: prepares mounts and network, then only waits, so that orphans are reaped;
//! 3. inside: goes on as if it had been there all the time.

mod first;
mod lock;
mod mounts;
mod outside;
mod ways;

use std::env;

use anyhow::{Result, bail};

/// Says which of the three a process is.
const STAGE: &str = "KUBE_BED_STAGE";
const FIRST: &str = "first";
const INSIDE: &str = "inside";

/// The proof that this process is inside.
#[derive(Debug)]
pub struct Inside(());

/// Returns inside, once. Outside it runs this program again with the same arguments, and ends with what that ends with.
///
/// To be called from the main thread, before anything else is begun.
pub fn enter() -> Result<Inside> {
    match env::var(STAGE).as_deref() {
        Err(_) => outside::run(),
        Ok(FIRST) => first::run(),
        Ok(INSIDE) => Ok(Inside(())),
        Ok(other) => bail!("{STAGE} is {other:?}, which only the bed itself sets: unset it"),
    }
}
