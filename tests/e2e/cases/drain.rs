//! Nodes are drained.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{
    figures::Figures,
    load::Beside,
    scene::{BROKERS, SOON, Scene, pass},
};

/// Two nodes at once: the budget lets one broker go, the other one when the first is back and in sync.
pub fn two_nodes(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let beside = Beside::start(scene, "drained")?;
    let (first, second) = (scene.pods.get("kafka-1")?, scene.pods.get("kafka-2")?);
    let began = Instant::now();
    let drain = |node: &str, seconds: u64| {
        let line = format!("drain {node} --ignore-daemonsets --delete-emptydir-data --timeout={seconds}s");
        scene.kubectl.within(Duration::from_secs(seconds + 10)).run(&line)
    };
    drain(&first.node, 120)?;
    scene.pods.wait("kafka-1", "told to end", SOON, |pod| pod.uid != first.uid)?;
    figures.time("the first node was drained in", began.elapsed());
    let refused = drain(&second.node, 15);
    let said = refused.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(said.contains("disruption budget") || said.contains("timeout"), "not refused: {said}");
    ensure!(scene.pods.get("kafka-2")?.uid == second.uid, "two brokers were evicted");

    scene.kubectl.run(&format!("uncordon {}", first.node))?;
    scene.pods.wait("kafka-1", "back and ready", SOON, |pod| pod.uid != first.uid && pod.well())?;
    drain(&second.node, 120)?;
    scene.kubectl.run(&format!("uncordon {}", second.node))?;
    scene.pods.wait("kafka-2", "back and ready", SOON, |pod| pod.uid != second.uid && pod.well())?;
    scene.all_ready()?;
    beside.in_sync()?;
    pass(Duration::from_secs(1));
    let lived = beside.stop()?;
    lived.note("", figures);
    ensure!(lived.most_out <= 1, "{} brokers were out of the ISR at once", lived.most_out);
    for pod in BROKERS {
        ensure!(scene.pods.get(pod)?.well(), "{pod} is not back");
    }
    lived.spotless()
}
