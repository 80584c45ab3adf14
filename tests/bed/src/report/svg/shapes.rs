//! Bars and words.

use std::fmt::{Display, Write};

use super::scale::{self, Scale};

/// About the width of a character.
pub(super) const CHARACTER: f64 = 6.4;

/// A label within a bar, if there is room for it.
pub(super) fn inside(body: &mut String, scale: &Scale, (from, to): (f64, f64), y: f64, label: &str) {
    let (left, right) = (scale.x(from), scale.x(to));
    if right - left > count(label.chars().count()) * CHARACTER + 8.0 {
        text(body, "inside", "middle", f64::midpoint(left, right), y, label);
    }
}

pub(super) fn rect(
    body: &mut String,
    class: &str,
    scale: &Scale,
    span: (f64, f64),
    (y, height): (f64, f64),
    title: &str,
) {
    let (x, end) = (scale.x(span.0), scale.x(span.1));
    // What was wrong for an instant must still be seen.
    let width = (end - x).max(1.0);
    let _ = write!(
        body,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{height}\""
    );
    let _ = if title.is_empty() {
        writeln!(body, "/>")
    } else {
        writeln!(body, "><title>{}</title></rect>", escape(title))
    };
}

pub(super) fn text(body: &mut String, class: &str, anchor: &str, x: f64, y: f64, words: &str) {
    let words = escape(words);
    let _ = writeln!(
        body,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"
    );
}

/// Lines of so many characters at the most, but for words that are longer.
pub(super) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && line.chars().count() + word.chars().count() >= most);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}

/// What a bar says when it is pointed at.
pub(super) fn said(what: &str, from: f64, to: f64) -> String {
    format!("{what}, {} s to {} s", scale::short(from), scale::short(to))
}

pub(super) fn escape(text: impl Display) -> String {
    text.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A count of lanes, rows or characters, for sums with lengths.
pub(super) fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrap("one two  three", 8), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible it is", 4), ["incomprehensible", "it", "is"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
