//! Each way in which a certificate is bad: refused, with its code and a remedy, and nothing written.

use std::{fs, process::Command};

use super::{
    good::tls_broker,
    init_support::{code, stderr},
    openssl::{BROKER, CA, EC, Openssl, RSA, Request},
};

/// What a source holds.
struct Laid {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Vec<u8>,
}

/// The code, what is done to a good source, what the exit code is, what the text and the remedy say.
type Case = (&'static str, &'static str, fn(&Openssl, &mut Laid), i32, &'static [&'static str]);

fn issued(openssl: &Openssl, laid: &mut Laid, request: &Request<'_>) {
    openssl.issue(request);
    laid.certificate = openssl.read("broker.crt");
}

fn of_kind(openssl: &Openssl, laid: &mut Laid, kind: &str) {
    openssl.key("broker", kind);
    laid.key = openssl.read("broker.key");
    issued(openssl, laid, &Request::BROKER);
}

fn with(openssl: &Openssl, laid: &mut Laid, from: &str, to: &str) {
    assert!(BROKER.contains(from));
    issued(openssl, laid, &Request { extensions: &BROKER.replace(from, to), ..Request::BROKER });
}

fn key_by(openssl: &Openssl, laid: &mut Laid, convert: &str) {
    openssl.run(convert);
    laid.key = openssl.read("form.key");
}

