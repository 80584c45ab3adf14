//! Controllers, and nodes that are broker and controller in one: faults of the quorum, as its members bear them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::{Load, Truth, load::LoadOptions, topics::Topic};

use super::scene::{BLUR, GONE, NOTICE, RETURN, SOON, Scene, pass, run};

const CONTROLLERS: [i32; 3] = [1, 2, 3];
const JOINER: i32 = 4;
/// After this a voter that does not fetch is told by its leader: `controller.quorum.fetch.timeout.ms`.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// The oldest proof that a vote may rest on, by Kafka's defaults.
const LIMIT: Duration = Duration::from_secs(5);

pub fn killed(scene: &Scene) -> Result<()> {
    let id = followers(scene)?[0];
    let node = scene.fleet.cluster.node(id);
    let since = Instant::now();
    node.kill()?;
    scene.wait(id, false)?;
    scene.wait_truth(id, Truth::Out)?;
    scene.wait_says(id, "broker-not-listening")?;
    pass(Duration::from_secs(3));
    node.start()?;
    let back = Instant::now();
    returns(scene, id, back)?;
    ensure!(scene.score(id, since).false_ready <= GONE);
    scene.never_dead(id, since)?;
    undisturbed(scene, &[id], since)
}

pub fn paused(scene: &Scene) -> Result<()> {
    let id = followers(scene)?[0];
    let node = scene.fleet.cluster.node(id);
    let since = Instant::now();
    node.pause()?;
    scene.wait(id, false)?;
    scene.wait_says(id, "voter-behind")?;
    scene.wait_dropped(id)?;
    scene.unready_before_out(id, since)?;
    pass(Duration::from_secs(30).saturating_sub(since.elapsed()));
    ensure!(scene.score(id, since).false_ready <= FETCH_TIMEOUT + NOTICE);
    node.resume()?;
    returns(scene, id, Instant::now())?;
    scene.never_dead(id, since)?;
    undisturbed(scene, &[id], since)
}

pub fn follower_cut_off(scene: &Scene) -> Result<()> {
    let id = followers(scene)?[0];
    let since = Instant::now();
    cut_off(scene, id, &CONTROLLERS)?;
    scene.wait(id, false)?;
    scene.says(id, "quorum-contact-lost")?;
    scene.wait_truth(id, Truth::Out)?;
    let took = scene.unready_before_out(id, since)?;
    ensure!(took <= LIMIT + NOTICE, "{took:?}");
    ensure!(scene.score(id, since).false_ready.is_zero());
    scene.fleet.cluster.net().heal_all()?;
    returns(scene, id, Instant::now())?;
    scene.never_dead(id, since)
}

/// It goes on to take itself for the leader for 3 s; another is elected after 2 s and more.
pub fn leader_cut_off(scene: &Scene) -> Result<()> {
    let leader = run(scene.fleet.cluster.quorum())?.leader;
    let since = Instant::now();
    cut_off(scene, leader, &CONTROLLERS)?;
    let unready = scene.wait(leader, false)?;
    let successor = successor(scene, leader, since)?;
    println!(
        "    {leader}: called unready after {:.1} s; another led after {:.1} s",
        (unready - since).as_secs_f64(),
        (successor - since).as_secs_f64()
    );
    never_ready_from(scene, leader, successor + BLUR)?;
    for other in others(leader) {
        scene.wait(other, true)?;
        let score = scene.score(other, since);
        ensure!(score.false_ready.is_zero() && score.false_unready <= NOTICE, "{score:?}");
    }
    scene.wait_truth(leader, Truth::Out)?;
    ensure!(scene.score(leader, since).false_ready.is_zero());
    never_ready_from(scene, leader, successor + BLUR)?;
    scene.fleet.cluster.net().heal_all()?;
    returns(scene, leader, Instant::now())?;
    scene.never_dead(leader, since)
}

pub fn others_dead(scene: &Scene) -> Result<()> {
    let leader = run(scene.fleet.cluster.quorum())?.leader;
    // Once for the leader that is left, once for a follower.
    for left in [leader, followers(scene)?[0]] {
        let since = Instant::now();
        for other in others(left) {
            scene.fleet.cluster.node(other).kill()?;
        }
        scene.wait(left, false)?;
        pass(Duration::from_secs(8).saturating_sub(since.elapsed()));
        let said = scene.fleet.said(left);
        println!("    {left}: {}", said.trim());
        ensure!(!scene.fleet.is_ready(left) && said.contains("quorum-contact-lost"), "{said}");
        never_ready_from(scene, left, since + LIMIT + NOTICE)?;
        for other in others(left) {
            scene.fleet.cluster.node(other).start()?;
        }
        for id in CONTROLLERS {
            scene.wait_truth(id, Truth::InSync)?;
            scene.wait(id, true)?;
            let score = scene.score(id, since);
            ensure!(score.false_ready <= BLUR, "{score:?}");
        }
        scene.never_dead(left, since)?;
    }
    Ok(())
}

