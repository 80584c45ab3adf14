//! The canary, and consumer lag, elsewhere than on three plain brokers of the newest release: by TLS and SASL, on other
//! releases, with `ZooKeeper`, and on fewer brokers.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Acl, View, eventually, truth::Partition};
use rustix::process::Signal;

use super::{
    canary::{count, is_up, wait_up},
    lag,
    scene::{SOON, Scene, run},
};

/// Round trips begin so often.
const EVERY: Duration = Duration::from_secs(10);
/// The longest that one may take, and a busy machine.
const TRIP: Duration = Duration::from_secs(6);

/// Without the nodes that are controllers alone.
fn brokers(scene: &Scene) -> Vec<i32> {
    scene.fleet.cluster.brokers().map(bed::Node::id).collect()
}

/// Plays with these lines in the `sidecar` part of every broker's agent, which is then as it was; without the canary's topic.
fn with(scene: &Scene, lines: &str, topic: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut before = Vec::new();
    for id in brokers(scene) {
        let text = fs::read_to_string(scene.fleet.config(id))?;
        let more = text.replacen("\nsidecar:\n", &format!("\nsidecar:\n{lines}"), 1);
        ensure!(more != text, "no sidecar in {text}");
        before.push((id, text));
        configured(scene, id, &more)?;
    }
    let outcome = act();
    if outcome.is_err() {
        // Its agents say why, and go now.
        before.iter().try_for_each(|(id, _)| show(scene, *id))?;
    }
    for (id, text) in &before {
        configured(scene, *id, text)?;
    }
    // Where there is none nothing is to be taken away.
    let _ = run(scene.fleet.cluster.delete_topic(topic));
    outcome
}

fn show(scene: &Scene, id: i32) -> Result<()> {
    let log = fs::read_to_string(scene.fleet.agent_log(id))?;
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("canary")).collect();
    println!("--- {id}: {}", lines[lines.len().saturating_sub(6)..].join("\n"));
    println!("--- {id}: {:#}", run(scene.fleet.status(id))?["canary"]);
    Ok(())
}

/// Starts an agent anew with another configuration.
fn configured(scene: &Scene, id: i32, text: &str) -> Result<()> {
    fs::write(scene.fleet.config(id), text)?;
    if scene.fleet.agent_pid(id).is_some() {
        scene.fleet.signal_agent(id, Signal::TERM)?;
        scene.fleet.reap_agent(id, Duration::from_secs(5))?;
    }
    scene.fleet.start_agent(id)
}

fn with_canary(scene: &Scene, topic: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    with(scene, &format!("  canary: {{enabled: true, topic: {topic}}}\n"), topic, act)
}

/// The partitions of a topic, as a broker has them.
async fn of_topic(scene: &Scene, topic: &str) -> Result<Vec<Partition>> {
    let view = View::ask(scene.node(1001).bootstrap(), SOON).await?;
    Ok(view.partitions.into_iter().filter(|one| one.topic == topic).collect())
}

/// Each broker leads a partition, and all of them have so many copies, which are in sync.
async fn is_right(scene: &Scene, topic: &str, copies: usize) -> Result<()> {
    let all = of_topic(scene, topic).await?;
    let mut leaders: Vec<i32> = all.iter().map(|one| one.leader).collect();
    leaders.sort_unstable();
    let whole = all.iter().all(|one| one.isr.len() == copies && one.replicas.len() == copies);
    ensure!(leaders == brokers(scene) && whole, "{all:?}");
    Ok(())
}

