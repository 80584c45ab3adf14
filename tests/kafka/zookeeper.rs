//! Faults in `ZooKeeper` mode. The truth is what `ZooKeeper` holds: who has a session, and every ISR.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Truth, View, topics::Topic};

use super::scene::{AGE, BLUR, GONE, NOTICE, SOON, Scene, pass, run};

/// The node that is `ZooKeeper`.
const ZOOKEEPER: i32 = 1;
/// From being in sync to being called so: the broker registers last, its scan and the log dirs, rounds of the others
/// over 2.5 s, and a loaded machine.
const SETTLED: Duration = Duration::from_secs(8);
/// From a fault that only the others can notice to their noticing: the session of 18 s, which `ZooKeeper` ends on one
/// of its ticks of 2 s, and a loaded machine.
const SESSION: Duration = Duration::from_secs(22);

pub fn smoke(scene: &Scene) -> Result<()> {
    killed_behind(scene, "smoke", 64 << 20)?;
    terminated(scene)?;
    cut_off(scene)
}

pub fn catch_up(scene: &Scene) -> Result<()> {
    killed_behind(scene, "behind", 512 << 20)
}

/// Killed, gone for long enough to miss much, and back.
fn killed_behind(scene: &Scene, topic: &str, missed: usize) -> Result<()> {
    scene.topic(topic)?;
    let node = scene.node(1003);
    let since = Instant::now();
    node.kill()?;
    scene.wait(1003, false)?;
    scene.wait_dropped(1003)?;
    scene.unready_before_out(1003, since)?;
    ensure!(scene.score(1003, since).false_ready <= GONE);
    run(scene.fleet.cluster.fill(topic, missed))?;
    returns(scene, 1003)?;
    for id in others(1003) {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

/// Starts a broker that is down: it must not be called ready before it is.
fn returns(scene: &Scene, id: i32) -> Result<()> {
    run(scene.fleet.cluster.wait_unregistered(id, SOON))?;
    let since = Instant::now();
    scene.node(id).start()?;
    returned(scene, id, since)
}

fn returned(scene: &Scene, id: i32, since: Instant) -> Result<()> {
    scene.wait(id, true)?;
    scene.wait_truth(id, Truth::InSync)?;
    let score = scene.score(id, since);
    ensure!(score.false_ready <= BLUR && score.false_unready <= SETTLED, "{score:?}");
    scene.never_dead(id, since)
}

/// Killed and started again before anybody missed it: `ZooKeeper` turns it away while its old session lives, and the
/// broker ends. Whoever starts brokers does so again.
pub fn restarted_in_place(scene: &Scene) -> Result<()> {
    let node = scene.node(1002);
    let since = Instant::now();
    node.kill()?;
    scene.wait(1002, false)?;
    let mut starts = 0;
    run(bed::eventually("1002 is called ready", SOON, async || {
        if !node.running() {
            node.start()?;
            starts += 1;
        }
        ensure!(scene.fleet.is_ready(1002) && starts > 0, "started {starts} times");
        Ok(())
    }))?;
    scene.wait_truth(1002, Truth::InSync)?;
    println!("    1002: started {starts} times until its old session was over");
    ensure!(scene.score(1002, since).false_ready <= GONE);
    scene.never_dead(1002, since)?;
    for id in others(1002) {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

fn others(id: i32) -> impl Iterator<Item = i32> {
    [1001, 1002, 1003].into_iter().filter(move |other| *other != id)
}

pub fn terminated(scene: &Scene) -> Result<()> {
    let node = scene.node(1002);
    let since = Instant::now();
    node.term()?;
    scene.wait(1002, false)?;
    run(node.wait_exit(SOON))?;
    scene.wait_dropped(1002)?;
    ensure!(scene.score(1002, since).false_ready <= NOTICE);
    returns(scene, 1002)?;
    for id in others(1002) {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

pub fn cut_off(scene: &Scene) -> Result<()> {
    let net = scene.fleet.cluster.net();
    let id = follower(scene)?;
    let since = Instant::now();
    net.cut_both(id, ZOOKEEPER)?;
    let unready = scene.wait(id, false)?;
    scene.wait_dropped(id)?;
    let own = run(View::ask(scene.node(id).bootstrap(), Duration::from_secs(2)))?;
    ensure!(own.lists(id) && own.in_sync(id), "its own metadata goes on to look perfect");
    println!("    {id}: called unready {:.1} s after the cut", (unready - since).as_secs_f64());
    ensure!(unready - since <= SESSION, "the others tell when its session has run out");
    let score = scene.score(id, since);
    ensure!(score.false_ready <= NOTICE, "{score:?}");
    scene.wait_says(id, "unregistered")?;
    let healed = Instant::now();
    net.heal(id, ZOOKEEPER)?;
    scene.wait_truth(id, Truth::InSync)?;
    scene.wait(id, true)?;
    let score = scene.score(id, healed);
    ensure!(score.false_ready <= BLUR && score.false_unready <= SETTLED, "{score:?}");
    scene.never_dead(id, since)?;
    for other in others(id) {
        scene.no_blip(other, since)?;
    }
    Ok(())
}

/// The controller and another broker are cut off together, from `ZooKeeper` and from the third: the two vouch for each
/// other, and their metadata looks perfect. `ZooKeeper` itself, asked from there, is what tells.
pub fn zone_cut_off(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let near = run(cluster.controller())?;
    let (friend, far) = {
        let mut rest = others(near);
        rest.next().zip(rest.next()).context("two others")?
    };
    let cut = [(near, ZOOKEEPER), (near, far), (friend, ZOOKEEPER), (friend, far)];
    let since = Instant::now();
    for (a, b) in cut {
        cluster.net().cut_both(a, b)?;
    }
    for id in [near, friend] {
        scene.wait(id, false)?;
    }
    println!("    both called unready {:.1} s after the cut", since.elapsed().as_secs_f64());
    for id in [near, friend] {
        scene.wait_dropped(id)?;
        scene.says(id, "zookeeper-unreachable")?;
        ensure!(scene.score(id, since).false_ready <= BLUR);
        let own = run(View::ask(scene.node(id).bootstrap(), Duration::from_secs(2)))?;
        ensure!(own.lists(id) && own.in_sync(id), "its own metadata goes on to look perfect");
    }
    for (a, b) in cut {
        cluster.net().heal(a, b)?;
    }
    for id in scene.fleet.ids() {
        scene.wait_truth(id, Truth::InSync)?;
        scene.wait(id, true)?;
        scene.never_dead(id, since)?;
    }
    Ok(())
}

/// A broker that is not the controller.
fn follower(scene: &Scene) -> Result<i32> {
    let controller = run(scene.fleet.cluster.controller())?;
    Ok(others(controller).next().unwrap_or(1001))
}

pub fn paused(scene: &Scene) -> Result<()> {
    scene.topic("paused")?;
    let node = scene.node(1001);
    let since = Instant::now();
    node.pause()?;
    scene.wait(1001, false)?;
    scene.wait_dropped(1001)?;
    scene.unready_before_out(1001, since)?;
    pass(Duration::from_secs(30).saturating_sub(since.elapsed()));
    let resumed = Instant::now();
    node.resume()?;
    scene.wait_truth(1001, Truth::InSync)?;
    scene.wait(1001, true)?;
    ensure!(scene.score(1001, since).false_ready <= AGE + BLUR);
    ensure!(scene.score(1001, resumed).false_unready <= SETTLED);
    scene.never_dead(1001, since)?;
    for id in others(1001) {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

/// Black-holes the fetches of a follower from the only leader.
pub fn out_of_isr(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    // The leader asks the controller to change the ISR, and the controller tells both: neither is to be cut off from it.
    let mut rest = others(run(cluster.controller())?);
    let (leader, id) = rest.next().zip(rest.next()).context("two others")?;
    let led: [&[i32]; 2] = [&[leader, id], &[leader, id]];
    run(cluster.create_topic(Topic::assigned("led", &led).config("min.insync.replicas", "1")))?;
    let since = Instant::now();
    cluster.net().cut(id, leader)?;
    // A follower of an idle partition has all there is, and is not dropped. Acknowledged once it is.
    run(cluster.fill("led", 1 << 20))?;
    scene.wait_dropped(id)?;
    scene.wait(id, false)?;
    scene.wait_says(id, "out-of-isr")?;
    ensure!(scene.score(id, since).false_ready <= NOTICE);
    let healed = Instant::now();
    cluster.net().heal(id, leader)?;
    scene.wait_truth(id, Truth::InSync)?;
    scene.wait(id, true)?;
    let score = scene.score(id, healed);
    ensure!(score.false_ready <= BLUR && score.false_unready <= SETTLED, "{score:?}");
    Ok(())
}

/// The dead controller stays named and in every ISR until its session has run out, and then another is elected.
pub fn controller_killed(scene: &Scene) -> Result<()> {
    scene.topic("failover")?;
    let cluster = &scene.fleet.cluster;
    let old = run(cluster.controller())?;
    let since = Instant::now();
    cluster.node(old).kill()?;
    scene.wait(old, false)?;
    scene.wait_dropped(old)?;
    run(bed::eventually("another controller", SOON, async || {
        let now = cluster.controller().await?;
        ensure!(now != old, "still {now}");
        Ok(())
    }))?;
    pass(Duration::from_secs(4));
    for id in others(old) {
        scene.no_blip(id, since)?;
        ensure!(scene.score(id, since).false_ready <= NOTICE);
    }
    returns(scene, old)?;
    for id in others(old) {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

/// While its dead neighbours are still registered nobody can speak for the one that is left; then it is the cluster.
pub fn alone(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let since = Instant::now();
    for id in [1002, 1003] {
        cluster.node(id).kill()?;
    }
    scene.wait(1001, false)?;
    scene.wait_says(1001, "peers-stale")?;
    for id in [1002, 1003] {
        scene.wait_dropped(id)?;
    }
    scene.wait(1001, true)?;
    let (_, said) = run(scene.fleet.ask(1001, "/readyz"))?;
    println!("    1001, ready again after {:.1} s: {}", since.elapsed().as_secs_f64(), said.trim());
    ensure!(said.contains("its own word"), "{said}");
    ensure!(scene.score(1001, since).false_ready <= NOTICE);
    // Both at once: the one that died last may hold the last copy that the other must be in sync with.
    let back = Instant::now();
    for id in [1002, 1003] {
        scene.node(id).start()?;
    }
    for id in [1002, 1003] {
        returned(scene, id, back)?;
    }
    scene.never_dead(1001, since)
}

/// Everybody's metadata stands still and nobody can know: called as it was for half a session, and then unready.
pub fn zookeeper_paused(scene: &Scene) -> Result<()> {
    let zookeeper = scene.node(ZOOKEEPER);
    let since = Instant::now();
    zookeeper.pause()?;
    scene.wait_truth(1001, Truth::Unknowable)?;
    pass(Duration::from_secs(6));
    for id in scene.fleet.ids() {
        scene.no_blip(id, since)?;
        let (score, _) = scene.fleet.score_since(id, since);
        ensure!(score.false_ready.is_zero() && !score.ready_unknowable.is_zero(), "{score:?}");
    }
    for id in scene.fleet.ids() {
        scene.wait(id, false)?;
        scene.wait_says(id, "zookeeper-unreachable")?;
    }
    let resumed = Instant::now();
    zookeeper.resume()?;
    for id in scene.fleet.ids() {
        scene.wait_truth(id, Truth::InSync)?;
        scene.wait(id, true)?;
        let score = scene.score(id, resumed);
        ensure!(score.false_ready.is_zero() && score.false_unready <= SETTLED, "{score:?}");
        scene.never_dead(id, since)?;
    }
    Ok(())
}

/// A broker on its way to `KRaft` (KIP-866) has two sources of truth: it is told by name, and not judged.
pub fn migrating(scene: &Scene) -> Result<()> {
    let node = scene.node(1003);
    let ours = scene.fleet.run_dir(1003).join("server.properties");
    let theirs = node.dir().join("migrating.properties");
    let migration = format!(
        "zookeeper.metadata.migration.enable=true\ncontroller.quorum.voters=9@{}:9093\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n",
        scene.fleet.cluster.net().host_ip()
    );
    fs::write(&theirs, fs::read_to_string(&ours)? + &migration)?;
    scene.stop(1003)?;
    scene.wait_dropped(1003)?;
    node.start_with(theirs)?;
    scene.wait_says(1003, "not-judgeable")?;
    scene.says(1003, "KIP-866")?;
    node.kill()?;
    run(scene.fleet.cluster.wait_unregistered(1003, SOON))?;
    node.start_with(ours)?;
    scene.wait(1003, true)?;
    Ok(())
}
