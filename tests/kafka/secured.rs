//! Brokers and a controller that are asked by TLS and SASL alone.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{
    Builder, Cluster, Fleet, NEWEST, Tls, Truth, V3_9,
    tls::{Authority, Files, Issued, Mechanism, replace, token},
};
use pillion::kafka::{
    self, Address, Connection, Security,
    requests::{api_versions, reload},
};
use rustix::process::Signal;

use super::scene::{SOON, Scene, pass, run};

/// The broker that is asked with a certificate alone.
const BY_CERTIFICATE: i32 = 1001;
/// The one that is asked by SCRAM.
const BY_SCRAM: i32 = 1002;
/// The session of SASL.
const SESSION_MS: &str = "3000";
/// Longer than several sessions.
const SESSIONS: Duration = Duration::from_secs(30);

const FILES: &str = "  client:\n    authority: {dir}/tls/ca.crt\n    certificate: {dir}/tls/tls.crt\n    key: {dir}/tls/tls.key\n";

fn by_tls(builder: Builder, node: i32, port: u16) -> Builder {
    builder.pillion_of(node, "broker", &format!("  listener: \"{{ip}}:{port}\"\n{FILES}"))
}

fn by_sasl(builder: Builder, node: i32, mechanism: Mechanism) -> Builder {
    let credentials = match mechanism {
        Mechanism::OauthBearer => "tokenFile: {dir}/token",
        _ => "usernameFile: {dir}/user, passwordFile: {dir}/password",
    };
    let sasl = format!("    sasl: {{mechanism: {}, {credentials}}}\n", mechanism.name());
    builder.pillion_of(node, "broker", &format!("  listener: \"{{ip}}:9096\"\n{FILES}{sasl}"))
}

fn stage(version: &str) -> Builder {
    let tls = Tls::new().client_auth().sasl(true).controllers();
    let builder = Cluster::builder(version).controllers(1).brokers(3).tls(tls);
    let builder = builder.broker_property("listener.name.sasl.connections.max.reauth.ms", SESSION_MS);
    by_tls(builder, 1, 9093)
}

pub fn newest() -> Builder {
    let builder = by_tls(stage(NEWEST), BY_CERTIFICATE, 9094);
    by_sasl(by_sasl(builder, BY_SCRAM, Mechanism::Scram512), 1003, Mechanism::OauthBearer)
}

pub fn older() -> Builder {
    let builder = stage(V3_9).broker_property("listener.name.external.ssl.enabled.protocols", "TLSv1.2");
    let builder = by_tls(builder, BY_CERTIFICATE, 9094);
    by_sasl(by_sasl(builder, BY_SCRAM, Mechanism::Scram256), 1003, Mechanism::Plain)
}

/// Gives the agents their credentials.
pub fn let_in(fleet: &Fleet) -> Result<()> {
    let cluster = &fleet.cluster;
    run(cluster.wait_ready(SOON))?;
    run(cluster.set_scram_user("agent", "first", Mechanism::Scram512))?;
    run(cluster.set_scram_user("agent", "first", Mechanism::Scram256))?;
    let scram = cluster.node(BY_SCRAM).dir();
    fs::write(scram.join("user"), "agent\n")?;
    fs::write(scram.join("password"), "first\n")?;
    let third = cluster.node(1003).dir();
    fs::write(third.join("user"), "plain")?;
    fs::write(third.join("password"), "plain-secret")?;
    Ok(fs::write(third.join("token"), token("agent", 3600)?)?)
}

pub fn fallen_out(scene: &Scene) -> Result<()> {
    for id in [BY_CERTIFICATE, BY_SCRAM, 1003] {
        let since = Instant::now();
        scene.node(id).kill()?;
        scene.wait(id, false)?;
        scene.wait_truth(id, Truth::Out)?;
        scene.start(id)?;
        scene.wait(id, true)?;
        scene.score(id, since);
        scene.never_dead(id, since)?;
    }
    Ok(())
}

/// A broker closes the connection of a client that does not authenticate anew, and nothing is seen of that.
pub fn sessions(scene: &Scene) -> Result<()> {
    let (since, before) = (Instant::now(), said_in_log(scene, BY_SCRAM, "lost"));
    pass(SESSIONS);
    for id in scene.fleet.ids() {
        scene.no_blip(id, since)?;
    }
    ensure!(said_in_log(scene, BY_SCRAM, "lost") == before, "a connection was lost");
    Ok(())
}

/// What brokers and controllers were started with is asked by TLS and SASL, too, and is what would be rendered.
pub fn compared(scene: &Scene) -> Result<()> {
    for id in scene.fleet.ids() {
        let render = |more: &[&str]| {
            let mut command = scene.fleet.pillion(id);
            command.args(["render", "--config"]).arg(scene.fleet.config(id)).args(["--diff", "broker"]);
            command.args(more).output()
        };
        let output = render(&["--check"])?;
        ensure!(output.status.success() && output.stdout.is_empty(), "{id}: {output:?}");
        let output = render(&["--set", "kafka.properties.queued.max.requests=300"])?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            told.contains("+ queued.max.requests=300\n    needs a restart\n1 to change"),
            "{id}: {output:?}"
        );
        ensure!(!told.contains("first") && !told.contains("plain-secret"), "{told}");
    }
    Ok(())
}

fn said_in_log(scene: &Scene, id: i32, what: &str) -> usize {
    fs::read_to_string(scene.fleet.agent_log(id)).unwrap_or_default().matches(what).count()
}

