//! `java.util.Properties.load(InputStream)`: the same keys and values from the same bytes.

/// The largest input that is read, in bytes. A `server.properties` has a few kilobytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Why bytes are not `.properties`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is more than [`MAX_BYTES`].
    #[error("it is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// A `\u` without four hexadecimal digits; Java refuses the whole file.
    #[error("line {line}: \\u is not followed by four hexadecimal digits")]
    MalformedUnicode {
        /// The first line of the entry, from 1.
        line: usize,
    },
    /// Half a surrogate pair. Java keeps it; no setting of Kafka can mean it.
    #[error("line {line}: half a surrogate pair is no character")]
    LoneSurrogate {
        /// The first line of the entry, from 1.
        line: usize,
    },
}

/// The entries in the order of the file. A key that comes twice is there twice; the last one counts.
pub fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    Ok(parse_lines(bytes)?.into_iter().map(|(_, key, value)| (key, value)).collect())
}

/// As [`parse`], with the first line of each entry, from 1.
pub fn parse_lines(bytes: &[u8]) -> Result<Vec<(usize, String, String)>, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::TooLarge);
    }
    let mut lines = LogicalLines { bytes, at: 0, line: 1 };
    let mut entries = Vec::new();
    while let Some((first, text)) = lines.next_line() {
        let (key, value) = split(&text);
        entries.push((first, unescape(key, first)?, unescape(value, first)?));
    }
    Ok(entries)
}

/// The lines of a text as Java ends them (LF, CR, CR and LF), each with whether it goes on with the one before it.
pub fn physical_lines(text: &str) -> Vec<(&str, bool)> {
    let mut all = Vec::new();
    let (mut rest, mut goes_on) = (text, false);
    while !rest.is_empty() {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let (line, more) = rest.split_at(end);
        rest = more.strip_prefix("\r\n").or_else(|| more.get(1..)).unwrap_or_default();
        all.push((line, goes_on));
        let backslashes = line.chars().rev().take_while(|c| *c == '\\').count();
        goes_on = backslashes % 2 == 1 && (goes_on || !line.trim_start().starts_with(['#', '!']));
    }
    all
}

/// Joins continued lines and drops comments and blank lines.
struct LogicalLines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl LogicalLines<'_> {
    /// The number of its first line, and its text with the joints taken out.
    fn next_line(&mut self) -> Option<(usize, Vec<u8>)> {
        let mut text: Vec<u8> = Vec::new();
        let mut first = self.line;
        let mut skipping = true;
        // Just behind a joint a line end is not skipped: it ends the entry.
        let mut joined = false;
        let mut escaped = false;
        loop {
            let Some(byte) = self.take() else {
                return finish(first, text, escaped);
            };
            let line_end = matches!(byte, b'\r' | b'\n');
            if skipping {
                if is_blank(byte) || (line_end && !joined) {
                    continue;
                }
                skipping = false;
                joined = false;
            }
            if text.is_empty() {
                if matches!(byte, b'#' | b'!') {
                    self.skip_comment();
                }
                if line_end || matches!(byte, b'#' | b'!') {
                    skipping = true;
                    continue;
                }
                first = self.line;
            }
            if !line_end {
                text.push(byte);
                escaped = byte == b'\\' && !escaped;
            } else if self.at >= self.bytes.len() || !escaped {
                return finish(first, text, escaped);
            } else {
                text.pop();
                (skipping, joined, escaped) = (true, true, false);
                if byte == b'\r' && self.bytes.get(self.at) == Some(&b'\n') {
                    self.take();
                }
            }
        }
    }

    fn take(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        // A pair of CR and LF is one line end: count its LF only.
        if byte == b'\n' || (byte == b'\r' && self.bytes.get(self.at) != Some(&b'\n')) {
            self.line += 1;
        }
        Some(byte)
    }

    fn skip_comment(&mut self) {
        while let Some(byte) = self.take() {
            if matches!(byte, b'\r' | b'\n') {
                return;
            }
        }
    }
}

