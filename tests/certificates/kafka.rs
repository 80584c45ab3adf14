//! What is installed, read by the class by which each Kafka reads it.

use std::{path::Path, process::Command};

use bed::{Kafka, NEWEST, V2_8, V3_9};

use super::{
    good::tls_broker,
    init_support::{code, stderr},
    openssl::{EC, Openssl, RSA, Request},
};

#[test]
fn each_kafka_loads_what_was_converted() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    let ca = openssl.read("ca.crt");
    let ec = (EC, "EC", "ec -in broker.key -out form.key");
    let rsa = (RSA, "RSA", "rsa -in broker.key -traditional -out form.key");
    for (version, (kind, name, convert)) in [(V2_8, rsa), (V3_9, ec), (NEWEST, rsa)] {
        openssl.key("broker", kind);
        openssl.issue(&Request::BROKER);
        openssl.run(convert);
        let node = tls_broker(version);
        Openssl::lay(&node.at("source"), &openssl.read("broker.crt"), &openssl.read("form.key"), &ca);
        let output = node.init(&[]);
        assert_eq!(code(&output), 0, "{version}: {}", stderr(&output));
        let password = if version == V2_8 { Some("pillion") } else { None };
        let classes = Kafka::fetch(version).unwrap().libs().join("*");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java/LoadsPem.java");
        let mut java = Command::new("java");
        java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]).arg(classes).arg(source);
        let output = java.arg(node.at("run/tls/SSL")).args(password).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{name} 1\n"),
            "{version}: {}",
            stderr(&output)
        );
    }
}