/// Records come back through every broker, and the time that takes is noted.
fn sings(scene: &Scene, topic: &str, copies: usize) -> Result<()> {
    let since = Instant::now();
    for id in brokers(scene) {
        wait_up(scene, id, true)?;
    }
    run(eventually("the topic is right", SOON, async || is_right(scene, topic, copies).await))?;
    println!("    all are up, and the topic is right, after {:.1} s", since.elapsed().as_secs_f64());
    for id in brokers(scene) {
        let of = |name: &str| lag::told(scene, name, &[]).into_iter().find(|(told, _)| *told == id);
        let (_, good) = of("pillion_canary_latency_seconds_count").context("no latency")?;
        let (_, sum) = of("pillion_canary_latency_seconds_sum").context("no latency")?;
        let (_, age) = of("pillion_canary_age_seconds").context("no age")?;
        println!("    {id}: {good} good, {:.1} ms each", sum / good * 1000.0);
        // Those who copy from a new leader may take seconds to begin.
        ensure!(good >= 1.0 && sum > 0.0 && sum / good < 3.0, "{id}: {good} {sum}");
        ensure!(age < 2.0 * EVERY.as_secs_f64(), "{id}: {age}");
        let status = run(scene.fleet.status(id))?;
        let told = &status["canary"];
        ensure!(told["last"] == "ok" && told["trouble"].is_null() && told["topic"] == topic, "{told:#}");
    }
    Ok(())
}

/// How many round trips of a broker were not good, but for those for which there was no partition.
fn bad(scene: &Scene, id: i32) -> f64 {
    ["produce-failed", "not-committed", "not-read"].iter().map(|outcome| count(scene, id, outcome)).sum()
}

/// Each broker may stop, one after the other, and the canaries of the others go on.
fn rolls(scene: &Scene, ids: &[i32]) -> Result<()> {
    for id in ids {
        let asked = Instant::now();
        run(eventually(&format!("{id} may stop"), SOON, async || {
            let (status, said) = scene.fleet.ask(*id, "/stopz").await?;
            ensure!(status == 200, "{said}");
            Ok(())
        }))?;
        println!("    {id} may stop, after {:.1} s", asked.elapsed().as_secs_f64());
        let others = || brokers(scene).into_iter().filter(|other| other != id);
        let before: Vec<(f64, f64)> =
            others().map(|other| (count(scene, other, "ok"), bad(scene, other))).collect();
        scene.stop(*id)?;
        scene.wait(*id, false)?;
        for (other, (good, failed)) in others().zip(before) {
            run(eventually(&format!("{other} gets through without {id}"), SOON, async || {
                let now = tokio::task::block_in_place(|| count(scene, other, "ok"));
                ensure!(now >= good + 1.0, "{now}");
                Ok(())
            }))?;
            // One that was on its way when the other broker left may have had to wait for that.
            ensure!(bad(scene, other) <= failed + 1.0, "{other}: {} after {failed}", bad(scene, other));
            ensure!(is_up(scene, other) == Some(true) && scene.fleet.is_ready(other));
        }
        scene.start(*id)?;
        let back = scene.wait(*id, true)?;
        wait_up(scene, *id, true)?;
        let up = back.elapsed();
        println!("    {id}: up {:.1} s after it was ready again", up.as_secs_f64());
        ensure!(up < EVERY + TRIP, "{up:?}");
    }
    Ok(())
}

/// On another release: the topic is made, records come back, and a broker is stopped and comes back.
pub fn canary(scene: &Scene) -> Result<()> {
    let topic = "canary-elsewhere";
    with_canary(scene, topic, || {
        sings(scene, topic, 3)?;
        rolls(scene, &[1003])?;
        sings(scene, topic, 3)
    })
}

/// What the agent may not do says nothing of the broker, nor of clients.
pub fn canary_denied(scene: &Scene) -> Result<()> {
    let (topic, cluster) = ("canary-denied", &scene.fleet.cluster);
    with_canary(scene, topic, || {
        wait_up(scene, 1001, true)?;
        let failed = bad(scene, 1001);
        // A rule about a topic takes its rights from everybody else: give them first.
        run(cluster.add_acl(Acl::AllowTopic(topic)))?;
        run(cluster.add_acl(Acl::DenyWrite(topic)))?;
        wait_up(scene, 1001, false)?;
        let told = &run(scene.fleet.status(1001))?["canary"];
        println!("    {told}");
        ensure!(
            told["last"] == "denied"
                && told["why"].as_str().is_some_and(|why| why.contains("TOPIC_AUTHORIZATION_FAILED")),
            "{told:#}"
        );
        ensure!(count(scene, 1001, "denied") >= 1.0 && bad(scene, 1001) <= failed, "{}", bad(scene, 1001));
        ensure!(scene.fleet.is_ready(1001));
        run(cluster.remove_acl(Acl::DenyWrite(topic)))?;
        run(cluster.remove_acl(Acl::AllowTopic(topic)))?;
        wait_up(scene, 1001, true)
    })
}

