//! Lays text out for a terminal of a certain size.

use std::{fmt::Write, io::stdout};

use textwrap::{Options, WordSplitter, core::display_width, wrap};

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    columns: usize,
    rows: usize,
}

impl Screen {
    /// That of standard output; `None` where it has no size.
    pub fn current() -> Option<Self> {
        let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
        let screen = Self { columns: size.ws_col.into(), rows: size.ws_row.into() };
        (screen.columns > 0 && screen.rows > 1).then_some(screen)
    }

    /// Breaks long lines between words, and goes on below where their last column begins.
    pub fn wrapped(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for line in text.lines() {
            let indent = " ".repeat(last_column(line).min(self.columns / 2));
            let options = Options::new(self.columns).word_splitter(WordSplitter::NoHyphenation);
            for part in wrap(line, options.subsequent_indent(&indent)) {
                out += part.trim_end();
                out.push('\n');
            }
        }
        out
    }

    /// The same, and as much of it as the screen is high, from the top: the verdicts must not scroll away under the history.
    /// Each line clears what stood there.
    pub fn fitted(self, text: &str) -> String {
        let text = self.wrapped(text);
        let room = self.rows - 1;
        let count = text.lines().count();
        let shown = if count > room { room - 1 } else { count };
        let mut out: String = text.lines().take(shown).flat_map(|line| [line, "\x1b[0m\x1b[K\n"]).collect();
        if shown < count {
            // Writing into a String cannot fail.
            let _ = writeln!(out, "… {} more lines: a higher terminal shows them\x1b[K", count - shown);
        }
        out
    }
}

/// Where the last column of a line begins: behind the last two spaces of its first half or so.
fn last_column(line: &str) -> usize {
    /// Columns stand further left.
    const FURTHEST: usize = 48;
    let starts = line.match_indices("  ").map(|(at, _)| {
        let rest = &line[at..];
        display_width(&line[..at]) + rest.len() - rest.trim_start_matches(' ').len()
    });
    starts.filter(|start| *start <= FURTHEST).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Screen;

    const SCREEN: Screen = Screen { columns: 40, rows: 5 };

    #[test]
    fn a_long_line_goes_on_below_its_last_column() {
        let text = "  \x1b[32m✓\x1b[39m scan    8 topics, 44 partitions, none of them out\n";
        let wrapped = "  \x1b[32m✓\x1b[39m scan    8 topics, 44 partitions,\n            none of them out\n";
        assert_eq!(SCREEN.wrapped(text), wrapped);
        assert_eq!(SCREEN.wrapped("short\n\nlines\n"), "short\n\nlines\n");
    }

    #[test]
    fn what_is_too_high_is_cut_at_the_bottom_and_says_so() {
        let fits = SCREEN.fitted("1\n2\n3\n4\n");
        assert_eq!(fits.lines().count(), 4, "{fits}");
        let cut = SCREEN.fitted("1\n2\n3 and a line that is longer than the terminal is wide\n4\n5\n");
        assert_eq!(cut.lines().count(), 4, "{cut}");
        assert!(cut.starts_with('1') && cut.contains("3 more lines"), "{cut}");
    }
}
