//! Escapes as `java.util.Properties.store` does.

use std::fmt::Write;

/// One entry as a line with its line end. Pure ASCII.
pub fn line(key: &str, value: &str) -> String {
    let mut out = line_key(key);
    out.push('=');
    escape(value, false, &mut out);
    out.push('\n');
    out
}

/// A key as it stands in a line.
pub fn line_key(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    escape(key, true, &mut out);
    out
}

/// In a key every blank would end it; in a value only a leading one is lost.
fn escape(text: &str, every_blank: bool, out: &mut String) {
    for (i, c) in text.chars().enumerate() {
        match c {
            ' ' if i > 0 && !every_blank => out.push(' '),
            ' ' => out.push_str("\\ "),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\x0c' => out.push_str("\\f"),
            '=' | ':' | '#' | '!' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
}