/// The same with `ZooKeeper`, where one broker alone may change topics: also when that is not the one whose agent looks
/// after the topic.
pub fn canary_with_zookeeper(scene: &Scene) -> Result<()> {
    let topic = "canary-and-zookeeper";
    if run(scene.fleet.cluster.controller())? == 1001 {
        scene.stop(1001)?;
        scene.wait(1001, false)?;
        scene.start(1001)?;
        scene.wait(1001, true)?;
    }
    let controller = run(scene.fleet.cluster.controller())?;
    println!("    {controller} is the controller");
    ensure!(controller != 1001);
    with_canary(scene, topic, || {
        sings(scene, topic, 3)?;
        // It comes back as another one than the controller, and takes its partition back all the same.
        rolls(scene, &[controller])?;
        sings(scene, topic, 3)
    })
}

/// Asked by TLS with a certificate, by SCRAM and by the third's mechanism, in sessions that end between two round trips.
pub fn secured(scene: &Scene) -> Result<()> {
    let topic = "canary-secured";
    let lines =
        format!("  canary: {{enabled: true, topic: {topic}}}\n  lag: {{enabled: true, interval: 1s}}\n");
    with(scene, &lines, topic, || {
        lag::of_all_coordinators(scene, "lagging-secured")?;
        sings(scene, topic, 3)?;
        let before: Vec<(i32, f64)> =
            brokers(scene).into_iter().map(|id| (id, count(scene, id, "ok"))).collect();
        super::scene::pass(2 * EVERY);
        for (id, good) in before {
            let (now, bad) = (count(scene, id, "ok"), bad(scene, id));
            ensure!(now >= good + 1.0 && bad < 0.5, "{id}: {good}, then {now}; {bad} bad");
        }
        Ok(())
    })
}

/// With two brokers: two copies, of which one must be in sync although the cluster wants two; so each of them may stop.
pub fn canary_of_two(scene: &Scene) -> Result<()> {
    let topic = "pillion-canary";
    sings(scene, topic, 2)?;
    for id in scene.fleet.ids() {
        let log = fs::read_to_string(scene.fleet.agent_log(id))?;
        let (_, since) = log.split_once("stoppable: yes").context("it might never stop")?;
        // From when there was no topic until it is whole.
        ensure!(!since.contains("stoppable: no"), "{id} could not stop for a while: {since}");
    }
    rolls(scene, &[1001])?;
    sings(scene, topic, 2)
}

/// With one broker there is none, and it says so; the broker is as ready, and may as well stop, as without.
pub fn canary_alone(scene: &Scene) -> Result<()> {
    let (id, topic) = (1001, "canary-alone");
    // Others may have left topics of one replica, which speak against it before and after.
    let before = run(eventually("what a stop would hurt is known", SOON, async || {
        let (status, said) = scene.fleet.ask(id, "/stopz").await?;
        ensure!(!said.contains("unknown"), "{said}");
        Ok(status)
    }))?;
    with_canary(scene, topic, || {
        scene.wait(id, true)?;
        run(eventually("it says that there is none", SOON, async || {
            let status = scene.fleet.status(id).await?;
            let why = status.pointer("/canary/trouble/text").and_then(serde_json::Value::as_str);
            ensure!(why.is_some_and(|why| why.contains("cluster of one broker")), "{:#}", status["canary"]);
            Ok(())
        }))?;
        run(eventually("it was tried", SOON, async || {
            let tried = tokio::task::block_in_place(|| count(scene, id, "no-partition"));
            ensure!(tried >= 2.0, "{tried}");
            Ok(())
        }))?;
        ensure!(is_up(scene, id) == Some(false) && bad(scene, id) < 0.5);
        let there = run(of_topic(scene, topic))?;
        ensure!(there.is_empty(), "{there:?}");
        let (now, said) = run(scene.fleet.ask(id, "/stopz"))?;
        ensure!(now == before, "{before} without, {now} with it: {said}");
        Ok(())
    })
}
