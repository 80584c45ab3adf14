//! The runtime of the commands that wait for more than one thing.

use std::io;

/// Runs `work` on one thread. What blocks beside it is left behind at the end: a disk that hangs must not keep the
/// agent from stopping.
pub fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let output = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(output)
}
