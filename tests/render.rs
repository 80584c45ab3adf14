//! `pillion render` as a person runs it: `tests/golden/render` holds configurations and what is said of them.
//!
//! A line that begins with `$` is a command, run in the directory of its transcript; what follows is all that it says, and
//! how it ends where that is not 0. `PILLION_BLESS=1` writes what is said.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

use std::{
    fmt::Write,
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
};

fn pillion(dir: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pillion"));
    command.current_dir(dir).env_remove("PILLION_CONFIG");
    let mut words = line.split(' ');
    for word in words.by_ref().take_while(|word| *word != "pillion") {
        let (name, value) = word.split_once('=').unwrap();
        command.env(name, value);
    }
    command.args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    let mut text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        code => writeln!(text, "(exit {})", code.unwrap_or(-1)).unwrap(),
    }
    text
}

fn play(name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render").join(name);
    let path = dir.join("transcript.txt");
    let there = fs::read_to_string(&path).unwrap();
    let mut played = String::new();
    for line in there.lines().filter_map(|line| line.strip_prefix("$ ")) {
        write!(played, "$ {line}\n{}", said(&pillion(&dir, line))).unwrap();
    }
    if std::env::var_os("PILLION_BLESS").is_some() {
        fs::write(&path, &played).unwrap();
    }
    assert_eq!(
        played,
        fs::read_to_string(&path).unwrap(),
        "{name}: see the difference, then run with PILLION_BLESS=1"
    );
}

#[test]
fn layers_and_which_of_them_counts() {
    play("layers");
}

#[test]
fn listeners_differ_by_broker() {
    play("listeners");
}

#[test]
fn the_modes_share_what_they_can() {
    play("modes");
}

#[test]
fn a_difference_is_told_and_secrets_are_not() {
    play("diff");
}

#[test]
fn lint_warns_and_stops_what_kafka_would_not_start_with() {
    play("lint");
}

#[test]
fn a_file_that_sets_something_twice_is_told_of() {
    play("duplicates");
}

/// What render hides is no secret to lint, and nothing that differs to `--diff`.
#[test]
fn what_is_shown_can_be_read_again() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render/lint");
    let render =
        "pillion render -c pillion.yaml --ordinal 0 --set kafka.properties.ssl.keystore.password=hunter2";
    let shown = pillion(&dir, render).stdout;
    assert!(String::from_utf8_lossy(&shown).contains("ssl.keystore.password=[hidden]\n"));
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("shown.properties");
    fs::write(&path, shown).unwrap();
    let piped = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pillion"));
        command.current_dir(&dir).args(line.split(' ').skip(1)).stdin(fs::File::open(&path).unwrap());
        said(&command.output().unwrap())
    };
    let told = piped("pillion lint - --kafka 4.3");
    assert!(told.contains("0 error(s), 2 warning(s)") && !told.contains("secret-inline"), "{told}");
    let told = piped(&format!("{render} --diff - --check"));
    assert!(told.contains("not compared") && told.contains("ssl.keystore.password"), "{told}");
    assert!(!told.contains("(exit"), "{told}");
}

#[test]
fn sizes_follow_the_container() {
    play("sizing");
}

#[test]
fn mistakes_are_told_all_at_once() {
    for name in ["fails/templates", "fails/layers", "fails/files", "fails/contradictions"] {
        play(name);
    }
}

/// As Kubernetes mounts a `ConfigMap`: links to links, and states beside each other.
#[test]
fn a_config_map_is_read_as_one_state() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    for (state, threads) in [("..2026_01", "1"), ("..2026_02", "2")] {
        fs::create_dir_all(at("map").join(state)).unwrap();
        fs::write(at("map").join(state).join("a.properties"), format!("num.io.threads={threads}\n")).unwrap();
        fs::write(at("map").join(state).join("notes.txt"), "no settings").unwrap();
    }
    symlink("..2026_02", at("map/..data")).unwrap();
    symlink("..data/a.properties", at("map/a.properties")).unwrap();
    symlink("..data/notes.txt", at("map/notes.txt")).unwrap();
    let config = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render/layers/pillion.yaml"),
    )
    .unwrap();
    let config = config.replace("file: base.properties", "directory: map").replace("cluster.d", "map");
    fs::write(at("pillion.yaml"), config).unwrap();
    let output = pillion(root.path(), "pillion render -c pillion.yaml --ordinal 0 --explain num.io.threads");
    assert_eq!(
        said(&output),
        "num.io.threads=2\n    set by cluster, map/a.properties:1\n    \
         hides 2 of team, map/a.properties:1\n"
    );
}

/// Anything may lie where a layer is said to be.
#[test]
fn what_is_no_layer_is_told_and_not_swallowed() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    let config = |layer: &str| {
        let text = format!(
            "cluster: {{ name: demo, id: 5L6g3nShT-eMCtK--X86sw }}\n\
             broker: {{ mode: kraft-broker, idBase: 1000, zone: {{ value: a }}, advertised: {{ PLAINTEXT: \"h:1\" }} }}\n\
             kafka:\n  version: \"4.3.1\"\n  layers: [{layer}]\n  properties:\n    listeners: PLAINTEXT://:9092\n    \
             controller.quorum.voters: 1@c:9093\nstorage: {{ logDirs: [/data/0] }}\n"
        );
        fs::write(at("pillion.yaml"), text).unwrap();
        said(&pillion(root.path(), "pillion render -c pillion.yaml --ordinal 0 --check"))
    };
    fs::File::create(at("huge")).unwrap().set_len(100 << 20).unwrap();
    let told = config("{ name: a, file: huge }");
    assert!(told.contains("larger than 1048576 bytes") && told.contains("(exit 64)"), "{told}");
    let told = config("{ name: a, file: /dev/zero }");
    assert!(told.contains("it is a device"), "{told}");
    fs::create_dir(at("many")).unwrap();
    for n in 0..65 {
        fs::write(at("many").join(format!("{n}.properties")), "a=b\n").unwrap();
    }
    assert!(config("{ name: a, directory: many }").contains("more than 64 files"));
    let keys = (0..10_001).fold(String::new(), |all, n| all + &format!("a.{n}=1\n"));
    fs::write(at("keys"), keys).unwrap();
    assert!(config("{ name: a, file: keys }").contains("10000 are taken"));
    let layers: Vec<_> = (0..33).map(|n| format!("{{ name: l{n}, file: keys }}")).collect();
    assert!(config(&layers.join(", ")).contains("there are 33 layers"));
    // A name in a file, however strange, does not end a comment or a line.
    fs::write(at("strange\nname=1"), "a\\nb=c\\nd\n").unwrap();
    fs::rename(at("strange\nname=1"), at("strange\nname.properties")).unwrap();
    let told = config("{ name: a, file: \"strange\\nname.properties\" }");
    assert!(told.starts_with("pillion: warning: strange name.properties:1: a b: "), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    let text = said(&pillion(root.path(), "pillion render -c pillion.yaml --ordinal 0 --comments"));
    assert!(text.contains("\na\\nb=c\\nd\n") && text.contains("strange?name"), "{text}");
}
