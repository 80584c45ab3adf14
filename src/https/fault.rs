//! Why no answer came.

/// Why no answer came. Whoever asked knows what to call the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No connection, or a lost one.
    Unreachable(String),
    /// Nothing within the deadline.
    Silent,
    /// Its certificate is not one of the authorities'.
    Untrusted(String),
    /// What answers speaks something else.
    Nonsense(String),
    /// The answer is larger than so many bytes.
    TooLarge(usize),
}

/// What hyper says of a connection.
#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn lost(error: hyper::Error) -> Fault {
    // The cause that lies deepest: hyper's own words say little.
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    Fault::Unreachable(deepest.to_string())
}