/// The broker knows another password: unready, alive, by name; and well again with the file, by itself.
pub fn password_rotated(scene: &Scene) -> Result<()> {
    let (since, file) = (Instant::now(), scene.node(BY_SCRAM).dir().join("password"));
    let mechanism = Mechanism::Scram512;
    run(scene.fleet.cluster.set_scram_user("agent", "second, other", mechanism))?;
    scene.wait(BY_SCRAM, false)?;
    scene.wait_says(BY_SCRAM, "authentication-failed")?;
    let said = scene.fleet.said(BY_SCRAM);
    println!("    {}", said.trim());
    replace(&file, "second, other\n")?;
    let replaced = Instant::now();
    scene.wait(BY_SCRAM, true)?;
    println!("    ready {:.1} s after the file", replaced.elapsed().as_secs_f64());
    scene.never_dead(BY_SCRAM, since)?;
    let log = fs::read_to_string(scene.fleet.agent_log(BY_SCRAM))?;
    ensure!(!log.contains("second, other") && !log.contains("first"), "a password stands in the log");
    run(scene.fleet.cluster.set_scram_user("agent", "first", mechanism))?;
    replace(&file, "first\n")?;
    scene.wait(BY_SCRAM, true).map(drop)
}

/// The agent's own certificate is renewed: it goes over to the new one, and the broker stays ready.
pub fn renewed(scene: &Scene) -> Result<()> {
    let said = "goes on by the new certificates";
    for id in [BY_CERTIFICATE, BY_SCRAM, 1] {
        let (since, before) = (Instant::now(), incarnation(scene, id)?);
        let lines = said_in_log(scene, id, said);
        put(&scene.node(id).files(), &fresh(scene, id)?, scene.fleet.cluster.authority().certificate())?;
        run(bed::eventually(&format!("{id} goes over"), SOON, async || {
            ensure!(said_in_log(scene, id, said) > lines, "{}", scene.fleet.said(id));
            Ok(())
        }))?;
        pass(Duration::from_secs(8));
        scene.no_blip(id, since)?;
        ensure!(incarnation(scene, id)? == before, "it was taken for another life of the broker");
    }
    Ok(())
}

fn incarnation(scene: &Scene, id: i32) -> Result<String> {
    let (_, metrics) = run(scene.fleet.ask(id, "/metrics"))?;
    let line = metrics.lines().find(|line| line.starts_with("pillion_incarnation"));
    Ok(line.context("no incarnation in the metrics")?.to_owned())
}

fn fresh(scene: &Scene, id: i32) -> Result<Issued> {
    let (name, names, addresses) = scene.node(id).names();
    scene.fleet.cluster.authority().issue(&name, &names, &addresses)
}

/// Changes what the agent reads, and leaves what Kafka reads.
fn put(files: &Files, issued: &Issued, trust: &str) -> Result<()> {
    replace(&files.certificate(), &issued.certificate)?;
    replace(&files.key(), &issued.key)?;
    let authority: PathBuf = files.authority();
    replace(&authority, trust)
}

/// Each way of not being who one should be has its reason; the broker is alive all the while.
pub fn refused(scene: &Scene) -> Result<()> {
    let (id, cluster) = (BY_CERTIFICATE, &scene.fleet.cluster);
    let (since, files, trust) = (Instant::now(), scene.node(id).files(), cluster.authority().certificate());
    let (name, names, addresses) = scene.node(id).names();
    let stranger = Authority::new("a stranger")?;
    let good = fresh(scene, id)?;
    let other = stranger.issue(&name, &names, &addresses)?;
    let soon_over = cluster.authority().issue_for(&name, &names, &addresses, Duration::from_secs(1))?;
    pass(Duration::from_secs(2));
    let cases = [
        ("certificate-untrusted", &good, stranger.certificate()),
        ("client-certificate-refused", &other, trust),
        ("client-certificate-expired", &soon_over, trust),
    ];
    for (reason, issued, trust) in cases {
        // What is connected goes on by what it was let in with: a new agent has nothing else.
        put(&files, issued, trust)?;
        scene.fleet.signal_agent(id, Signal::KILL)?;
        scene.fleet.reap_agent(id, Duration::from_secs(5))?;
        scene.fleet.start_agent(id)?;
        scene.wait_says(id, reason)?;
        println!("    {}", scene.fleet.said(id).trim());
        put(&files, &good, cluster.authority().certificate())?;
        scene.wait(id, true)?;
    }
    scene.never_dead(id, since)
}

/// A new certificate is served once the broker was asked to read its files again.
pub fn reloaded(scene: &Scene) -> Result<()> {
    let node = scene.node(BY_CERTIFICATE);
    let at = |port: u16| Address { host: node.ip().to_string(), port };
    let external = at(9094);
    let until = || tokio::time::Instant::now() + Duration::from_secs(5);
    let before = run(async { anyhow::Ok(kafka::handshake(&external, None, None, until()).await?) })?;
    let issued = fresh(scene, BY_CERTIFICATE)?;
    let files = node.files();
    files.put(&issued, scene.fleet.cluster.authority().certificate(), false)?;
    let since = Instant::now();
    run(async {
        let mut connection = Connection::open(&at(9092), &Security::plain(), "test", until()).await?;
        let versions = api_versions(&mut connection, until()).await?;
        let refused = reload(&mut connection, &versions, BY_CERTIFICATE, "EXTERNAL", until()).await?;
        ensure!(refused.is_none(), "{refused:?}");
        bed::eventually("another certificate is served", SOON, async || {
            for port in [9094, 9095] {
                let served = kafka::handshake(&at(port), None, None, until()).await?;
                ensure!(served.leaf_sha256 != before.leaf_sha256, "{port} serves the old one");
            }
            Ok(())
        })
        .await
    })?;
    println!("    served {:.2} s after the request", since.elapsed().as_secs_f64());
    scene.no_blip(BY_CERTIFICATE, since)
}
