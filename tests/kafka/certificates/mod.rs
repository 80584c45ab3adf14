//! Certificates of the listeners: rotated under running brokers, refused when they are bad, kept when they end.

mod change;
pub mod quorum;
mod steps;

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{TlsClients, tls::Authority};
use rustix::process::Signal;

use super::{
    full,
    scene::{Scene, pass, run},
};
pub use change::authority;
use steps::{IDS, SOON, openssl, put, rotate, serial, served, settled, wait_code};

/// The files change one after the other, as cert-manager renews them: no client notices.
pub fn rotations(scene: &Scene) -> Result<()> {
    scene.topic("certificates")?;
    let cluster = &scene.fleet.cluster;
    let pids: Vec<_> = IDS.map(|id| scene.node(id).pid()).to_vec();
    let clients = TlsClients::start(cluster, "certificates", &cluster.tls_client())?;
    run(clients.wait_more(3, SOON))?;
    let (mut took, mut agent) = (Vec::new(), Vec::new());
    for _ in 0..if full() { 20 } else { 5 } {
        // One broker after the other: three that reload at once take two cores for longer than the goal.
        for id in IDS {
            took.push(proven(scene, id, cluster.authority())?);
        }
    }
    for id in IDS {
        agent.extend(steps::took(scene, id)?);
    }
    run(clients.wait_more(3, SOON))?;
    let report = run(clients.stop(SOON))?;
    took.sort();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default().as_secs_f64();
    println!(
        "    {} rotations, each proven on two listeners: median {:.1} s, 95 % {:.1} s, longest {:.1} s; {} records, {} new \
         clients, {} errors",
        took.len(),
        at(50),
        at(95),
        took.last().copied().unwrap_or_default().as_secs_f64(),
        report.acked,
        report.opened,
        report.errors.len()
    );
    println!("    by the agents' own word the last ones took {agent:?} s");
    ensure!(report.errors.is_empty(), "{:?}", report.errors);
    ensure!(report.read == report.acked, "{} of {} records were read", report.read, report.acked);
    ensure!(pids == IDS.map(|id| scene.node(id).pid()).to_vec(), "a broker was restarted");
    if full() {
        ensure!(took.iter().all(|took| *took <= Duration::from_secs(5)), "{took:?}");
    }
    Ok(())
}

/// One on each broker, for releases whose clients are not at hand.
pub fn rotation(scene: &Scene) -> Result<()> {
    for id in IDS {
        let pid = scene.node(id).pid();
        for _ in 0..3 {
            let took = rotate(scene, id, scene.fleet.cluster.authority())?;
            println!("    {id}: proven after {:.1} s", took.as_secs_f64());
        }
        ensure!(pid == scene.node(id).pid(), "{id} was restarted");
    }
    Ok(())
}

/// Each in its own way, made by openssl: the old one stays, and the reason is named.
pub fn bad(scene: &Scene) -> Result<()> {
    let id = 1001;
    rotate(scene, id, scene.fleet.cluster.authority())?;
    let before = served(scene, id)?;
    let good = steps::read(scene, id)?;
    for (name, word) in steps::BAD {
        openssl(scene, id, name)?;
        wait_code(scene, id, "certificate-invalid", Some(word)).with_context(|| (*name).to_owned())?;
        ensure!(served(scene, id)? == before, "{name}: another certificate is served");
        println!("    {name}: refused, for it says {word:?}");
    }
    steps::write(scene, id, &good)?;
    settled(scene, id)?;
    rotate(scene, id, scene.fleet.cluster.authority())?;
    Ok(())
}

/// Killed at one instant of a rotation after the other: what is installed is whole, and the next agent completes it.
pub fn killed(scene: &Scene) -> Result<()> {
    let id = 1002;
    for step in (0..20).step_by(if full() { 1 } else { 4 }) {
        let wanted = put(scene, id, scene.fleet.cluster.authority())?;
        pass(Duration::from_millis(100 * step));
        scene.fleet.signal_agent(id, Signal::KILL)?;
        scene.fleet.reap_agent(id, Duration::from_secs(5))?;
        for listener in ["EXTERNAL", "INTERNAL"] {
            let dir = scene.fleet.run_dir(id).join("tls").join(listener);
            let keystore = fs::read_to_string(dir.join("keystore.pem"))?;
            steps::is_pair(&keystore).with_context(|| format!("killed after {} ms", 100 * step))?;
        }
        scene.fleet.start_agent(id)?;
        steps::wait_served(scene, id, &wanted)?;
    }
    Ok(())
}

