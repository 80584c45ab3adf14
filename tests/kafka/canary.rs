//! The canary: told from what clients live through, and in nobody's way.

use std::time::Duration;

use anyhow::{Result, ensure};
use bed::{View, eventually, topics::Topic};

use super::{
    lag::told,
    scene::{SOON, Scene, run},
};

const TOPIC: &str = "pillion-canary";

fn value(scene: &Scene, id: i32, name: &str, label: &str) -> Option<f64> {
    told(scene, name, &[label]).into_iter().find(|(of, _)| *of == id).map(|(_, value)| value)
}

pub fn is_up(scene: &Scene, id: i32) -> Option<bool> {
    value(scene, id, "pillion_canary_up", "").map(|up| up > 0.5)
}

pub fn count(scene: &Scene, id: i32, outcome: &str) -> f64 {
    let label = format!("outcome=\"{outcome}\"");
    value(scene, id, "pillion_canary_attempts_total", &label).unwrap_or_default()
}

pub fn wait_up(scene: &Scene, id: i32, up: bool) -> Result<()> {
    run(eventually(&format!("the canary of {id} is up: {up}"), SOON, async || {
        let (now, log) = tokio::task::block_in_place(|| (is_up(scene, id), scene.fleet.agent_log(id)));
        ensure!(now == Some(up), "{now:?}; see {}", log.display());
        Ok(())
    }))
}

/// How often an agent changed the topic.
fn changes(scene: &Scene) -> Result<usize> {
    let mut all = 0;
    for id in scene.fleet.ids() {
        let log = std::fs::read_to_string(scene.fleet.agent_log(id))?;
        all += log.lines().filter(|line| line.contains("made right") && !line.contains("Elect")).count();
    }
    Ok(all)
}

/// Each broker leads a partition of the topic, which has three copies and takes the cluster's minimum.
async fn is_right(scene: &Scene) -> Result<()> {
    let view = View::ask(scene.node(1001).bootstrap(), SOON).await?;
    let of_topic: Vec<_> = view.partitions.iter().filter(|one| one.topic == TOPIC).collect();
    let mut leaders: Vec<i32> = of_topic.iter().map(|one| one.leader).collect();
    leaders.sort_unstable();
    let whole = of_topic.iter().all(|one| one.isr.len() == 3 && one.replicas.len() == 3);
    ensure!(leaders == [1001, 1002, 1003] && whole, "{of_topic:?}");
    Ok(())
}

/// Each broker leads a partition of the topic; one that takes records and cannot commit them is told from the others.
pub fn tells_what_clients_see(scene: &Scene) -> Result<()> {
    for id in scene.fleet.ids() {
        wait_up(scene, id, true)?;
    }
    // It may have been made while only two of them were up.
    run(eventually("the topic is right", SOON, async || is_right(scene).await))?;
    let made = changes(scene)?;
    ensure!(made >= 1, "somebody made it");
    let good = count(scene, 1001, "ok");
    // Fewer in sync than the topic needs: the broker is well, and what is written to it is not committed.
    scene.stop(1002)?;
    scene.stop(1003)?;
    wait_up(scene, 1001, false)?;
    run(eventually("it is told why", SOON, async || {
        let count = tokio::task::block_in_place(|| count(scene, 1001, "not-committed"));
        ensure!(count >= 1.0, "{count}");
        Ok(())
    }))?;
    ensure!(scene.fleet.is_ready(1001), "the canary is no part of readiness: {}", scene.fleet.said(1001));
    let status = run(scene.fleet.status(1001))?;
    ensure!(
        status.pointer("/canary/last").and_then(|last| last.as_str()) == Some("not-committed"),
        "{:#}",
        status["canary"]
    );
    ensure!(count(scene, 1001, "produce-failed") < 0.5 && count(scene, 1001, "not-read") < 0.5);
    scene.start(1002)?;
    scene.start(1003)?;
    for id in scene.fleet.ids() {
        wait_up(scene, id, true)?;
    }
    ensure!(count(scene, 1001, "ok") > good);
    ensure!(changes(scene)? == made, "brokers that are away change nothing");
    Ok(())
}

/// A roll goes as it does without: each broker may stop, and nothing is moved.
pub fn is_in_nobodys_way(scene: &Scene) -> Result<()> {
    scene.topic("rolled")?;
    for id in scene.fleet.ids() {
        wait_up(scene, id, true)?;
    }
    let before = changes(scene)?;
    for id in scene.fleet.ids() {
        run(eventually(&format!("{id} may stop"), SOON, async || {
            let (status, said) = scene.fleet.ask(id, "/stopz").await?;
            ensure!(status == 200, "{said}");
            Ok(())
        }))?;
        scene.stop(id)?;
        scene.wait(id, false)?;
        scene.start(id)?;
        let back = scene.wait(id, true)?;
        wait_up(scene, id, true)?;
        println!("    {id}: the canary is back {:.1} s after it was ready", back.elapsed().as_secs_f64());
        ensure!(back.elapsed() < Duration::from_secs(60));
    }
    ensure!(changes(scene)? == before, "nothing is moved in a roll");
    Ok(())
}

/// A topic that somebody made otherwise, with one partition of one copy, is given the rest.
pub fn topic_is_made_right(scene: &Scene) -> Result<()> {
    run(eventually("the topic is right", SOON, async || is_right(scene).await))?;
    run(scene.fleet.cluster.delete_topic(TOPIC))?;
    run(scene
        .fleet
        .cluster
        .create_topic(Topic::assigned(TOPIC, &[&[1002]]).config("min.insync.replicas", "1")))?;
    let before = changes(scene)?;
    run(eventually("the topic is right again", SOON, async || is_right(scene).await))?;
    println!("    {} step(s) made it right", changes(scene)? - before);
    ensure!(changes(scene)? >= before + 2, "a partition is moved, and others are added");
    // What it had of its own is taken back: the cluster's minimum counts again, as a lost one shows.
    run(eventually("the cluster's minimum counts", SOON, async || {
        let logs = scene.fleet.ids().into_iter().map(|id| std::fs::read_to_string(scene.fleet.agent_log(id)));
        let logs = logs.collect::<Result<Vec<_>, _>>()?;
        ensure!(logs.iter().any(|log| log.contains("min.insync.replicas, so that")), "no agent says so");
        Ok(())
    }))?;
    for id in scene.fleet.ids() {
        wait_up(scene, id, true)?;
        ensure!(scene.fleet.is_ready(id), "{}", scene.fleet.said(id));
    }
    Ok(())
}
