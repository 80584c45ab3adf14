//! Our `.properties` against the real `java.util.Properties`, both ways, on thousands of generated inputs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test where it stands"
)]

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use pillion::properties::{ParseProblem, line, parse};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

const INPUTS: usize = 50_000;

/// Bytes in which everything that means something is frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z0-9.]{1,4}".prop_map(String::into_bytes),
        6 => prop::sample::select(&b" \t\x0c\r\n\\=:#!"[..]).prop_map(|b| vec![b]),
        2 => prop::sample::select(vec![&b"\\\n"[..], b"\\\r\n", b"\\\r", b"\r\n", b"\\\\", b"\\\\\n", b"\n \n", b"\n#", b"\n\t!"])
            .prop_map(<[u8]>::to_vec),
        2 => prop::sample::select(vec!["\\u0041", "\\u00e9", "\\uD83D\\uDE00", "\\ud800", "\\uABC", "\\u12g4", "\\uu0041", "\\t", "\\n", "\\r", "\\f", "\\q"])
            .prop_map(|s| s.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|b| vec![b]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// What we write of arbitrary entries.
fn written() -> impl Strategy<Value = (BTreeMap<String, String>, Vec<u8>)> {
    prop::collection::btree_map(any::<String>(), any::<String>(), 0..4).prop_map(|entries| {
        let text: String = entries.iter().map(|(k, v)| line(k, v)).collect();
        (entries, text.into_bytes())
    })
}

enum Answer {
    Refused,
    Loaded { entries: BTreeMap<Vec<u16>, Vec<u16>>, stored: Vec<u8> },
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, n: usize) -> &[u8] {
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head
    }

    fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn text(&mut self) -> Vec<u16> {
        let units = usize::try_from(self.int()).unwrap();
        self.take(units * 2).chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    }
}

fn java(inputs: &[Vec<u8>]) -> Vec<Answer> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/java/PropertiesPeer.java");
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", source]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = java.spawn().expect("java 17 or newer is needed");
    let mut message = u32::try_from(inputs.len()).unwrap().to_be_bytes().to_vec();
    for input in inputs {
        message.extend(u32::try_from(input.len()).unwrap().to_be_bytes());
        message.extend(input);
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&message));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let mut reader = Reader(&output.stdout);
    let one = |_: &Vec<u8>| {
        let Ok(size) = usize::try_from(reader.int()) else { return Answer::Refused };
        let entries = (0..size).map(|_| (reader.text(), reader.text())).collect();
        let stored = usize::try_from(reader.int()).unwrap();
        Answer::Loaded { entries, stored: reader.take(stored).to_vec() }
    };
    inputs.iter().map(one).collect()
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn as_the_real_one() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let mut inputs = Vec::new();
    let mut expected = Vec::new();
    for _ in 0..INPUTS {
        inputs.push(bytes().new_tree(&mut runner).unwrap().current());
        let (entries, text) = written().new_tree(&mut runner).unwrap().current();
        expected.push(entries);
        inputs.push(text);
    }
    let (mut refused, mut lone, mut same) = (0, 0, 0);
    for (i, (input, answer)) in inputs.iter().zip(java(&inputs)).enumerate() {
        let shown = String::from_utf8_lossy(input);
        match (parse(input), answer) {
            // Whichever of two faults comes first.
            (Err(_), Answer::Refused) => refused += 1,
            (Err(ParseProblem::LoneSurrogate { .. }), Answer::Loaded { entries, .. }) => {
                let halves = |t: &Vec<u16>| String::from_utf16(t).is_err();
                // An entry that a later one hides is not in Java's answer, and we refuse it all the same.
                assert!(
                    ["\\ud800", "\\uD83D", "\\uDE00"].iter().any(|half| shown.contains(half))
                        || entries.iter().any(|(k, v)| halves(k) || halves(v)),
                    "{shown:?}"
                );
                lone += 1;
            }
            (Ok(ours), Answer::Loaded { entries, stored }) => {
                let ours: BTreeMap<String, String> = ours.into_iter().collect();
                let as_units: BTreeMap<_, _> = ours.iter().map(|(k, v)| (units(k), units(v))).collect();
                assert_eq!(as_units, entries, "{shown:?}");
                if i % 2 == 1 {
                    assert_eq!(ours, expected[i / 2], "what we wrote came back as something else");
                }
                // And what Java stores of it, line for line as we write it, below its date.
                let theirs = parse(&stored).unwrap();
                assert_eq!(theirs.into_iter().collect::<BTreeMap<_, _>>(), ours, "{shown:?}");
                let mut lines: Vec<&[u8]> =
                    stored.split(|b| *b == b'\n').filter(|l| !l.is_empty()).skip(1).collect();
                let mut our_lines: Vec<String> = ours.iter().map(|(k, v)| line(k, v)).collect();
                lines.sort_unstable();
                our_lines.sort_unstable();
                let our_lines: Vec<&[u8]> =
                    our_lines.iter().map(|l| l.trim_end_matches('\n').as_bytes()).collect();
                assert_eq!(lines, our_lines, "{shown:?}");
                same += 1;
            }
            (ours, Answer::Refused) => panic!("Java refuses {shown:?}, and we read {ours:?}"),
            (Err(ours), Answer::Loaded { .. }) => panic!("Java reads {shown:?}, and we say {ours}"),
        }
    }
    eprintln!("{same} read and written alike, {refused} refused alike, {lone} with half a surrogate pair");
    assert!(refused > 50 && lone > 50 && same > INPUTS);
}
