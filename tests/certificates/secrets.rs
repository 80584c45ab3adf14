//! Nothing secret is where it does not belong.

use std::fs;

use super::{
    good::tls_broker,
    init_support::{Node, code, stderr},
    openssl::{Openssl, Request},
};

const PASSWORD: &str = "correct-horse-battery";

/// What must not be seen: the password, and each line of each form of the key.
fn secrets(openssl: &Openssl, node: &Node) -> Vec<String> {
    let forms =
        [openssl.read("broker.key"), openssl.read("form.key"), fs::read(node.at("source/tls.key")).unwrap()];
    let texts = forms.iter().map(|form| String::from_utf8_lossy(form).into_owned());
    let lines: Vec<_> = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let body = lines.into_iter().filter(|line| line.len() > 20 && !line.starts_with('-'));
    body.chain([PASSWORD.to_owned()]).collect()
}

fn holds(text: &str, secrets: &[String]) -> bool {
    secrets.iter().any(|secret| text.contains(secret.as_str()))
}

/// With every log there is; the output, what was written, and how it ended.
fn run(node: &Node) -> (String, i32) {
    let output = node.command(&[]).env("PILLION_LOG", "trace").output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output), code(&output))
}

#[test]
fn no_key_and_no_password_in_any_output_or_file_but_the_keystore() {
    let work = tempfile::tempdir().unwrap();
    let openssl = Openssl::new(work.path());
    openssl.broker();
    openssl.run(&format!("pkcs8 -topk8 -in broker.key -passout pass:{PASSWORD} -out form.key"));
    let node = tls_broker("4.3.1");
    fs::write(openssl.at("pw"), PASSWORD).unwrap();
    node.edit("/source }", &format!("/source, passwordFile: {} }}", openssl.at("pw").display()));
    let lay = |certificate: &str, key: &str| {
        Openssl::lay(
            &node.at("source"),
            &openssl.read(certificate),
            &openssl.read(key),
            &openssl.read("ca.crt"),
        );
    };
    lay("broker.crt", "form.key");
    let known = secrets(&openssl, &node);
    let (said, exit) = run(&node);
    assert!(exit == 0 && !holds(&said, &known), "{said}");
    let mut found = Vec::new();
    for (name, bytes) in node.files() {
        let text = String::from_utf8_lossy(&bytes);
        if !name.starts_with("source/") && holds(&text, &known) {
            found.push(name);
        }
    }
    assert_eq!(found, ["run/tls/SSL/keystore.pem"]);

    // Nor in what is said of a key that is damaged, of another certificate, or the wrong way round.
    let damaged: Vec<u8> =
        openssl.read("broker.key").iter().map(|b| if *b == b'A' { b'!' } else { *b }).collect();
    fs::write(openssl.at("damaged.key"), damaged).unwrap();
    openssl.key("broker", super::openssl::EC);
    openssl.issue(&Request { name: "broker", ..Request::BROKER });
    let known = [known, secrets(&openssl, &node)].concat();
    for (certificate, key) in
        [("broker.crt", "form.key"), ("broker.crt", "damaged.key"), ("form.key", "broker.crt")]
    {
        lay(certificate, key);
        let (said, exit) = run(&node);
        assert!(exit == 64 && !holds(&said, &known), "{certificate} {key}: {said}");
    }
}
