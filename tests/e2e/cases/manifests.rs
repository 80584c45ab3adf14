//! The manifests as the API server takes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    figures::Figures,
    scene::{NAMESPACE, Scene, project},
};

/// What the service account may do with the features of the tests' overlay, as docs/kubernetes.md has it: resource,
/// then verbs.
const DOCUMENTED: &[&str] = &["events.events.k8s.io [create patch]", "nodes [get]", "pods [get patch]"];

/// Every kustomization is taken without a word of complaint.
pub fn admitted(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let label = r"get namespace kafka -o jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}";
    ensure!(scene.kubectl.run(label)? == "restricted", "the namespace is not restricted");
    let all = kustomizations(&project("deploy"))?;
    let mut complaints = Vec::new();
    for dir in &all {
        let path = dir.to_str().context("a path")?;
        let line = ["apply", "-k", path, "--dry-run=server", "--warnings-as-errors"];
        println!("    {path}");
        if let Err(error) = scene.kubectl.args(&line) {
            complaints.push(format!("{path}: {error:#}"));
        }
    }
    figures.count("applied with --dry-run=server", all.len(), "kustomizations");
    ensure!(!all.is_empty(), "there are none");
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// Directories below `dir` that can be applied: those of components cannot.
fn kustomizations(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("failed to list {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(kustomizations(&path)?);
        }
    }
    let file = dir.join("kustomization.yaml");
    if file.exists() && fs::read_to_string(file)?.contains("kind: Kustomization") {
        found.push(dir.to_owned());
    }
    found.sort();
    Ok(found)
}

/// What the service account may do beyond what everybody may.
pub fn rights(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let (ours, anybody) = (may(scene, "kafka")?, may(scene, "default")?);
    let more: Vec<&str> = ours.difference(&anybody).map(String::as_str).collect();
    figures.count("rights beyond everybody's", more.len(), "rules");
    ensure!(more == DOCUMENTED, "the service account may {more:?}, documented is {DOCUMENTED:?}");
    Ok(())
}

/// The rules of a service account of the cluster's namespace, a line each: the resource, and the verbs.
fn may(scene: &Scene, account: &str) -> Result<BTreeSet<String>> {
    let user = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
    let listed = scene.kubectl.args(&["auth", "can-i", "--list", "--no-headers", &user])?;
    let rule = |line: &str| {
        let resource = line.split_whitespace().next().unwrap_or_default();
        let verbs = line.rsplit_once('[').map_or("", |(_, verbs)| verbs.trim_end().trim_end_matches(']'));
        let names = line.split_once("[]").map_or("", |(_, rest)| rest).trim();
        let names = names.split_once(']').map_or("", |(names, _)| names.trim_start_matches('['));
        let mut words: Vec<&str> = verbs.split_whitespace().collect();
        words.sort_unstable();
        if names.is_empty() || resource.starts_with('[') {
            format!("{resource} [{}]", words.join(" "))
        } else {
            format!("{resource} {names} [{}]", words.join(" "))
        }
    };
    Ok(listed.lines().filter(|line| !line.trim().is_empty()).map(rule).collect())
}