pub fn failover(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    run(cluster.create_topic(Topic::new("failover", 2, 1)))?;
    let load = Load::start(cluster, "failover", LoadOptions::default())?;
    run(load.wait_acked(20, SOON))?;
    for turn in 0..4 {
        let leader = run(cluster.quorum())?.leader;
        let since = Instant::now();
        if turn % 2 == 0 {
            cluster.node(leader).kill()?;
        } else {
            run(cluster.node(leader).restart(SOON))?;
        }
        let elected = successor(scene, leader, since)?;
        pass(Duration::from_secs(4));
        println!(
            "    turn {turn}: {leader} gone, another led after {:.1} s",
            (elected - since).as_secs_f64()
        );
        for id in others(leader) {
            scene.wait(id, true)?;
            let score = scene.score(id, since);
            ensure!(score.false_ready.is_zero() && score.false_unready <= NOTICE, "turn {turn}: {score:?}");
        }
        if turn % 2 == 0 {
            cluster.node(leader).start()?;
        }
        scene.wait_truth(leader, Truth::InSync)?;
        scene.wait(leader, true)?;
        ensure!(scene.score(leader, since).false_ready <= BLUR);
    }
    let report = run(load.stop())?;
    println!("    load: {} acked, longest gap {:?}", report.acked.len(), report.longest_gap);
    ensure!(report.errors.is_empty(), "{:?}", report.errors);
    Ok(())
}

/// A combined node is a voter too: cut off from the others it is neither in touch nor able to vote.
pub fn combined_cut_off(scene: &Scene) -> Result<()> {
    scene.topic("combined")?;
    let all = scene.fleet.ids();
    // Ready on both accounts.
    scene.wait_says(all[0], "in the ISR of all")?;
    scene.says(all[0], "quorum in epoch").or_else(|_| scene.says(all[0], "the leader of epoch"))?;
    let leader = run(scene.fleet.cluster.quorum())?.leader;
    for cut in [others_of(&all, leader)[0], leader] {
        let since = Instant::now();
        cut_off(scene, cut, &all)?;
        scene.wait(cut, false)?;
        scene.wait_truth(cut, Truth::Out)?;
        scene.unready_before_out(cut, since)?;
        ensure!(scene.score(cut, since).false_ready.is_zero());
        for other in others_of(&all, cut) {
            scene.wait(other, true)?;
            ensure!(scene.score(other, since).false_ready.is_zero());
        }
        scene.fleet.cluster.net().heal_all()?;
        let healed = Instant::now();
        scene.wait_truth(cut, Truth::InSync)?;
        scene.wait(cut, true)?;
        ensure!(scene.score(cut, healed).false_unready <= RETURN);
        scene.never_dead(cut, since)?;
    }
    Ok(())
}

pub fn joiner(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let since = Instant::now();
    scene.wait_says(JOINER, "not-a-voter")?;
    never_ready_from(scene, JOINER, since)?;
    run(cluster.add_voter(JOINER))?;
    returns(scene, JOINER, Instant::now())?;
    let (_, said) = run(scene.fleet.ask(JOINER, "/readyz"))?;
    println!("    {JOINER}: {}", said.trim());
    undisturbed(scene, &[JOINER], since)?;
    let since = Instant::now();
    run(cluster.remove_voter(JOINER))?;
    scene.wait(JOINER, false)?;
    scene.says(JOINER, "not-a-voter")?;
    let score = scene.score(JOINER, since);
    ensure!(score.false_ready <= NOTICE, "{score:?}");
    scene.never_dead(JOINER, since)?;
    undisturbed(scene, &[JOINER], since)
}

fn others_of(all: &[i32], id: i32) -> Vec<i32> {
    all.iter().copied().filter(|other| *other != id).collect()
}

fn others(id: i32) -> Vec<i32> {
    others_of(&CONTROLLERS, id)
}

fn followers(scene: &Scene) -> Result<Vec<i32>> {
    Ok(others(run(scene.fleet.cluster.quorum())?.leader))
}

fn cut_off(scene: &Scene, id: i32, all: &[i32]) -> Result<()> {
    others_of(all, id).into_iter().try_for_each(|other| scene.fleet.cluster.net().cut_both(id, other))
}

/// Back in sync, and called ready soon after.
fn returns(scene: &Scene, id: i32, since: Instant) -> Result<()> {
    scene.wait_truth(id, Truth::InSync)?;
    scene.wait(id, true)?;
    let score = scene.score(id, since);
    ensure!(score.false_unready <= RETURN && score.false_ready <= BLUR, "{score:?}");
    Ok(())
}

/// The fault of one follower is nobody else's.
fn undisturbed(scene: &Scene, but: &[i32], since: Instant) -> Result<()> {
    scene.fleet.ids().iter().filter(|id| !but.contains(id)).try_for_each(|id| scene.no_blip(*id, since))
}

/// When another than `leader` was first seen to lead.
fn successor(scene: &Scene, leader: i32, since: Instant) -> Result<Instant> {
    run(bed::eventually("another leader", SOON, async || {
        let all = scene.fleet.truth.leaders();
        let found = all.iter().find(|(at, id, _)| *at >= since && *id != leader);
        found.map(|(at, ..)| *at).with_context(|| format!("{:?}", all.last()))
    }))
}

fn never_ready_from(scene: &Scene, id: i32, from: Instant) -> Result<()> {
    let ready = scene.fleet.ready_since(id, from).into_iter().filter(|(_, ready)| *ready).count();
    ensure!(ready == 0, "{id} was called ready {ready} times");
    Ok(())
}
