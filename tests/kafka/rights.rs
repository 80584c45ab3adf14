//! What the agent may not see.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::Acl;

use super::scene::{SOON, Scene, run};

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
    run(cluster.remove_acl(Acl::HideTopic("secret")))?;
    for id in scene.fleet.ids() {
        scene.wait(id, true)?;
    }
    let since = Instant::now();
    run(cluster.delete_topic("secret"))?;
    run(bed::eventually("the logs are put aside", SOON, async || {
        let entries = std::fs::read_dir(&cluster.node(1001).data_dirs()[0])?.flatten();
        let aside = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with("-delete")).count();
        ensure!(aside > 0, "no dir is being deleted");
        Ok(())
    }))?;
    let hosted = run(cluster.hosted(1001))?;
    ensure!(hosted.iter().all(|one| one.topic != "secret"), "{hosted:?}");
    std::thread::sleep(Duration::from_secs(12));
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
