//! Prints the scanner's rows: `cargo bench --bench scan`.

mod answers;
mod hostile;
mod rows;

use std::io::{self, Write};

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Bytes of heap that `work` needed at its peak, beyond what was in use before.
fn peak_of(work: &mut dyn FnMut()) -> usize {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    work();
    HEAP.peak_usage().saturating_sub(before)
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for row in rows::rows(&peak_of) {
        writeln!(out, "{row}")?;
    }
    Ok(())
}
