//! Steps with certificates: put, wait, look.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use bed::tls::{Authority, replace};

use super::{
    super::scene::{Scene, run},
    proven,
};

/// Long enough for anything that will happen at all.
pub const SOON: Duration = Duration::from_secs(120);
/// The brokers.
pub const IDS: [i32; 3] = [1001, 1002, 1003];

/// Ways to be bad, and a word of the reason.
pub const BAD: &[(&str, &str)] = &[
    ("mismatch", "is not the one of its certificate"),
    ("truncated", "certificate"),
    ("expired", "ended at"),
    ("subject", "takes only one of"),
    ("names", "does not cover"),
    ("foreign", "chain-or-authority"),
    ("ed25519", "25519"),
];

/// Gives a broker another certificate, all files at once where that is possible; its serial number.
pub fn put(scene: &Scene, id: i32, authority: &Authority) -> Result<String> {
    let (name, names, addresses) = scene.node(id).names();
    let issued = authority.issue(&name, &names, &addresses)?;
    let trust = fs::read_to_string(scene.node(id).files().authority())?;
    scene.node(id).files().put(&issued, &trust, false)?;
    serial(&issued.certificate)
}

/// The same, and waits until it is proven; how long that took.
pub fn rotate(scene: &Scene, id: i32, authority: &Authority) -> Result<Duration> {
    proven(scene, id, authority)
}

/// Waits until the agent says, and openssl sees, that this one is served on both listeners.
pub fn wait_served(scene: &Scene, id: i32, wanted: &str) -> Result<()> {
    run(bed::eventually(&format!("{id} serves {wanted}"), SOON, async || {
        let status = scene.fleet.status(id).await?;
        let listeners = status.pointer("/certificates/listeners").context("no certificates")?;
        let all = listeners.as_object().context("no listeners")?.values();
        ensure!(all.clone().count() == 2, "{listeners}");
        for one in all {
            ensure!(one.get("served").and_then(serde_json::Value::as_bool) == Some(true), "{one}");
        }
        let seen = served(scene, id)?;
        ensure!(seen.iter().all(|one| one == wanted), "{seen:?}; {:?}", codes_of(&status)?);
        Ok(())
    }))
}

/// Waits until nothing is wrong with its certificates.
pub fn settled(scene: &Scene, id: i32) -> Result<()> {
    run(bed::eventually(&format!("{id} is content"), SOON, async || {
        let codes = codes_of(&scene.fleet.status(id).await?)?;
        ensure!(codes.is_empty(), "{codes:?}");
        Ok(())
    }))
}

/// Waits until this reason is told, with this word in it.
pub fn wait_code(scene: &Scene, id: i32, code: &str, word: Option<&str>) -> Result<()> {
    let fits = |text: &str| match word {
        None => true,
        Some("chain-or-authority") => {
            text.contains("does not lead to its CA") || text.contains("did not sign it")
        }
        Some(word) => text.contains(word),
    };
    run(bed::eventually(&format!("{id} says {code}"), SOON, async || {
        let codes = codes_of(&scene.fleet.status(id).await?)?;
        ensure!(codes.iter().any(|(one, text)| one == code && fits(text)), "{codes:?}");
        Ok(())
    }))
}

/// How many seconds the last rotation of each listener took, by the agent's word.
pub fn took(scene: &Scene, id: i32) -> Result<Vec<f64>> {
    let status = run(scene.fleet.status(id))?;
    let listeners =
        status.pointer("/certificates/listeners").and_then(|all| all.as_object()).context("no listeners")?;
    let took = |one: &serde_json::Value| one.pointer("/known/tookMs").and_then(serde_json::Value::as_f64);
    Ok(listeners.values().filter_map(took).map(|ms| ms / 1000.0).collect())
}

/// What is told about the certificates of a broker.
fn codes_of(status: &serde_json::Value) -> Result<Vec<(String, String)>> {
    let reasons =
        status.pointer("/certificates/reasons").and_then(|all| all.as_array()).context("no reasons")?;
    let text = |one: &serde_json::Value, key: &str| {
        one.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
    };
    Ok(reasons.iter().map(|one| (text(one, "code"), text(one, "text"))).collect())
}

