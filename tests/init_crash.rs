//! kill -9 at every write of `pillion init`: each file is the old one or the new one, and the next run completes.
//!
//! The victim is this test binary again, in which `init` runs with a disk that kills the process at one step.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

mod init_support;

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::PathBuf,
    process::Command,
};

use init_support::{CLUSTER, Node, code, stderr};
use pillion::{
    certs::{self, installed},
    config::Sources,
    files::{Disk, TEMP_PREFIX},
    init::{Identity, Options, run},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Where the victim stops, and its config file.
const AT: &str = "PILLION_TEST_KILL_AT";
const CONFIG: &str = "PILLION_TEST_KILL_CONFIG";
const BINARY: &str = "PILLION_TEST_KILL_BINARY";
const BOOTSTRAP: &str = "PILLION_TEST_KILL_BOOTSTRAP";

#[test]
#[ignore = "the victim of the other tests, which start it"]
fn victim() {
    let Some(at) = std::env::var(AT).ok().and_then(|at| at.parse::<usize>().ok()) else { return };
    let mut sources =
        Sources { file: Some(PathBuf::from(std::env::var_os(CONFIG).unwrap())), ..Sources::default() };
    if std::env::var_os(BOOTSTRAP).is_some() {
        sources.flag("--bootstrap", "storage.bootstrap", "true");
    }
    let disk = Disk::watched(move |step, name| {
        if step == at {
            eprintln!("killed before: {name}");
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
            std::thread::sleep(std::time::Duration::from_secs(5));
        }
    });
    let binary = std::env::var_os(BINARY).map(PathBuf::from);
    run(&Options { disk, binary, ..Options::of_process(sources) }).unwrap();
}

/// Runs the victim up to step `at`; whether it was killed there, and before what.
fn kill_at(node: &Node, at: usize, bootstrap: bool) -> Option<String> {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args(["victim", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    victim.env(AT, at.to_string()).env(CONFIG, node.at("pillion.yaml")).env(BINARY, node.at("binary"));
    if bootstrap {
        victim.env(BOOTSTRAP, "1");
    }
    let output = victim.output().unwrap();
    if output.status.signal() == Some(9) {
        let said = stderr(&output);
        return Some(
            said.lines().find_map(|l| l.strip_prefix("killed before: ")).unwrap_or_default().to_owned(),
        );
    }
    assert!(output.status.success(), "step {at}: {}", stderr(&output));
    None
}

const DIRS: [&str; 3] = ["data/0", "data/1", "meta"];
const FILES: [&str; 3] = ["run/server.properties", "run/identity.json", "run/pillion"];

fn content(node: &Node, path: &str) -> Option<Vec<u8>> {
    fs::read(node.at(path)).ok()
}

/// Kills at every step of one scenario. `begin` makes the old state.
fn everywhere(begin: impl Fn() -> Node, bootstrap: bool) -> usize {
    // What an undisturbed run makes of it, directory ids apart.
    let undisturbed = begin();
    let old: Vec<_> =
        FILES.iter().map(|f| content(&undisturbed, f).map(|b| settle(&undisturbed, &b))).collect();
    assert_eq!(kill_at(&undisturbed, usize::MAX, bootstrap), None);
    let new: Vec<_> =
        FILES.iter().map(|f| content(&undisturbed, f).map(|b| settle(&undisturbed, &b))).collect();

    for step in 0.. {
        let node = begin();
        let before: Vec<_> = DIRS.iter().map(|d| content(&node, &format!("{d}/meta.properties"))).collect();
        let Some(name) = kill_at(&node, step, bootstrap) else { return step };
        let said = format!("killed at step {step}, before: {name}");
        for ((file, old), new) in FILES.iter().zip(&old).zip(&new) {
            let there = content(&node, file).map(|b| settle(&node, &b));
            assert!(there == *old || there == *new, "{said}: {file} is neither old nor new");
        }
        let mut after = Vec::new();
        for (dir, before) in DIRS.iter().zip(before) {
            let there = content(&node, &format!("{dir}/meta.properties"));
            assert!(before.is_none() || there == before, "{said}: {dir} was ours and changed");
            if let Some(meta) = &there {
                let text = String::from_utf8_lossy(meta);
                let whole = text.contains(&format!("cluster.id={CLUSTER}\n"))
                    && text.contains("node.id=1002\n")
                    && text.contains("directory.id=")
                    && text.ends_with("version=1\n");
                assert!(whole, "{said}: {dir} has half a meta.properties: {text}");
            }
            after.push(there);
        }
        if node.at("run/identity.json").exists() {
            let identity = Identity::read(&node.at("run")).unwrap();
            assert!(
                identity.log_dirs.iter().all(|d| d.directory_id.is_some()),
                "{said}: identity before volumes"
            );
        }
        // Where nothing of the node's was written yet, an empty volume still needs the word.
        if after.iter().all(Option::is_none) {
            assert_eq!(code(&node.init(&[])), 64, "{said}");
        }
        assert_eq!(kill_at(&node, usize::MAX, bootstrap), None, "{said}");
        for (dir, killed) in DIRS.iter().zip(after) {
            let healed = content(&node, &format!("{dir}/meta.properties"));
            assert!(healed.is_some() && (killed.is_none() || healed == killed), "{said}: {dir}");
        }
        for (file, new) in FILES.iter().zip(&new) {
            assert_eq!(
                content(&node, file).map(|b| settle(&node, &b)),
                *new,
                "{said}: {file} after the next run"
            );
        }
        let left: Vec<_> =
            node.files().into_iter().map(|(n, _)| n).filter(|n| n.contains(TEMP_PREFIX)).collect();
        assert!(left.is_empty(), "{said}: {left:?}");
    }
    0
}

fn settle(node: &Node, bytes: &[u8]) -> String {
    let text = node.settle(&String::from_utf8_lossy(bytes));
    // Whether a directory id is there is asked elsewhere; each run draws its own.
    let lines = text.lines().map(|l| if l.contains("directoryId") { "directoryId" } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

fn empty() -> Node {
    let node = Node::broker();
    node.write("binary", vec![7; 100_000]);
    // Executable for all: it is linked. The other scenario's is not, and is copied.
    fs::set_permissions(node.at("binary"), fs::Permissions::from_mode(0o755)).unwrap();
    node
}

fn prepared() -> Node {
    let node = empty();
    assert_eq!(kill_at(&node, usize::MAX, true), None);
    node
}

#[test]
fn at_the_first_start() {
    let steps = everywhere(empty, true);
    assert!(steps > 40, "only {steps} steps were seen");
    eprintln!("first start: killed at each of {steps} steps");
}

#[test]
fn while_settings_and_binary_change() {
    let begin = || {
        let node = prepared();
        node.edit("num.io.threads: 4", "num.io.threads: 8");
        fs::remove_file(node.at("binary")).unwrap();
        node.write("binary", vec![8; 120_000]);
        node
    };
    let steps = everywhere(begin, false);
    eprintln!("new settings: killed at each of {steps} steps");
    assert!(steps > 15, "only {steps} steps were seen");
}

#[test]
fn while_a_directory_is_added() {
    let begin = || {
        let node = prepared();
        fs::remove_dir_all(node.at("data/1")).unwrap();
        node
    };
    let steps = everywhere(begin, false);
    eprintln!("a new directory: killed at each of {steps} steps");
    assert!(steps > 8, "only {steps} steps were seen");
}

/// A CA and a certificate of it, as a source has them: certificate, key, CA.
fn issue(name: &str) -> [String; 3] {
    let key = || KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, name);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, key()).unwrap();
    let (leaf, own) = (CertificateParams::new(vec!["kafka-1".to_owned()]).unwrap(), key());
    let leaf = leaf.signed_by(&own, &ca).unwrap();
    [leaf.pem(), own.serialize_pem(), ca.pem()]
}

fn lay(node: &Node, source: &[String; 3]) {
    for (name, text) in ["tls.crt", "tls.key", "ca.crt"].iter().zip(source) {
        node.write(&format!("source/{name}"), text);
    }
}

const TLS: [&str; 2] = ["run/tls/SSL/keystore.pem", "run/tls/SSL/truststore.pem"];

/// Each file is the old one or the new one, and together they work: the certificate is of a CA that is trusted.
#[test]
fn while_certificate_and_ca_change() {
    let (old, new) = (issue("old"), issue("new"));
    let begin = || {
        let node = Node::broker();
        node.edit(
            "listeners: PLAINTEXT://0.0.0.0:9092",
            "security.inter.broker.protocol: SSL\n    \
             listener.security.protocol.map: SSL:SSL,CONTROLLER:PLAINTEXT\n    listeners: SSL://0.0.0.0:9092",
        );
        node.edit("PLAINTEXT://kafka-1:9092", "SSL://kafka-1:9092");
        let source = node.at("source");
        node.edit(
            "runDir:",
            &format!(
                "certificates: {{ listeners: {{ SSL: {{ directory: {{ path: {} }} }} }} }}\nrunDir:",
                source.display()
            ),
        );
        node.write("binary", vec![7; 1000]);
        lay(&node, &old);
        assert_eq!(kill_at(&node, usize::MAX, true), None);
        lay(&node, &new);
        node
    };
    let undisturbed = begin();
    let before = TLS.map(|file| content(&undisturbed, file));
    assert_eq!(kill_at(&undisturbed, usize::MAX, false), None);
    let after = TLS.map(|file| content(&undisturbed, file));
    assert!(before[0] != after[0] && before[1] != after[1]);
    let mut mixed = 0;
    for step in 0.. {
        let node = begin();
        let Some(name) = kill_at(&node, step, false) else {
            eprintln!("new certificates: killed at each of {step} steps, {mixed} of them between the files");
            assert!(step > 15 && mixed > 0, "only {step} steps, {mixed} between the files");
            break;
        };
        let said = format!("killed at step {step}, before: {name}");
        let [keystore, truststore] = TLS.map(|file| content(&node, file));
        assert!(keystore == before[0] || keystore == after[0], "{said}: the keystore is neither old nor new");
        let there = installed(&certs::place(&node.at("run"), "ssl")).unwrap().unwrap();
        assert!(there.trust.iter().any(|ca| ca.subject == there.leaf.issuer), "{said}: it is not trusted");
        mixed += usize::from(truststore != before[1] && truststore != after[1]);
        assert_eq!(kill_at(&node, usize::MAX, false), None, "{said}");
        assert_eq!(TLS.map(|file| content(&node, file)), after, "{said}: after the next run");
        let left = node.files().into_iter().filter(|(name, _)| name.contains(TEMP_PREFIX)).count();
        assert_eq!(left, 0, "{said}");
    }
}
