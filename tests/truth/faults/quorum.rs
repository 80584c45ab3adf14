//! Faults of the quorum, and of the way to it.

use std::time::Duration;

use anyhow::{Result, ensure};
use bed::{Load, load::LoadOptions};

use super::starts::caught_up;
use crate::{
    fault::{Fault, NEXT_SCAN, PROOF},
    scene::{SOON, Scene, Stage, run},
    story::{Story, pass},
};

const LEASE: (Duration, &str) =
    (Duration::ZERO, "none: contact is too old before the controllers can fence it (the lease)");
const RETURNS: (Duration, &str) = (PROOF, "the proof of contact anew");

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "cut-off",
        title: "cut off from the controllers for 40 s, serving on",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1002],
        right: "Unready before the controllers fence it (BrokerHeartbeatManager, broker.session.timeout.ms after its last \
                heartbeat): what it acknowledges from then on is lost. Its own metadata stands still and looks perfect.",
        bound: LEASE,
        grace: RETURNS,
        act: cut_off,
    },
    Fault {
        name: "controllers-paused",
        title: "all controllers paused for 30 s",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001, 1002, 1003],
        right: "Nobody can know: no ISR can change, and a broker that is restarted now does not come back. Unready, alive; \
                produce and consume go on. On their return controllers may drop brokers for a moment.",
        bound: NEXT_SCAN,
        grace: RETURNS,
        act: controllers_paused,
    },
    Fault {
        name: "leader-cut",
        title: "the quorum leader cut off from the other voters",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001, 1002, 1003],
        right: "Ready: the others elect a new leader within seconds (KIP-595), and a new leader gives every broker a whole \
                session (BrokerHeartbeatManager). The old one is not believed meanwhile.",
        bound: NEXT_SCAN,
        grace: RETURNS,
        act: leader_cut,
    },
    Fault {
        name: "failover",
        title: "controller failover under load, three times",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001, 1002, 1003],
        right: "Ready: brokers keep their sessions through an election, and no ISR changes.",
        bound: NEXT_SCAN,
        grace: RETURNS,
        act: failover,
    },
    Fault {
        name: "deposed-leader",
        title: "in contact with a deposed quorum leader only",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1001],
        right: "Unready before the new leader fences it. A leader that lost its voters goes on to answer without an error; \
                that no majority fetches from it gives it away (LeaderState, KIP-836 timestamps).",
        bound: LEASE,
        grace: RETURNS,
        act: deposed,
    },
];

fn cut_off(scene: &Scene, story: &mut Story) -> Result<()> {
    story.fault("1002 is cut off");
    scene.cut_all(1002, &scene.quorum())?;
    scene.wait_dropped(1002)?;
    story.mark("the others see it out");
    story.last(Duration::from_secs(40));
    story.mark("healed");
    scene.heal_links()?;
    story.back(scene, 1002)
}

fn controllers_paused(scene: &Scene, story: &mut Story) -> Result<()> {
    story.fault("SIGSTOP to all controllers");
    for id in scene.quorum() {
        scene.node(id).pause()?;
    }
    story.last(Duration::from_secs(30));
    story.mark("SIGCONT");
    for id in scene.quorum() {
        scene.node(id).resume()?;
    }
    // A returning leader may drop brokers for a moment: let it.
    pass(Duration::from_secs(5));
    for id in scene.fleet.ids() {
        story.back(scene, id)?;
    }
    Ok(())
}

fn leader(scene: &Scene) -> Result<i32> {
    Ok(run(scene.fleet.cluster.quorum())?.leader)
}

fn elected(scene: &Scene, story: &mut Story, old: i32) -> Result<()> {
    run(bed::eventually("another leader", SOON, async || {
        let now = scene.fleet.cluster.quorum().await?.leader;
        ensure!(now != old && now >= 0, "{now}");
        Ok(())
    }))?;
    story.mark("another leads");
    Ok(())
}

fn leader_cut(scene: &Scene, story: &mut Story) -> Result<()> {
    let leader = leader(scene)?;
    let voters: Vec<i32> = scene.quorum().into_iter().filter(|id| *id != leader).collect();
    story.fault(&format!("leader {leader} is cut off from the other voters"));
    scene.cut_all(leader, &voters)?;
    elected(scene, story, leader)?;
    story.last(Duration::from_secs(30));
    story.mark("healed");
    scene.heal_links()?;
    caught_up(scene)
}

fn failover(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("failover")?;
    let load = Load::start(&scene.fleet.cluster, "failover", LoadOptions::default())?;
    for _ in 0..3 {
        let leader = leader(scene)?;
        story.fault(&format!("kill -9 of the leader, {leader}"));
        scene.node(leader).kill()?;
        elected(scene, story, leader)?;
        pass(Duration::from_secs(8));
        scene.node(leader).start()?;
        caught_up(scene)?;
    }
    let report = run(load.stop())?;
    println!("    {} records sent, {} failed", report.sent, report.errors.len());
    ensure!(report.errors.is_empty(), "a producer saw {:?}", report.errors.first());
    Ok(())
}

fn deposed(scene: &Scene, story: &mut Story) -> Result<()> {
    let leader = leader(scene)?;
    let voters: Vec<i32> = scene.quorum().into_iter().filter(|id| *id != leader).collect();
    story.fault(&format!("1001 and leader {leader} are cut off from all others"));
    scene.cut_all(leader, &voters)?;
    scene.cut_all(1001, &voters)?;
    scene.cut_all(leader, &[1002, 1003])?;
    scene.wait_dropped(1001)?;
    story.mark("the others see it out");
    story.last(Duration::from_secs(30));
    story.mark("healed");
    scene.heal_links()?;
    story.back(scene, 1001)?;
    caught_up(scene)
}