/// Nobody renews it: loud before its end and after, and it stays. One that comes too late takes a restart.
pub fn ended(scene: &Scene) -> Result<()> {
    let id = 1003;
    let (name, names, addresses) = scene.node(id).names();
    let authority = scene.fleet.cluster.authority();
    let issued = authority.issue_for(&name, &names, &addresses, Duration::from_secs(30))?;
    scene.node(id).files().put(&issued, authority.certificate(), false)?;
    let wanted = serial(&issued.certificate)?;
    steps::wait_served(scene, id, &wanted)?;
    let gone = scene.node(id).dir().join("tls-gone");
    fs::rename(scene.node(id).files().dir(), &gone)?;
    wait_code(scene, id, "certificate-expiring", Some("source cannot be asked"))?;
    wait_code(scene, id, "certificate-expiring", Some("ended"))?;
    wait_code(scene, id, "certificate-source-unreachable", None)?;
    ensure!(served(scene, id)? == [wanted.clone(), wanted], "it is not kept");
    let (_, metrics) = run(scene.fleet.ask(id, "/metrics"))?;
    ensure!(metrics.contains("pillion_certificate_expiry_timestamp_seconds{"), "{metrics}");
    ensure!(metrics.contains("reason=\"certificate-expiring\""), "{metrics}");
    fs::rename(&gone, scene.node(id).files().dir())?;
    let wanted = put(scene, id, authority)?;
    // Kafka tries old and new against each other where brokers connect, and takes none in place of one that has ended.
    wait_code(scene, id, "certificate-not-served", None)?;
    run(scene.node(id).restart(SOON))?;
    steps::wait_served(scene, id, &wanted)?;
    settled(scene, id)
}

/// All that is said at trace level holds no part of any key.
pub fn secrets(scene: &Scene) -> Result<()> {
    let id = 1001;
    scene.fleet.signal_agent(id, Signal::KILL)?;
    scene.fleet.reap_agent(id, Duration::from_secs(5))?;
    let path = scene.node(id).dir().join("trace.log");
    let log = fs::File::create(&path)?;
    let mut command = scene.fleet.pillion(id);
    command.args(["sidecar", "--config"]).arg(scene.fleet.config(id)).env("PILLION_LOG", "trace");
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut agent = command.spawn()?;
    let outcome = (|| {
        rotate(scene, id, scene.fleet.cluster.authority())?;
        openssl(scene, id, "mismatch")?;
        wait_code(scene, id, "certificate-invalid", None)?;
        rotate(scene, id, scene.fleet.cluster.authority())
    })();
    agent.kill()?;
    agent.wait()?;
    scene.fleet.start_agent(id)?;
    outcome?;
    let said = fs::read_to_string(&path)? + &scene.node(id).log_tail(usize::MAX);
    ensure!(said.contains("asked the node to reload"), "nothing was said");
    let dir = scene.fleet.run_dir(id).join("tls");
    let mut lines = 0;
    for file in
        [scene.node(id).files().key(), dir.join("INTERNAL/keystore.pem"), dir.join("EXTERNAL/keystore.pem")]
    {
        let text = fs::read_to_string(&file)?;
        let key = text.split("-----END").next().unwrap_or_default();
        for line in key.lines().filter(|line| !line.starts_with("-----") && line.len() > 16) {
            lines += 1;
            ensure!(!said.contains(&line[..16]), "a log holds a part of {}", file.display());
        }
    }
    ensure!(lines > 3, "no key was looked for");
    Ok(())
}

/// Proof by the agent's own word and by openssl's.
fn proven(scene: &Scene, id: i32, authority: &Authority) -> Result<Duration> {
    let began = Instant::now();
    let wanted = put(scene, id, authority)?;
    steps::wait_served(scene, id, &wanted)?;
    Ok(began.elapsed())
}
