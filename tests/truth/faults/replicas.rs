//! Replicas that fall behind, come, go, and lose records.

use std::time::Duration;

use anyhow::Result;
use bed::{Truth, topics::Topic};

use crate::{
    fault::{Fault, NEXT_SCAN, PROOF},
    scene::{SOON, Scene, Stage, run},
    story::Story,
};

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "out-of-isr",
        title: "its fetches vanish: out of the ISR, and back",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1003],
        right: "Unready while a leader has it out of an ISR: replica.lag.time.max.ms after its last caught-up fetch \
                (Partition.maybeShrinkIsr), and until it has caught up (maybeExpandIsr).",
        bound: NEXT_SCAN,
        grace: NEXT_SCAN,
        act: out_of_isr,
    },
    Fault {
        name: "reassignment",
        title: "replicas reassigned onto it, copied slowly",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1003],
        right: "Ready, and it says how many are being added: a replica that is being added (KIP-455) is out of the ISR for as \
                long as it copies, and no copy is lost by a restart. Once it is in the ISR it counts as all others. A \
                broker that was never in sync with everything, such as a new one, counts them and is unready \
                (`sidecar.addingReplicas`).",
        bound: NEXT_SCAN,
        grace: NEXT_SCAN,
        act: reassigned,
    },
    Fault {
        name: "unclean-election",
        title: "unclean leader election of a replica that was behind",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1003],
        right: "Unready while the partition has no leader and it is not in the ISR; ready once it was made the leader, for \
                then it is the ISR (ReplicationControlManager.electLeader), at the price of the records that it lacked.",
        bound: NEXT_SCAN,
        grace: (PROOF, "the proof of a new life"),
        act: unclean,
    },
    Fault {
        name: "topics-come-and-go",
        title: "a topic created and deleted 50 times",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001, 1002, 1003],
        right: "Ready: a new partition starts with all of its replicas in the ISR, and a deleted one is nobody's.",
        bound: NEXT_SCAN,
        grace: (Duration::ZERO, "it is in sync throughout"),
        act: come_and_go,
    },
];

/// A leader that can change the ISR while 1003 is cut off from it. With `ZooKeeper` it asks the controller to, so that
/// must be the third one; and it must have asked it before, or it tries the last one first, for half a minute.
fn leader_of_its_own(scene: &Scene) -> Result<i32> {
    let cluster = &scene.fleet.cluster;
    if cluster.zookeeper().is_none() {
        return Ok(1001);
    }
    scene.topic("settled")?;
    if run(cluster.controller())? == 1003 {
        scene.stop(1003)?;
        scene.start(1003)?;
        // The leaders have it in their ISRs again: they have asked the new one.
        scene.wait_truth(1003, Truth::InSync)?;
        scene.wait(1003, true)?;
    }
    Ok(if run(cluster.controller())? == 1001 { 1002 } else { 1001 })
}

fn out_of_isr(scene: &Scene, story: &mut Story) -> Result<()> {
    let leader = leader_of_its_own(scene)?;
    let led: [&[i32]; 2] = [&[leader, 1003], &[leader, 1003]];
    run(scene.fleet.cluster.create_topic(Topic::assigned("led", &led).config("min.insync.replicas", "1")))?;
    story.fault(&format!("packets from 1003 to {leader} vanish"));
    scene.fleet.cluster.net().cut(1003, leader)?;
    // A follower of an idle partition has all there is, and is not dropped. Acknowledged once it is.
    scene.fill("led", 1 << 20)?;
    scene.wait_dropped(1003)?;
    story.mark("out of the ISR");
    story.last(Duration::from_secs(30));
    story.mark("healed");
    scene.heal_links()?;
    story.back(scene, 1003)
}

fn reassigned(scene: &Scene, story: &mut Story) -> Result<()> {
    const RATE: &str = "leader.replication.throttled.rate";
    let cluster = &scene.fleet.cluster;
    // Something that it is in sync with, so that it was so once.
    scene.topic("before")?;
    let mark = scene.node(1003).data_dirs()[0].join(".pillion-in-sync");
    run(bed::eventually("it was in sync once", SOON, async || {
        anyhow::ensure!(mark.exists(), "no {}", mark.display());
        Ok(())
    }))?;
    run(cluster.create_topic(Topic::assigned("coming", &[&[1001], &[1001]])))?;
    scene.fill("coming", 24 << 20)?;
    run(cluster.set_on_topic("coming", "leader.replication.throttled.replicas", Some("*")))?;
    run(cluster.set_on_broker(1001, RATE, Some("200000")))?;
    run(cluster.wait_applied(1001))?;
    // What is being added is not the broker's yet.
    scene.fleet.truth.spare("coming", true);
    story.fault("two replicas are added to 1003");
    run(cluster.reassign("coming", 2, &[1001, 1003]))?;
    story.last(Duration::from_secs(30));
    story.mark("the throttle is lifted");
    run(cluster.set_on_broker(1001, RATE, None))?;
    run(bed::eventually("all copies are in sync", SOON, async || {
        let view = bed::View::ask(scene.node(1001).bootstrap(), Duration::from_secs(2)).await?;
        anyhow::ensure!(view.in_sync(1003), "{:?}", view.counts(1003));
        Ok(())
    }))?;
    scene.fleet.truth.spare("coming", false);
    story.back(scene, 1003)?;
    run(cluster.delete_topic("coming"))
}

fn unclean(scene: &Scene, story: &mut Story) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    run(cluster.create_topic(Topic::assigned("unclean", &[&[1002, 1003]])))?;
    scene.node(1003).kill()?;
    scene.wait_dropped(1003)?;
    scene.fill("unclean", 1 << 20)?;
    scene.node(1002).kill()?;
    scene.wait_dropped(1002)?;
    story.fault("1003 starts, while the only complete copy is down with 1002");
    scene.node(1003).start()?;
    run(bed::eventually("1003 answers", SOON, async || {
        bed::View::ask(scene.node(1003).bootstrap(), Duration::from_secs(1)).await
    }))?;
    story.last(Duration::from_secs(15));
    run(cluster.elect_unclean("unclean", 0))?;
    story.mark("elected, uncleanly");
    story.back(scene, 1003)?;
    scene.node(1002).start()?;
    story.mark("1002 starts, and drops what 1003 lacks");
    story.back(scene, 1002)?;
    run(cluster.delete_topic("unclean"))
}

fn come_and_go(scene: &Scene, story: &mut Story) -> Result<()> {
    story.fault("the first is created");
    for round in 0..50 {
        let name = format!("passing-{round}");
        run(scene.fleet.cluster.create_topic(Topic::new(&name, 12, 3)))?;
        run(scene.fleet.cluster.delete_topic(&name))?;
    }
    story.mark("the last is deleted");
    Ok(())
}
