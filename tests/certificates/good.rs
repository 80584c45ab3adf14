//! Every form of key that people have, as Kafka takes it.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use pillion::certs::{KeyKind, installed};

use super::{
    init_support::{CLUSTER, Node, code, stderr},
    openssl::{EC, Openssl, RSA, Request},
};

/// A broker with one TLS listener, by which brokers talk to each other, too. Its source is the directory `source`.
pub fn tls_broker(version: &str) -> Node {
    let node = Node::broker();
    node.config(&format!(
        "cluster: {{ name: demo, id: {CLUSTER} }}\n\
         broker: {{ mode: {}, idBase: 1001, ordinal: 1, zone: {{ value: zone-b }} }}\n\
         kafka:\n  version: \"{version}\"\n  properties:\n    \
         listeners: SSL://0.0.0.0:9092\n    advertised.listeners: SSL://kafka-1:9092\n    \
         security.inter.broker.protocol: SSL\n    \
         listener.security.protocol.map: SSL:SSL,CONTROLLER:PLAINTEXT\n    {}\n\
         storage:\n  logDirs: [ROOT/data/0]\n  bootstrap: true\n\
         runDir: ROOT/run\n\
         certificates:\n  wait: 1s\n  listeners:\n    SSL:\n      directory: {{ path: ROOT/source }}\n",
        if version.starts_with('2') { "zookeeper" } else { "kraft-broker" },
        if version.starts_with('2') {
            "zookeeper.connect: zk-0:2181"
        } else {
            "controller.quorum.voters: 1@c1:9093"
        },
    ));
    node
}

fn mode(node: &Node, path: &str) -> u32 {
    fs::metadata(node.at(path)).unwrap().permissions().mode() & 0o7777
}

/// Taken, as PKCS#8, with the certificate that it belongs to.
fn taken(node: &Node, openssl: &Openssl, form: &str) {
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "{form}: {}", stderr(&output));
    let keystore = node.read("run/tls/SSL/keystore.pem");
    assert!(keystore.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{form}");
    fs::copy(node.at("run/tls/SSL/keystore.pem"), openssl.at("keystore.pem")).unwrap();
    let of_key = openssl.run("pkey -in keystore.pem -pubout");
    let of_certificate = openssl.run("x509 -in keystore.pem -noout -pubkey");
    assert_eq!(of_key, of_certificate, "{form}");
    assert_eq!(node.read("run/tls/SSL/truststore.pem").matches("BEGIN CERTIFICATE").count(), 1);
    for file in ["keystore.pem", "truststore.pem"] {
        assert_eq!(mode(node, &format!("run/tls/SSL/{file}")), 0o640, "{form}: {file}");
    }
    assert_eq!(mode(node, "run/tls/SSL"), 0o750);
    let there = installed(&node.at("run/tls/SSL")).unwrap().unwrap();
    assert!(
        there.leaf.names.contains("kafka-1") && there.leaf.names.contains("127.0.0.1"),
        "{:?}",
        there.leaf
    );
    let settings = node.read("run/server.properties");
    for line in ["type=PEM", "location="] {
        assert!(settings.contains(&format!("listener.name.ssl.ssl.keystore.{line}")), "{settings}");
        assert!(settings.contains(&format!("listener.name.ssl.ssl.truststore.{line}")), "{settings}");
    }
    // Again, and nothing is written.
    let before = modified(node);
    let again = node.init(&[]);
    assert_eq!(code(&again), 0, "{form}: {}", stderr(&again));
    assert_eq!(modified(node), before, "{form}: written again");
}

fn modified(node: &Node) -> Vec<std::time::SystemTime> {
    let files = ["run/tls/SSL/keystore.pem", "run/tls/SSL/truststore.pem", "run/server.properties"];
    files.iter().map(|file| fs::metadata(node.at(file)).unwrap().modified().unwrap()).collect()
}

