//! Faults of the quorum, and of the way to it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::{Truth, View};

use super::scene::{BLUR, NOTICE, RETURN, SOON, Scene, pass, run};

const CONTROLLERS: [i32; 3] = [1, 2, 3];

pub fn cut_off(scene: &Scene) -> Result<()> {
    scene.topic("cut")?;
    let net = scene.fleet.cluster.net();
    let since = Instant::now();
    for controller in CONTROLLERS {
        net.cut_both(1002, controller)?;
    }
    scene.wait(1002, false)?;
    scene.wait_dropped(1002)?;
    let own = run(View::ask(scene.fleet.cluster.node(1002).bootstrap(), Duration::from_secs(2)))?;
    ensure!(own.lists(1002) && own.in_sync(1002), "its own metadata goes on to look perfect");
    scene.says(1002, "quorum-contact-lost")?;
    scene.unready_before_out(1002, since)?;
    ensure!(
        scene.score(1002, since).false_ready.is_zero(),
        "it was unready before the others could fence it"
    );
    let healed = Instant::now();
    for controller in CONTROLLERS {
        net.heal(1002, controller)?;
    }
    scene.wait_truth(1002, Truth::InSync)?;
    scene.wait(1002, true)?;
    let score = scene.score(1002, healed);
    ensure!(score.false_ready <= BLUR && score.false_unready <= RETURN, "{score:?}");
    scene.never_dead(1002, since)?;
    for id in [1001, 1003] {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

pub fn all_stopped(scene: &Scene) -> Result<()> {
    scene.topic("stopped")?;
    let since = Instant::now();
    for controller in CONTROLLERS {
        scene.fleet.cluster.node(controller).pause()?;
    }
    for id in scene.fleet.ids() {
        scene.wait(id, false)?;
        scene.says(id, "quorum-contact-lost")?;
    }
    pass(Duration::from_secs(10));
    for id in scene.fleet.ids() {
        scene.never_dead(id, since)?;
        ensure!(!scene.fleet.is_ready(id));
    }
    for controller in CONTROLLERS {
        scene.fleet.cluster.node(controller).resume()?;
    }
    for id in scene.fleet.ids() {
        scene.wait(id, true)?;
        let score = scene.score(id, since);
        ensure!(score.false_ready <= BLUR, "{score:?}");
    }
    Ok(())
}

pub fn failover(scene: &Scene) -> Result<()> {
    scene.topic("failover")?;
    let cluster = &scene.fleet.cluster;
    for turn in 0..10 {
        let leader = run(cluster.quorum())?.leader;
        let since = Instant::now();
        let how = if turn % 2 == 0 {
            cluster.node(leader).kill()?;
            "killed"
        } else {
            for other in CONTROLLERS.into_iter().filter(|other| *other != leader).chain(scene.fleet.ids()) {
                cluster.net().cut_both(leader, other)?;
            }
            "black-holed"
        };
        run(bed::eventually("another leader", SOON, async || {
            let now = cluster.quorum().await?.leader;
            ensure!(now != leader && now >= 0, "{now}");
            Ok(())
        }))?;
        let elected = since.elapsed();
        pass(Duration::from_secs(5));
        println!("    controller {leader} {how}: another leads after {:.1} s", elected.as_secs_f64());
        if turn % 2 == 0 {
            cluster.node(leader).start()?;
        } else {
            cluster.net().heal_all()?;
        }
        for id in scene.fleet.ids() {
            let score = scene.score(id, since);
            // While no quorum is live nobody can know; soon after one is, it must be ready.
            ensure!(score.false_unready <= NOTICE && score.false_ready.is_zero(), "turn {turn}: {score:?}");
        }
        caught_up(scene)?;
    }
    Ok(())
}

/// Waits until all controllers follow again, so that the next one may fall.
fn caught_up(scene: &Scene) -> Result<()> {
    run(bed::eventually("all controllers follow", SOON, async || {
        let quorum = scene.fleet.cluster.quorum().await?;
        let behind = quorum.voters.iter().filter(|voter| voter.log_end + 5 < quorum.high_watermark).count();
        ensure!(behind == 0 && quorum.voters.len() == 3, "{quorum:?}");
        Ok(())
    }))
}

/// The leader and one broker are cut off together: the leader goes on to answer, and knows of no other.
pub fn deposed(scene: &Scene) -> Result<()> {
    scene.topic("deposed")?;
    let cluster = &scene.fleet.cluster;
    let leader = run(cluster.quorum())?.leader;
    let since = Instant::now();
    for other in CONTROLLERS.into_iter().filter(|other| *other != leader) {
        cluster.net().cut_both(leader, other)?;
        cluster.net().cut_both(1001, other)?;
    }
    for id in [1002, 1003] {
        cluster.net().cut_both(leader, id)?;
    }
    scene.wait(1001, false)?;
    scene.wait_dropped(1001)?;
    scene.unready_before_out(1001, since)?;
    ensure!(scene.score(1001, since).false_ready.is_zero());
    cluster.net().heal_all()?;
    scene.wait_truth(1001, Truth::InSync)?;
    scene.wait(1001, true)?;
    scene.never_dead(1001, since)
}
