//! Disks that fill up or vanish. The small one is the second log dir of 1003.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use bed::topics::Topic;

use crate::{
    fault::{Fault, NEXT_SCAN, PROOF},
    scene::{Scene, Stage, run},
    story::{Story, pass},
};

const SICK: i32 = 1003;
const RESTARTED: (Duration, &str) = (PROOF, "the proof of a new life");
const OFFLINE: &str = "Unready until a restart with a disk that works: a log dir that failed once stays offline \
                       (LogManager.handleLogDirFailure), and its replicas leave the ISR.";

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "disk-full",
        title: "one of two log dirs full, three copies",
        stage: Stage::Disks,
        short: false,
        subjects: &[SICK],
        right: OFFLINE,
        bound: NEXT_SCAN,
        grace: RESTARTED,
        act: full,
    },
    Fault {
        name: "log-dir-offline",
        title: "one of two disks vanishes, three copies",
        stage: Stage::Disks,
        short: false,
        subjects: &[SICK],
        right: OFFLINE,
        bound: NEXT_SCAN,
        grace: RESTARTED,
        act: vanished,
    },
    Fault {
        name: "log-dir-offline-single",
        title: "one of two disks vanishes, single copies",
        stage: Stage::Disks,
        short: false,
        subjects: &[SICK],
        right: "Unready: its partitions have no leader. The ISR names it still (before 4.0) or nobody (ELR, KIP-966), so \
                membership alone would mislead.",
        bound: NEXT_SCAN,
        grace: RESTARTED,
        act: vanished_single,
    },
];

fn full(scene: &Scene, story: &mut Story) -> Result<()> {
    run(scene.fleet.cluster.create_topic(Topic::new("full", 8, 3).config("min.insync.replicas", "2")))?;
    story.fault("more is written than fits");
    // Three copies of eight partitions, four of them on a disk of 64 MB; the others have room.
    let writing = run(async {
        tokio::time::timeout(Duration::from_secs(60), scene.fleet.cluster.fill("full", 200 << 20)).await
    });
    ensure!(matches!(writing, Ok(Ok(()))), "the other two copies are enough to write: {writing:?}");
    scene.wait_dropped(SICK)?;
    story.mark("the dir is offline");
    pass(Duration::from_secs(15));
    enlarge(&scene.node(SICK).data_dirs()[1])?;
    mended(scene, story)
}

fn vanished(scene: &Scene, story: &mut Story) -> Result<()> {
    run(scene.fleet.cluster.create_topic(Topic::new("vanished", 8, 3).config("min.insync.replicas", "2")))?;
    scene.fill("vanished", 8 << 20)?;
    take_away(scene, story)?;
    mended(scene, story)
}

fn vanished_single(scene: &Scene, story: &mut Story) -> Result<()> {
    let only: Vec<&[i32]> = vec![&[SICK]; 8];
    run(scene.fleet.cluster.create_topic(Topic::assigned("single", &only)))?;
    scene.fill("single", 8 << 20)?;
    take_away(scene, story)?;
    mended(scene, story)
}

fn enlarge(disk: &Path) -> Result<()> {
    let output = Command::new("mount").args(["-o", "remount,size=512m"]).arg(disk).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The disk is unmounted under the broker, which notices at its next checkpoint.
fn take_away(scene: &Scene, story: &mut Story) -> Result<()> {
    story.fault("the disk vanishes");
    let node = scene.node(SICK);
    let dir = &node.data_dirs()[1];
    let pid = node.pid().context("the broker runs")?.to_string();
    // In the broker's own mount namespace: `ip netns exec` gave it one.
    let output = Command::new("nsenter").args(["-t", &pid, "-m", "umount", "-l"]).arg(dir).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    scene.wait_dropped(SICK)?;
    story.mark("the dir is offline");
    pass(Duration::from_secs(15));
    Ok(())
}

/// A restart, by which a dir that works again comes back.
fn mended(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.stop(SICK)?;
    story.mark("the disk is back, a restart");
    scene.node(SICK).start()?;
    story.back(scene, SICK)
}
