//! What is shown when a case fails.

use crate::{
    kubectl::Kubectl,
    scene::{AGENT, BROKERS, CONTROLLERS, KAFKA, Scene},
};

/// The last lines of a log that are shown.
const LINES: usize = 15;

/// Pods, events, and the agents' logs.
pub fn all(scene: &Scene, name: &str) {
    println!("--- {name} failed; the pods:");
    namespace(&scene.kubectl);
    let there = |pod: &&str| scene.pods.now(pod).is_some();
    for pod in BROKERS.into_iter().chain(CONTROLLERS).filter(there) {
        println!("--- {name}: the last lines of pillion in {pod}");
        tell(&scene.kubectl, &format!("logs {pod} -c {AGENT} --tail {LINES}"));
        if scene.pods.now(pod).is_some_and(|now| now.restarted(KAFKA) > 0) {
            println!("--- {name}: the last words of Kafka in {pod} before it was started again");
            tell(&scene.kubectl, &format!("logs {pod} -c {KAFKA} --previous --tail {LINES}"));
        }
    }
}

/// Pods and events of a namespace.
pub fn namespace(kubectl: &Kubectl) {
    tell(kubectl, "get pods -o wide");
    let events =
        kubectl.run("get events --sort-by=.lastTimestamp").unwrap_or_else(|error| format!("{error:#}"));
    let lines: Vec<&str> = events.lines().collect();
    for line in &lines[lines.len().saturating_sub(2 * LINES)..] {
        println!("{line}");
    }
}

fn tell(kubectl: &Kubectl, line: &str) {
    println!("{}", kubectl.run(line).unwrap_or_else(|error| format!("{error:#}")));
}
