//! Standard output and error, written so that a closed pipe ends nothing badly.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// Writes to standard output, without colour unless it is a terminal. `false`: nobody reads it.
pub(super) fn print(text: impl Display) -> bool {
    let mut stdout = anstream::stdout().lock();
    write!(stdout, "{text}").and_then(|()| stdout.flush()).is_ok()
}

/// Writes a line to standard error.
pub(super) fn complain(text: impl Display) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "pillion: {text}");
}

/// Writes what speaks for itself, over several lines, to standard error.
pub(super) fn list(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Text from elsewhere, without what would steer a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same of several lines.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}
