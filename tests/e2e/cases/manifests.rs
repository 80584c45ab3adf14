//! The manifests as the API server takes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    figures::Figures,
    scene::{NAMESPACE, SOON, Scene, features, project},
};

/// What the service account may do with the features of the tests' overlay, as docs/kubernetes.md has it: resource,
/// then verbs.
const DOCUMENTED: &[&str] = &[
    "events.events.k8s.io [create]",
    "leases.coordination.k8s.io kafka-turn [get update]",
    "leases.coordination.k8s.io kafka-turn-controllers [get update]",
    "nodes [get]",
    "pods [patch]",
    "statefulsets.apps [get]",
];

/// Every overlay is taken without a word of complaint, and no pod of it would be refused by restricted Pod Security.
pub fn admitted(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let anywhere = scene.bed.admin().within(SOON);
    let monitors = fs::read_to_string(project("tests/e2e/overlays/pod-monitors.yaml"))?;
    anywhere.apply(&monitors)?;
    anywhere.run("wait --for=condition=Established customresourcedefinition --all --timeout=60s")?;
    let all = kustomizations()?;
    let mut complaints = Vec::new();
    for dir in &all {
        let path = dir.to_str().context("a path")?;
        println!("    {path}");
        for namespace in namespaces(&anywhere.run(&format!("kustomize {path}"))?) {
            anywhere.apply(&restricted(namespace))?;
        }
        if let Err(error) = anywhere.run(&format!("apply -k {path} --dry-run=server --warnings-as-errors")) {
            complaints.push(format!("{path}: {error:#}"));
        }
    }
    figures.count("applied with --dry-run=server", all.len(), "kustomizations");
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// What can be applied: the bases, overlays and examples. What lies deeper is parts of them.
fn kustomizations() -> Result<Vec<PathBuf>> {
    let mut found = vec![project("deploy/base"), project("deploy/zookeeper")];
    for parent in ["deploy/overlays", "deploy/examples"] {
        let entries = fs::read_dir(project(parent)).with_context(|| format!("failed to list {parent}"))?;
        for entry in entries {
            found.push(entry?.path());
        }
    }
    found.retain(|dir| dir.join("kustomization.yaml").exists());
    found.sort();
    ensure!(found.len() > 3, "where are they? {found:?}");
    Ok(found)
}

/// A namespace in which the API server warns of templates, too, whose pods it would refuse.
fn restricted(name: &str) -> String {
    let levels = ["enforce", "warn"].map(|mode| (format!("pod-security.kubernetes.io/{mode}"), "restricted"));
    let labels: BTreeMap<_, _> = levels.into_iter().collect();
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}).to_string()
}

/// The namespaces of what was rendered.
fn namespaces(rendered: &str) -> BTreeSet<&str> {
    rendered.lines().filter_map(|line| line.strip_prefix("  namespace: ")).map(str::trim).collect()
}

/// What the service account may do beyond what everybody may.
pub fn rights(scene: &Scene, figures: &mut Figures) -> Result<()> {
    // All but what runs: the rights are the same without.
    let rendered = scene.kubectl.args(&["kustomize", features().to_str().context("a path")?])?;
    let objects = rendered.split("\n---\n").filter(|object| !object.contains("\nkind: StatefulSet\n"));
    scene.bed.admin().within(SOON).apply(&objects.collect::<Vec<_>>().join("\n---\n"))?;
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
