//! A certificate from a Secret.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::{
    scene::run,
    tls::{Authority, Issued},
};
use serde_json::{Value, json};

use crate::{
    figures::Figures,
    kubectl::Kubectl,
    scene::{KAFKA, SOON, Scene, project},
};

/// Of the overlay.
const NAMESPACE: &str = "certificate";
const SECRET: &str = "kafka-tls";
const HOST: &str = "kafka-0.kafka.certificate.svc.cluster.local";
/// From the Secret's change to a handshake that shows it.
const SERVED: Duration = Duration::from_secs(10);
/// From the right given back: at most 10 s to the next attempt, and what `kubectl apply` and a slow machine take.
const AGAIN: Duration = Duration::from_secs(30);
/// A watch that has begun is not cut off; a minute later it has to begin anew.
const TOLD: Duration = Duration::from_secs(75);

/// A change is served within seconds, without a restart; a right that is taken away is told, and costs nothing else.
pub fn from_a_secret(scene: &Scene, figures: &mut Figures) -> Result<()> {
    scene.alone_in(NAMESPACE, |kubectl| play(scene, kubectl, figures))
}

fn play(scene: &Scene, kubectl: &Kubectl, figures: &mut Figures) -> Result<()> {
    let authority = Authority::new("certificate-test")?;
    let issue = || authority.issue("kafka", &[HOST.to_owned()], &[]);
    let mut broker = Broker::up(scene, kubectl, &authority, &issue()?)?;

    for change in ["the first change", "the second change"] {
        let issued = issue()?;
        let changed = Instant::now();
        broker.write(&issued)?;
        broker.serves(&issued)?;
        figures.at_most(
            &format!("{change} of the Secret is served after"),
            changed.elapsed(),
            SERVED,
            "seconds",
        )?;
    }

    let taken = Instant::now();
    kubectl.run("delete rolebinding pillion-certificates")?;
    broker.says(&["certificate-source-unreachable", "cannot get resource", "secrets", "kafka-tls"])?;
    figures.at_most(
        "a right that is taken away is told after",
        taken.elapsed(),
        TOLD,
        "a watch lasts a minute",
    )?;
    broker.serves(&broker.last.clone())?;

    let issued = issue()?;
    broker.write(&issued)?;
    let given = Instant::now();
    kubectl.apply(&overlay())?;
    broker.serves(&issued)?;
    figures.at_most(
        "the right given back, what changed meanwhile is served after",
        given.elapsed(),
        AGAIN,
        "it is tried again every 10 s",
    )?;
    let pod = kubectl.json("get pod kafka-0")?;
    let restarts = pod["status"]["containerStatuses"].as_array().context("no containers")?;
    let restarts =
        restarts.iter().filter(|one| one["name"] == KAFKA).filter_map(|one| one["restartCount"].as_u64());
    let others = u64::from(pod["metadata"]["uid"] != broker.uid);
    figures.zero("restarts of Kafka", usize::try_from(restarts.sum::<u64>() + others)?, "times")
}

fn overlay() -> std::path::PathBuf {
    project("tests/e2e/overlays/certificate")
}

/// The one that is up, and what its Secret holds.
struct Broker<'a> {
    scene: &'a Scene,
    ip: String,
    uid: Value,
    authority: tempfile::NamedTempFile,
    last: Issued,
}

impl<'a> Broker<'a> {
    fn up(scene: &'a Scene, kubectl: &Kubectl, authority: &Authority, first: &Issued) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), authority.certificate())?;
        let (ip, uid) = (String::new(), Value::Null);
        let mut broker = Self { scene, ip, uid, authority: file, last: first.clone() };
        let began = Instant::now();
        kubectl.apply(&overlay())?;
        // It is waited for.
        broker.write(first)?;
        kubectl.within(SOON).run("rollout status statefulset/kafka --timeout=350s")?;
        println!("    up after {:.1} s", began.elapsed().as_secs_f64());
        let pod = kubectl.json("get pod kafka-0")?;
        pod["status"]["podIP"].as_str().context("no address")?.clone_into(&mut broker.ip);
        broker.uid = pod["metadata"]["uid"].clone();
        broker.serves(first)?;
        Ok(broker)
    }

    /// As cert-manager would.
    fn write(&mut self, issued: &Issued) -> Result<()> {
        let authority = fs::read_to_string(self.authority.path())?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": { "name": SECRET, "namespace": NAMESPACE },
            "stringData": { "tls.crt": issued.certificate, "tls.key": issued.key, "ca.crt": authority },
        });
        self.scene.bed.admin().within(SOON).apply(&secret.to_string())?;
        self.last = issued.clone();
        Ok(())
    }

    /// Waits until a handshake shows it, as a client would take it.
    fn serves(&self, issued: &Issued) -> Result<()> {
        run(bed::eventually("a handshake shows the certificate", SOON, async || {
            let shown = handshake(&self.ip, self.authority.path())?;
            ensure!(bare(&shown) == bare(&issued.certificate), "another one");
            Ok(())
        }))
    }

    /// Waits until its agent's status has all of these words.
    fn says(&self, words: &[&str]) -> Result<()> {
        run(bed::eventually(&format!("the status has {words:?}"), SOON, async || {
            let (_, said) = bed::watch::get(format!("{}:9440", self.ip).parse()?, "/status").await?;
            let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
            ensure!(missing.is_empty(), "{missing:?} not in {said}");
            Ok(())
        }))
    }
}

/// The certificate that OpenSSL is shown, once it has checked it.
fn handshake(ip: &str, authority: &Path) -> Result<String> {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &format!("{ip}:9094"), "-servername", HOST, "-verify_hostname", HOST])
        .args(["-verify_return_error", "-CAfile"])
        .arg(authority)
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let from = text.find("-----BEGIN").context("no certificate")?;
    let to = text.find("-----END").context("no end of a certificate")?;
    Ok(text[from..to].to_owned())
}

/// Without what line breaks differ in.
fn bare(pem: &str) -> String {
    let end = pem.find("-----END").unwrap_or(pem.len());
    pem[..end].split_whitespace().collect()
}