/// Waits until a node's truststore of this listener holds so many authorities.
pub fn trusts(scene: &Scene, id: i32, listener: &str, count: usize) -> Result<()> {
    let path = scene.fleet.run_dir(id).join("tls").join(listener).join("truststore.pem");
    run(bed::eventually(&format!("{id} trusts {count}"), SOON, async || {
        let text = fs::read_to_string(&path).context("no truststore")?;
        let there = text.matches("BEGIN CERTIFICATE").count();
        ensure!(there == count, "{there} are trusted");
        Ok(())
    }))
}

/// The serial numbers that openssl sees at both listeners of a broker.
pub fn served(scene: &Scene, id: i32) -> Result<[String; 2]> {
    let node = scene.node(id);
    Ok([served_at(scene, node.external_addr())?, served_at(scene, node.internal_addr())?])
}

/// The serial number that openssl sees there.
pub fn served_at(scene: &Scene, address: SocketAddr) -> Result<String> {
    let files = scene.fleet.cluster.client_files();
    let mut command = Command::new("timeout");
    command.args(["5", "openssl", "s_client", "-connect", &address.to_string(), "-cert"]);
    command.arg(files.certificate()).arg("-key").arg(files.key());
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    serial(&String::from_utf8_lossy(&output.stdout))
}

/// The serial number of a certificate in PEM.
pub fn serial(text: &str) -> Result<String> {
    ensure!(text.contains("BEGIN CERTIFICATE"), "no certificate was shown");
    pipe(&["x509", "-noout", "-serial"], text)
}

/// The key in this file is the one of its certificate.
pub fn is_pair(keystore: &str) -> Result<()> {
    let of_key = pipe(&["pkey", "-pubout"], keystore)?;
    let of_certificate = pipe(&["x509", "-noout", "-pubkey"], keystore)?;
    ensure!(of_key == of_certificate, "key and certificate are no pair");
    Ok(())
}

fn pipe(arguments: &[&str], text: &str) -> Result<String> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("piped")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Certificate and key that a broker has now.
pub fn read(scene: &Scene, id: i32) -> Result<(String, String)> {
    let files = scene.node(id).files();
    Ok((fs::read_to_string(files.certificate())?, fs::read_to_string(files.key())?))
}

/// Puts them back.
pub fn write(scene: &Scene, id: i32, pair: &(String, String)) -> Result<()> {
    let files = scene.node(id).files();
    replace(&files.certificate(), &pair.0)?;
    replace(&files.key(), &pair.1)
}

/// Gives a broker a certificate that is bad in this way, made by openssl.
pub fn openssl(scene: &Scene, id: i32, way: &str) -> Result<()> {
    let good = read(scene, id)?;
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    let ssl = |arguments: &[&str]| -> Result<()> {
        let output = Command::new("openssl").args(arguments).current_dir(dir.path()).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    let ip = scene.node(id).ip();
    let names = format!("subjectAltName=DNS:broker-{id}.bed,DNS:localhost,IP:{ip},IP:127.0.0.1");
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key"];
    let subject = format!("/CN=broker-{id}");
    match way {
        "truncated" => return write(scene, id, &(good.0[..good.0.len() / 2].to_owned(), good.1)),
        "mismatch" => {
            ssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key"])?;
            return write(scene, id, &(good.0, fs::read_to_string(at("key"))?));
        }
        "subject" | "names" | "foreign" | "expired" => {
            let (subject, names) = match way {
                "subject" => ("/CN=somebody-else".to_owned(), names),
                "names" => (subject, "subjectAltName=DNS:elsewhere.bed".to_owned()),
                _ => (subject, names),
            };
            let mut arguments = vec!["req", "-x509", "-subj", &subject, "-addext", &names, "-out", "crt"];
            arguments.extend(curve);
            arguments.extend(["-days", "2", "-addext", "basicConstraints=critical,CA:FALSE"]);
            ssl(&arguments)?;
            if way == "expired" {
                // Issued again, to have ended yesterday.
                ssl(&["x509", "-in", "crt", "-signkey", "key", "-days", "-1", "-out", "ended"])?;
                fs::rename(at("ended"), at("crt"))?;
            }
        }
        "ed25519" => {
            let mut arguments =
                vec!["req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "key", "-out", "crt"];
            arguments.extend(["-days", "2", "-subj", &subject, "-addext", &names]);
            ssl(&arguments)?;
        }
        other => bail!("no such way: {other}"),
    }
    write(scene, id, &(fs::read_to_string(at("crt"))?, fs::read_to_string(at("key"))?))
}

/// Where a broker's change of the authority is told.
pub fn change_dir(scene: &Scene, id: i32) -> PathBuf {
    scene.node(id).dir().join("change")
}
