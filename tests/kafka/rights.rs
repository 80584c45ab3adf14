//! What the agent may not see.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::{Acl, Truth};

use super::replace;
use super::scene::{SOON, Scene, pass, run};

/// A topic that may not be described is left out of every answer; the log dirs give it away.
pub fn hidden_topic(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    scene.topic("secret")?;
    scene.topic("plain")?;
    let since = Instant::now();
    run(cluster.add_acl(Acl::HideTopic("secret")))?;
    for id in scene.fleet.ids() {
        scene.wait_says(id, "topics-hidden")?;
        let said = scene.fleet.said(id);
        ensure!(said.contains("secret") && !said.contains("plain"), "{said}");
        ensure!(said.contains("--operation Describe --topic"), "the remedy is a command: {said}");
        println!("    {id}: named after {:.1} s: {}", since.elapsed().as_secs_f64(), said.trim());
    }
    // What it may not see it cannot weigh either.
    for id in scene.fleet.ids() {
        let (status, said) = run(scene.fleet.ask(id, "/stopz"))?;
        ensure!(status == 503 && said.contains("secret"), "{id}: {status} {said}");
    }
    run(cluster.remove_acl(Acl::HideTopic("secret")))?;
    for id in scene.fleet.ids() {
        scene.wait(id, true)?;
    }
    let since = Instant::now();
    run(cluster.delete_topic("secret"))?;
    // Its logs are put aside for a minute; the log dirs tell nothing of them.
    run(bed::eventually("1001 hosts none of it", SOON, async || {
        let hosted = cluster.hosted(1001).await?;
        ensure!(hosted.iter().all(|one| one.topic != "secret"), "{hosted:?}");
        Ok(())
    }))?;
    let dirs = cluster.node(1001).data_dirs().iter().flat_map(std::fs::read_dir);
    let aside = |name: &str| name.starts_with("secret-") && name.ends_with("-delete");
    let aside = dirs.flatten().flatten().filter(|entry| aside(&entry.file_name().to_string_lossy())).count();
    ensure!(aside > 0, "no log is put aside");
    pass(Duration::from_secs(12));
    scene.no_blip(1001, since)
}

/// Without DESCRIBE on the cluster nothing can be judged, and each request that is refused is named.
pub fn denied(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    // Rules about the cluster take its rights from everybody else: give the brokers theirs first.
    run(cluster.add_acl(Acl::AllowCluster))?;
    run(cluster.add_acl(Acl::DenyCluster))?;
    for id in scene.fleet.ids() {
        scene.wait(id, false)?;
    }
    // A new agent asks for everything at once.
    scene.fleet.signal_agent(1001, rustix::process::Signal::KILL)?;
    scene.fleet.reap_agent(1001, Duration::from_secs(5))?;
    scene.fleet.start_agent(1001)?;
    for request in ["DescribeQuorum", "DescribeLogDirs", "ListPartitionReassignments"] {
        scene.wait_says(1001, request)?;
    }
    scene.says(1001, "not-authorized")?;
    scene.says(1001, "--operation Describe --cluster")?;
    run(cluster.remove_acl(Acl::DenyCluster))?;
    run(cluster.remove_acl(Acl::AllowCluster))?;
    for id in scene.fleet.ids() {
        scene.wait(id, true)?;
    }
    Ok(())
}

/// A replacement is refused while the other brokers hide a topic, and says that they might.
pub fn replaced(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    scene.topic("secret")?;
    let node = cluster.node(replace::LOST);
    node.kill()?;
    scene.wait_truth(replace::LOST, Truth::Out)?;
    replace::empty(scene)?;
    let others = replace::bootstrap(scene, &replace::OTHERS);
    let flags = ["--replace", "--set", others.as_str()];
    run(cluster.add_acl(Acl::HideTopic("secret")))?;
    let said = run(bed::eventually("the topic is named", SOON, async || {
        replace::says(scene, &flags, 69, "for lack of authorization, such as secret")
    }))?;
    println!("    {}", said.trim());
    run(cluster.remove_acl(Acl::HideTopic("secret")))?;
    let said = run(bed::eventually("the volume is replaced", SOON, async || {
        let (code, said) = replace::init(scene, &flags)?;
        ensure!(code == Some(0), "{said}");
        Ok(said)
    }))?;
    ensure!(said.contains("the brokers have an authorizer"), "{said}");
    node.start()?;
    scene.wait(replace::LOST, true)?;
    run(cluster.delete_topic("secret"))
}