const CASES: &[Case] = &[
    (
        "the key of another certificate",
        "key-mismatch",
        |o, l| {
            o.key("other", EC);
            l.key = o.read("other.key");
        },
        64,
        &["kafka-1", "replace both at once"],
    ),
    (
        "ended",
        "expired",
        |o, l| issued(o, l, &Request { life: (-48, -1), ..Request::BROKER }),
        64,
        &["ended at", "issued again"],
    ),
    (
        "not yet valid",
        "not-yet-valid",
        |o, l| issued(o, l, &Request { life: (2, 48), ..Request::BROKER }),
        64,
        &["becomes valid at", "clocks"],
    ),
    (
        "another name",
        "names-missing",
        |o, l| with(o, l, "DNS:kafka-1", "DNS:kafka-2"),
        64,
        &["does not cover kafka-1", "kafka-2", "spec.dnsNames"],
    ),
    (
        "a common name only",
        "names-missing",
        |o, l| with(o, l, "subjectAltName=DNS:kafka-1,IP:127.0.0.1\n", ""),
        64,
        &["are: none", "(CN) does not count"],
    ),
    (
        "the intermediate is missing",
        "chain-incomplete",
        |o, l| {
            o.key("between", EC);
            o.issue(&Request { name: "between", subject: "/CN=between", extensions: CA, ..Request::BROKER });
            issued(o, l, &Request { by: "between", ..Request::BROKER });
        },
        64,
        &["\"CN=between\" is missing", "append the certificates of the intermediate"],
    ),
    (
        "another CA",
        "chain-incomplete",
        |o, l| {
            o.key("other", EC);
            o.issue(&Request {
                name: "other",
                subject: "/CN=other CA",
                by: "other",
                extensions: CA,
                ..Request::BROKER
            });
            l.authority = o.read("other.crt");
        },
        64,
        &["\"CN=demo CA\" is missing", "CN=other CA", "into ca.crt"],
    ),
    (
        "another CA of the same name",
        "authority-mismatch",
        |o, l| {
            o.key("other", EC);
            o.issue(&Request {
                name: "other",
                subject: "/CN=demo CA",
                by: "other",
                extensions: CA,
                ..Request::BROKER
            });
            l.authority = o.read("other.crt");
        },
        64,
        &["did not sign it", "is another CA"],
    ),
    (
        "Ed25519",
        "key-type",
        |o, l| of_kind(o, l, "-algorithm ED25519"),
        64,
        &["Ed25519", "Kafka reads RSA and EC keys only", "EC key (P-256)"],
    ),
    (
        "RSA of 1024 bits",
        "key-type",
        |o, l| of_kind(o, l, "-algorithm RSA -pkeyopt rsa_keygen_bits:1024"),
        64,
        &["2048", "key_type"],
    ),
    (
        "an odd curve",
        "key-type",
        |o, l| of_kind(o, l, "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1"),
        64,
        &["P-256, P-384 and P-521"],
    ),
    (
        "a PKCS#12 store for a key",
        "key-format",
        |o, l| key_by(o, l, "pkcs12 -export -inkey broker.key -in broker.crt -passout pass:x -out form.key"),
        64,
        &["PKCS#12", "openssl pkcs12 -in FILE -nocerts -noenc"],
    ),
    (
        "a JKS store for a key",
        "key-format",
        |o, l| {
            o.run("pkcs12 -export -inkey broker.key -in broker.crt -passout pass:changeit -out form.p12");
            let _ = fs::remove_file(o.at("form.key"));
            let mut keytool = Command::new("keytool");
            keytool.args([
                "-importkeystore",
                "-srckeystore",
                "form.p12",
                "-destkeystore",
                "form.key",
                "-deststoretype",
                "JKS",
            ]);
            keytool.args(["-srcstorepass", "changeit", "-deststorepass", "changeit", "-noprompt"]);
            assert!(keytool.current_dir(o.at("")).output().unwrap().status.success());
            l.key = o.read("form.key");
        },
        64,
        &["Java key store", "keytool -importkeystore"],
    ),
    (
        "a key in DER",
        "key-format",
        |o, l| key_by(o, l, "pkey -in broker.key -outform der -out form.key"),
        64,
        &["DER", "openssl pkey -inform der"],
    ),
    (
        "a certificate in DER",
        "certificate-format",
        |o, l| {
            o.run("x509 -in broker.crt -outform der -out form.crt");
            l.certificate = o.read("form.crt");
        },
        64,
        &["DER", "openssl x509 -inform der"],
    ),
    (
        "a key that is encrypted as once",
        "key-format",
        |o, l| {
            of_kind(o, l, RSA);
            key_by(o, l, "rsa -in broker.key -aes128 -traditional -passout pass:secret -out form.key");
        },
        64,
        &["Proc-Type: 4,ENCRYPTED", "openssl pkcs8 -topk8"],
    ),
    (
        "encrypted, and no password",
        "key-encrypted",
        |o, l| key_by(o, l, "pkcs8 -topk8 -in broker.key -passout pass:secret -out form.key"),
        64,
        &["there is no password", "passwordFile"],
    ),
    (
        "two keys",
        "key-format",
        |o, l| {
            o.key("other", EC);
            l.key.extend(o.read("other.key"));
        },
        64,
        &["more than one private key"],
    ),
    (
        "a certificate for a key",
        "key-format",
        |o, l| l.key = o.read("broker.crt"),
        64,
        &["holds no private key, but: CERTIFICATE"],
    ),
    (
        "cut off",
        "certificate-damaged",
        |_, l| l.certificate.truncate(l.certificate.len() / 2),
        64,
        &["cut off", "anew and whole"],
    ),
    ("no PEM", "certificate-format", |_, l| l.certificate = b"hello\n".to_vec(), 64, &["no PEM"]),
    ("an empty CA", "authority-format", |_, l| l.authority.clear(), 64, &["the CA of", "is empty"]),
    (
        "a server's only",
        "usage",
        |o, l| with(o, l, ",clientAuth", ""),
        64,
        &["without clientAuth", "spec.usages"],
    ),
    ("a client's only", "usage", |o, l| with(o, l, "serverAuth,", ""), 64, &["without serverAuth"]),
    (
        "for other signatures",
        "usage",
        |o, l| with(o, l, "digitalSignature", "keyAgreement"),
        64,
        &["without digitalSignature"],
    ),
    (
        "that of a CA",
        "certificate-is-authority",
        |o, l| with(o, l, "CA:FALSE", "CA:TRUE"),
        64,
        &["CA:TRUE", "make a CA"],
    ),
    (
        "signed with SHA-1",
        "signature-algorithm",
        |o, l| issued(o, l, &Request { digest: "sha1", ..Request::BROKER }),
        64,
        &["SHA-1", "SHA-256"],
    ),
    (
        "a CA that is none",
        "authority-not-ca",
        |o, l| {
            o.key("other", EC);
            o.issue(&Request {
                name: "other",
                subject: "/CN=other",
                by: "other",
                extensions: "basicConstraints=CA:FALSE\n",
                ..Request::BROKER
            });
            issued(o, l, &Request { by: "other", ..Request::BROKER });
            l.authority = o.read("other.crt");
        },
        64,
        &["is none", "certificate of the CA into ca.crt"],
    ),
    (
        "a CA that has ended",
        "authority-expired",
        |o, l| {
            o.key("other", EC);
            o.issue(&Request {
                name: "other",
                subject: "/CN=old",
                by: "other",
                extensions: CA,
                life: (-48, -1),
                ..Request::BROKER
            });
            issued(o, l, &Request { by: "other", ..Request::BROKER });
            l.authority = o.read("other.crt");
        },
        64,
        &["CN=old", "renew the CA"],
    ),
];