/// Java drops a joint that nothing follows, and still makes an entry of what is left, even of nothing.
fn finish(first: usize, mut text: Vec<u8>, escaped: bool) -> Option<(usize, Vec<u8>)> {
    if text.is_empty() {
        return None;
    }
    if escaped {
        text.pop();
    }
    Some((first, text))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

/// Key and value, both still escaped: the key ends at the first bare `=`, `:` or blank.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = text.iter().position(|&b| {
        let ends = !escaped && (is_blank(b) || matches!(b, b'=' | b':'));
        escaped = b == b'\\' && !escaped;
        ends
    });
    let (key, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = rest.trim_ascii_start_blanks();
    let value = match rest.first() {
        Some(b'=' | b':') => rest.get(1..).unwrap_or_default().trim_ascii_start_blanks(),
        _ => rest,
    };
    (key, value)
}

trait TrimBlanks {
    fn trim_ascii_start_blanks(&self) -> &Self;
}

impl TrimBlanks for [u8] {
    /// Blank, tab and form feed only: what `u8::is_ascii_whitespace` adds may be part of a value.
    fn trim_ascii_start_blanks(&self) -> &Self {
        let start = self.iter().position(|&b| !is_blank(b)).unwrap_or(self.len());
        self.get(start..).unwrap_or_default()
    }
}

fn unescape(text: &[u8], line: usize) -> Result<String, Problem> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'\\' {
            units.push(u16::from(byte));
            continue;
        }
        units.push(match rest.next() {
            Some(b'u') => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = rest.next().and_then(|&b| char::from(b).to_digit(16));
                    let digit = digit.ok_or(Problem::MalformedUnicode { line })?;
                    unit = unit << 4 | u16::try_from(digit).unwrap_or(0);
                }
                unit
            }
            Some(b't') => 9,
            Some(b'r') => 13,
            Some(b'n') => 10,
            Some(b'f') => 12,
            Some(&other) => u16::from(other),
            None => break,
        });
    }
    String::from_utf16(&units).map_err(|_| Problem::LoneSurrogate { line })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).unwrap()
    }

    fn one(text: &str) -> (String, String) {
        let all = pairs(text);
        assert_eq!(all.len(), 1, "{text:?}");
        all.into_iter().next().unwrap()
    }

    #[test]
    fn separators_escapes_and_joints() {
        for text in [
            "k=v",
            "k:v",
            "k v",
            " \t\x0ck \t = v",
            "k\\\n  =v",
            "\\\nk=v",
            "\n\r\n#c\\\nk=v\r",
            "k=\\\r\n v",
        ] {
            assert_eq!(one(text), ("k".into(), "v".into()), "{text:?}");
        }
        assert_eq!(one("a\\ b\\=\\:c=d e "), ("a b=:c".into(), "d e ".into()));
        assert_eq!(one("k=\\u00e9\\t\\x\\uD83D\\uDE00"), ("k".into(), "é\tx😀".into()));
        assert_eq!(parse(b"k=\xe9").unwrap(), [("k".into(), "é".into())]);
        assert_eq!(one("k==v").1, "=v");
        assert_eq!(one("a\\\n\n").0, "a");
        assert_eq!(one("\\"), (String::new(), String::new()));
        assert_eq!(pairs("\\\r\n"), []);
    }

    #[test]
    fn what_java_refuses_or_cannot_mean_is_an_error_with_its_line() {
        assert_eq!(parse(b"a=1\r\n#\nk=\\u12g4"), Err(Problem::MalformedUnicode { line: 3 }));
        assert_eq!(parse(b"k=\\u12"), Err(Problem::MalformedUnicode { line: 1 }));
        assert_eq!(parse(b"\n\nk=\\ud800"), Err(Problem::LoneSurrogate { line: 3 }));
        assert_eq!(parse(&vec![b'a'; MAX_BYTES + 1]), Err(Problem::TooLarge));
    }

    #[test]
    fn lines_are_counted_as_java_does() {
        let text = "a=1\\\n  # of a\r\n# no joint \\\rb=\\\\\n\nc";
        let lines = physical_lines(text);
        assert_eq!(
            lines,
            [
                ("a=1\\", false),
                ("  # of a", true),
                ("# no joint \\", false),
                ("b=\\\\", false),
                ("", false),
                ("c", false)
            ]
        );
        let first: Vec<_> =
            parse_lines(text.as_bytes()).unwrap().into_iter().map(|(line, ..)| line).collect();
        assert_eq!(first, [1, 4, 6]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(key in ".*", value in ".*") {
            let text = super::super::line(&key, &value);
            proptest::prop_assert!(text.is_ascii());
            proptest::prop_assert_eq!(parse(text.as_bytes()).unwrap(), [(key, value)]);
        }
    }
}
