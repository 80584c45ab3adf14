//! A volume is lost: an empty one takes its place only when the cluster says that nothing is lost by it.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Truth, topics::Topic};

use super::scene::{SOON, Scene, run};

pub const LOST: i32 = 1003;
pub const OTHERS: [i32; 2] = [1001, 1002];

pub fn lost_volume(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let node = cluster.node(LOST);
    scene.topic("safe")?;
    run(cluster.create_topic(Topic::assigned("single", &[&[LOST]])))?;
    let before = directory_id(scene)?;
    node.kill()?;
    empty(scene)?;

    says(scene, &[], 64, "pass --replace")?;
    says(scene, &["--replace"], 69, "cluster.bootstrap")?;
    let others = bootstrap(scene, &OTHERS);
    let replace = ["--replace", "--set", others.as_str()];
    // Nobody has missed it yet: it may run elsewhere.
    says(scene, &replace, 64, "among the living")?;
    scene.wait_dropped(LOST)?;
    let said = run(bed::eventually("single-0 is named", SOON, async || {
        says(scene, &replace, 64, "only copy of single-0")
    }))?;
    ensure!(!said.contains("safe-"), "{said}");
    // That a first start is still said does not format a volume that was lost.
    let first = ["--bootstrap", "--set", others.as_str()];
    says(scene, &first, 64, "this is no first start: it may hold the only copy of single-0")?;

    run(cluster.delete_topic("single"))?;
    cut_from_controllers(scene)?;
    unreachable(scene, &replace)?;

    let output = init(scene, &replace)?;
    ensure!(output.0 == Some(0), "{output:?}");
    println!(
        "    {}",
        output.1.lines().filter(|l| l.starts_with("formatted")).collect::<Vec<_>>().join(", ")
    );
    let after = directory_id(scene)?;
    ensure!(before != after, "a replacement has a directory id of its own: {after}");
    run(cluster.fill("safe", 16 << 20))?;
    let since = Instant::now();
    node.start()?;
    scene.wait(LOST, true)?;
    scene.wait_truth(LOST, Truth::InSync)?;
    ensure!(directory_id(scene)? == after, "Kafka keeps what was formatted");
    ensure!(holds(scene, "safe-0"), "the replicas are back");
    let score = scene.score(LOST, since);
    ensure!(score.false_ready.is_zero(), "{score:?}");
    Ok(())
}

/// A broker that lost its controllers serves an image that looks perfect: it is not believed.
fn cut_from_controllers(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let controllers: Vec<i32> = cluster.controllers().map(bed::Node::id).collect();
    for controller in &controllers {
        cluster.net().cut_both(1001, *controller)?;
    }
    let one = bootstrap(scene, &[1001]);
    let began = Instant::now();
    let said = says(scene, &["--replace", "--set", &one], 69, "nothing shows that its metadata is current")?;
    println!("    refused {:.1} s after the cut: {}", began.elapsed().as_secs_f64(), said.trim());
    cluster.net().heal_all()?;
    run(scene.fleet.truth.wait(1001, Truth::InSync, SOON))
}

/// Nobody can be asked: one is silent, the other out of reach.
fn unreachable(scene: &Scene, replace: &[&str]) -> Result<()> {
    let net = scene.fleet.cluster.net();
    net.cut_both(LOST, 1001)?;
    net.refuse(LOST, 1002)?;
    let began = Instant::now();
    let said = says(scene, replace, 69, "cannot be asked")?;
    println!("    refused after {:.1} s: {}", began.elapsed().as_secs_f64(), said.trim());
    ensure!(began.elapsed() < Duration::from_secs(25), "it gives up in time");
    net.heal_all()
}

/// Runs init and checks how it ends, what it says, and that it wrote nothing.
pub fn says(scene: &Scene, flags: &[&str], code: i32, what: &str) -> Result<String> {
    let (status, said) = init(scene, flags)?;
    ensure!(status == Some(code) && said.contains(what), "{flags:?} ended with {status:?}: {said}");
    for dir in scene.fleet.cluster.node(LOST).data_dirs() {
        ensure!(fs::read_dir(dir)?.next().is_none(), "{flags:?} wrote into {}", dir.display());
    }
    Ok(said)
}

pub fn init(scene: &Scene, flags: &[&str]) -> Result<(Option<i32>, String)> {
    let mut command = scene.fleet.pillion(LOST);
    let output = command.args(["init", "--config"]).arg(scene.fleet.config(LOST)).args(flags).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

pub fn bootstrap(scene: &Scene, ids: &[i32]) -> String {
    let brokers: Vec<String> =
        ids.iter().map(|id| scene.fleet.cluster.node(*id).bootstrap().to_string()).collect();
    format!("cluster.bootstrap={}", brokers.join(","))
}

fn data_dir(scene: &Scene) -> PathBuf {
    scene.fleet.cluster.node(LOST).data_dirs()[0].clone()
}

pub fn empty(scene: &Scene) -> Result<()> {
    for dir in scene.fleet.cluster.node(LOST).data_dirs() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

fn holds(scene: &Scene, partition: &str) -> bool {
    data_dir(scene).join(partition).is_dir()
}

fn directory_id(scene: &Scene) -> Result<String> {
    let text = fs::read_to_string(data_dir(scene).join("meta.properties"))?;
    let id = text.lines().find_map(|line| line.strip_prefix("directory.id="));
    Ok(id.context("a directory id")?.to_owned())
}