#[test]
fn each_is_refused_with_its_code_and_a_remedy_and_nothing_is_written() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    let mut failed = Vec::new();
    for (name, fault, spoil, exit, says) in CASES {
        openssl.broker();
        let mut laid = Laid {
            certificate: openssl.read("broker.crt"),
            key: openssl.read("broker.key"),
            authority: openssl.read("ca.crt"),
        };
        spoil(&openssl, &mut laid);
        let node = tls_broker("4.3.1");
        Openssl::lay(&node.at("source"), &laid.certificate, &laid.key, &laid.authority);
        let before = node.files();
        let output = node.init(&[]);
        let said = stderr(&output);
        let whole = says.iter().all(|part| said.contains(part)) && said.contains(&format!("({fault})"));
        let clean = node.files() == before && said.contains("remedy: ") && !said.contains("PRIVATE KEY");
        if code(&output) != *exit || !whole || !clean {
            failed.push(format!("{name} ({fault}): exit {}\n{said}", code(&output)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(CASES.len() >= 12);
}

#[test]
fn a_wrong_password_and_a_missing_file() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    openssl.broker();
    openssl.run("pkcs8 -topk8 -in broker.key -passout pass:right -out form.key");
    let node = tls_broker("4.3.1");
    node.write("pw", "wrong\n");
    Openssl::lay(
        &node.at("source"),
        &openssl.read("broker.crt"),
        &openssl.read("form.key"),
        &openssl.read("ca.crt"),
    );
    node.edit("/source }", &format!("/source, passwordFile: {} }}", node.at("pw").display()));
    let output = node.init(&[]);
    let said = stderr(&output);
    assert!(code(&output) == 64 && said.contains("(key-password)") && !said.contains("wrong"), "{said}");

    openssl.run("pkcs8 -topk8 -scrypt -in broker.key -passout pass:wrong -out form.key");
    fs::copy(openssl.at("form.key"), node.at("source/tls.key")).unwrap();
    let said = stderr(&node.init(&[]));
    assert!(said.contains("(key-encryption)") && said.contains("-v2 aes-256-cbc"), "{said}");

    // What is not there yet is waited for, and said.
    fs::remove_file(node.at("source/tls.crt")).unwrap();
    node.edit("wait: 1s", "wait: 3s");
    let output = node.init(&[]);
    let said = stderr(&output);
    assert_eq!(code(&output), 69, "{said}");
    assert!(said.contains("waiting for certificates, up to 3s: SSL: failed to read"), "{said}");
    assert!(said.contains("tls.crt: it does not exist\n    remedy: see why"), "{said}");
}

#[test]
fn settings_that_do_not_go_with_the_files_and_listeners_that_are_none() {
    let node = tls_broker("4.3.1");
    node.edit(
        "security.inter.broker.protocol: SSL",
        "security.inter.broker.protocol: SSL\n    ssl.keystore.password: x\n    \
         listener.name.ssl.ssl.keystore.location: /x",
    );
    node.edit("    SSL:\n", "    OTHER: { development: { directory: /ca } }\n    SSL:\n");
    let output = node.init(&[]);
    let said = stderr(&output);
    assert_eq!(code(&output), 64, "{said}");
    assert!(
        said.contains("ssl.keystore.password: it does not go with the PEM files of listener SSL"),
        "{said}"
    );
    assert!(said.contains("take it out; it is decided by certificates.listeners"), "{said}");
    assert!(said.contains("has no listener OTHER"), "{said}");
    assert!(node.files().is_empty());
}
