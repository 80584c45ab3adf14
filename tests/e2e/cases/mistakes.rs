//! What a pod says that cannot start, where people look for it.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{
    figures::Figures,
    kafka::describes,
    kubectl::Kubectl,
    scene::{Scene, project},
};

/// From the pod's first sign to its message: an image that is there, and an init container that ends at once.
const SAID: Duration = Duration::from_secs(15);

/// A setting that there is not.
pub fn config(scene: &Scene, figures: &mut Figures) -> Result<()> {
    told(scene, figures, "config-mistake", &["idBse", "idBase", "pillion.yaml"])
}

/// A node that lost its label.
pub fn label(scene: &Scene, figures: &mut Figures) -> Result<()> {
    for node in &scene.bed.nodes {
        scene.kubectl.run(&format!("label node {} topology.kubernetes.io/zone-", node.name))?;
    }
    let outcome =
        told(scene, figures, "no-zone-label", &["kubectl label node", "topology.kubernetes.io/zone"]);
    scene.mend()?;
    outcome
}

/// No right to read nodes.
pub fn rights(scene: &Scene, figures: &mut Figures) -> Result<()> {
    told(scene, figures, "no-rights", &["forbidden", "zone-from-node"])
}

/// Applies an overlay in a namespace of its own, and waits until `kubectl describe pod` has the words.
fn told(scene: &Scene, figures: &mut Figures, overlay: &str, words: &[&str]) -> Result<()> {
    let after = scene.alone_in(overlay, |kubectl| say(kubectl, overlay, words))?;
    figures.at_most("`kubectl describe pod` says what to do after", after, SAID, "an on-call waits for it")
}

fn say(kubectl: &Kubectl, overlay: &str, words: &[&str]) -> Result<Duration> {
    let began = Instant::now();
    kubectl.apply(&project("tests/e2e/overlays").join(overlay))?;
    let said = describes(kubectl, "kafka-0", words)?;
    println!("{said}");
    Ok(began.elapsed())
}