#[test]
fn every_form_of_key_is_taken() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    let ca = openssl.read("ca.crt");
    fs::write(openssl.at("pw"), "a pass phrase\n").unwrap();
    let forms = [
        ("RSA, PKCS#8", RSA, "pkey -in broker.key -out form.key"),
        ("RSA, PKCS#1", RSA, "rsa -in broker.key -traditional -out form.key"),
        ("EC, PKCS#8", EC, "pkey -in broker.key -out form.key"),
        ("EC, SEC1", EC, "ec -in broker.key -out form.key"),
        (
            "EC P-384, SEC1",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "ec -in broker.key -out form.key",
        ),
        ("encrypted", EC, "pkcs8 -topk8 -in broker.key -passout file:pw -out form.key"),
        (
            "encrypted, AES-128",
            RSA,
            "pkcs8 -topk8 -v2 aes-128-cbc -in broker.key -passout file:pw -out form.key",
        ),
        (
            "encrypted, SHA-1",
            RSA,
            "pkcs8 -topk8 -v2prf hmacWithSHA1 -in broker.key -passout file:pw -out form.key",
        ),
        (
            "encrypted, PBES1",
            RSA,
            "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in broker.key -passout file:pw -out form.key",
        ),
    ];
    for (form, kind, convert) in forms {
        let node = tls_broker("4.3.1");
        if form.starts_with("encrypted") {
            node.edit("/source }", &format!("/source, passwordFile: {} }}", openssl.at("pw").display()));
        }
        openssl.key("broker", kind);
        openssl.issue(&Request::BROKER);
        openssl.run(convert);
        Openssl::lay(&node.at("source"), &openssl.read("broker.crt"), &openssl.read("form.key"), &ca);
        taken(&node, &openssl, form);
    }
}

#[test]
fn the_parameters_before_a_key_and_certificates_in_any_order() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    openssl.key("between", EC);
    openssl.issue(&Request {
        name: "between",
        subject: "/CN=between",
        extensions: super::openssl::CA,
        ..Request::BROKER
    });
    openssl.run("ecparam -name prime256v1 -genkey -out broker.key");
    openssl.issue(&Request { by: "between", ..Request::BROKER });
    let key = openssl.read("broker.key");
    assert!(String::from_utf8_lossy(&key).contains("BEGIN EC PARAMETERS"));
    let (leaf, between, ca) =
        (openssl.read("broker.crt"), openssl.read("between.crt"), openssl.read("ca.crt"));
    let node = tls_broker("4.3.1");
    Openssl::lay(&node.at("source"), &[ca.clone(), between, leaf].concat(), &key, &ca);
    taken(&node, &openssl, "EC with parameters");
    let there = installed(&node.at("run/tls/SSL")).unwrap().unwrap();
    assert_eq!(there.leaf.issuer, "CN=between");
    assert_eq!((there.chain.len(), there.trust.len()), (2, 1), "the leaf first, then what lies between");
    assert!(matches!(there.leaf.key, KeyKind::Ec(_)));
}

/// Kafka 2.8 takes no other key from a file, and no other way of encryption either.
#[test]
fn kafka_2_8_is_given_a_key_that_is_encrypted() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    openssl.broker();
    let node = tls_broker("2.8.2");
    Openssl::lay(
        &node.at("source"),
        &openssl.read("broker.crt"),
        &openssl.read("broker.key"),
        &openssl.read("ca.crt"),
    );
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(node.read("run/tls/SSL/keystore.pem").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert!(node.read("run/server.properties").contains("listener.name.ssl.ssl.key.password=pillion\n"));
    let keystore = node.at("run/tls/SSL/keystore.pem");
    let opened = |args: &[&str]| {
        let output = Command::new("openssl").args(args).arg("-in").arg(&keystore).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let of_key = opened(&["pkey", "-passin", "pass:pillion", "-pubout"]);
    assert_eq!(of_key, opened(&["x509", "-noout", "-pubkey"]));
    assert!(opened(&["asn1parse"]).contains("pbeWithSHA1And3-KeyTripleDES-CBC"));
    let there = installed(&node.at("run/tls/SSL")).unwrap().unwrap();
    assert!(there.key.expose().len() > 100);
    let before = modified(&node);
    assert_eq!(code(&node.init(&[])), 0);
    assert_eq!(modified(&node), before, "the same key was encrypted in another way");
}
