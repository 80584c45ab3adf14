//! pillion.
fn main() {}
