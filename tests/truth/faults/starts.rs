//! Brokers that start: behind, empty, after a crash.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use anyhow::Result;

use crate::{
    fault::{AT_ONCE, Fault, NEXT_SCAN, PROOF},
    scene::{SOON, Scene, Stage, run},
    story::{Story, pass},
};

const RETURNS: (Duration, &str) = (PROOF, "the proof of a new life");

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "cold-start-behind",
        title: "cold start of everything, 1003 a gigabyte behind",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1003],
        right: "Unready until it is in every ISR. A broker is unfenced, and its port opened, when it has caught up with \
                the metadata log (BrokerServer.startup), which says nothing of the data it lacks.",
        bound: AT_ONCE,
        grace: RETURNS,
        act: cold_start,
    },
    Fault {
        name: "restart-empty-cache",
        title: "restart with an empty metadata cache",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1003],
        right: "Unready until its image is current and it is in every ISR. An empty image shows no replica that could be \
                out of sync (KRaftMetadataCache starts from MetadataImage.EMPTY).",
        bound: NEXT_SCAN,
        grace: RETURNS,
        act: empty_cache,
    },
    Fault {
        name: "kill-recovery",
        title: "kill -9 with a gigabyte of log to recover",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1003],
        right: "Unready at once, alive while it recovers (LogManager.loadLogs), ready when it is in every ISR.",
        bound: AT_ONCE,
        grace: RETURNS,
        act: recovery,
    },
    Fault {
        name: "restart-in-place",
        title: "killed and restarted in place, within the age limit",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1002],
        right: "Unready at once: what was known of the old process says nothing of the new one. The others count it in \
                until it registers again (ClusterControlManager.registerBroker fences it).",
        bound: AT_ONCE,
        grace: RETURNS,
        act: in_place,
    },
    Fault {
        name: "replaced-empty-disk",
        title: "the disk is lost, an empty one takes its place",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1003],
        right: "Unready until every replica has been copied anew and is in its ISR.",
        bound: AT_ONCE,
        grace: RETURNS,
        act: replaced,
    },
    Fault {
        name: "controlled-shutdown",
        title: "controlled shutdown, and a start",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1002],
        right: "Unready as soon as it leaves the ISRs, which a controlled shutdown makes it do while it still serves \
                (ReplicationControlManager.processBrokerHeartbeat).",
        bound: NEXT_SCAN,
        grace: RETURNS,
        act: shutdown,
    },
    Fault {
        name: "rolling-restart",
        title: "rolling restart of all nodes, under load",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001, 1002, 1003],
        right: "Each broker is unready from the moment it leaves the ISRs until it is back in all of them; the others \
                stay ready. Waiting for ready before the next one, no acknowledged record is lost and no producer sees \
                an error.",
        bound: NEXT_SCAN,
        grace: RETURNS,
        act: rolling,
    },
];

fn cold_start(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("cold")?;
    let cluster = &scene.fleet.cluster;
    cluster.node(1003).kill()?;
    scene.wait_dropped(1003)?;
    // Three copies of each record would be written: this is what 1003 misses.
    scene.fill("cold", 1 << 30)?;
    let all = || cluster.brokers().chain(cluster.controllers());
    for node in all().filter(|node| node.running()) {
        node.kill()?;
    }
    for node in cluster.brokers().filter(|_| cluster.zookeeper().is_some()) {
        // Its sessions outlive the brokers, and turn them away.
        run(cluster.wait_unregistered(node.id(), SOON))?;
    }
    story.fault("everything starts");
    for node in all() {
        node.start()?;
    }
    story.back(scene, 1003)
}

fn empty_cache(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.stop(1003)?;
    let node = scene.node(1003);
    let log = node.data_dirs()[0].join("__cluster_metadata-0");
    // Without a quorum the cache is in memory only.
    if log.exists() {
        fs::remove_dir_all(log)?;
    }
    // The shutdown is a fault of its own.
    pass(Duration::from_secs(3));
    story.fault("1003 starts, its cache empty");
    node.start()?;
    story.back(scene, 1003)
}

fn recovery(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("recovered")?;
    scene.fill("recovered", 1 << 30)?;
    story.fault("kill -9 of 1003, and a start");
    scene.node(1003).kill()?;
    scene.start(1003)?;
    story.back(scene, 1003)
}

fn in_place(scene: &Scene, story: &mut Story) -> Result<()> {
    let node = scene.node(1002);
    story.fault("kill -9 of 1002, and a start");
    node.kill()?;
    node.start()?;
    story.back(scene, 1002)
}

fn replaced(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("kept")?;
    scene.fill("kept", 256 << 20)?;
    let node = scene.node(1003);
    story.fault("1003 and its disk are lost");
    node.kill()?;
    for dir in node.data_dirs() {
        fs::remove_dir_all(dir)?;
        fs::create_dir(dir)?;
    }
    scene.wait_dropped(1003)?;
    prepare(scene, 1003)?;
    story.mark("prepared anew, started");
    scene.start(1003)?;
    story.back(scene, 1003)
}

/// What the on-call does: with a quorum init asks the others, with `ZooKeeper` the person has to.
fn prepare(scene: &Scene, id: i32) -> Result<()> {
    if scene.fleet.cluster.zookeeper().is_some() {
        fs::remove_file(scene.fleet.run_dir(id).join("identity.json"))?;
        return scene.fleet.init(id, &["--bootstrap"]);
    }
    let others = scene.fleet.cluster.brokers().filter(|node| node.id() != id);
    let others: Vec<String> = others.map(|node| node.bootstrap().to_string()).collect();
    let others = format!("cluster.bootstrap={}", others.join(","));
    run(bed::eventually("a replacement is allowed", SOON, async || {
        scene.fleet.init(id, &["--replace", "--set", &others])
    }))
}

fn shutdown(scene: &Scene, story: &mut Story) -> Result<()> {
    story.fault("TERM to 1002");
    scene.stop(1002)?;
    story.mark("gone, started again");
    scene.start(1002)?;
    story.back(scene, 1002)
}

fn rolling(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("rolled")?;
    let load = bed::Load::start(&scene.fleet.cluster, "rolled", bed::load::LoadOptions::default())?;
    story.fault("the roll begins");
    for id in scene.quorum() {
        scene.stop(id)?;
        scene.node(id).start()?;
        caught_up(scene)?;
        story.mark(&format!("controller {id} restarted"));
    }
    for id in scene.fleet.ids() {
        scene.stop(id)?;
        scene.node(id).start()?;
        // What a rollout would do: the verdict alone says when the next one may go.
        scene.wait(id, true)?;
        story.mark(&format!("{id} restarted"));
    }
    let report = run(load.stop())?;
    let (sent, acked) = (report.sent, report.acked.len());
    println!("    {sent} records sent, {acked} acknowledged, {} failed", report.errors.len());
    anyhow::ensure!(
        report.errors.is_empty() && acked as u64 == sent,
        "a producer saw {:?}",
        report.errors.first()
    );
    Ok(())
}

/// Waits until all controllers have caught up since now, so that the next one may fall.
pub fn caught_up(scene: &Scene) -> Result<()> {
    let since = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())?;
    let all = scene.quorum().len();
    run(bed::eventually("all controllers follow", SOON, async || {
        let quorum = scene.fleet.cluster.quorum().await?;
        let back = quorum.voters.iter().filter(|voter| voter.last_caught_up > since).count();
        anyhow::ensure!(back == all, "{quorum:?}");
        Ok(())
    }))
}
