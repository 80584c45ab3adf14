//! Local volumes: a few directories on every node, owned so that a broker (1000) can write, and a storage class that
//! binds them when a pod is scheduled. Nothing provisions more; [`Volumes::renew`] gives back what was released.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::kubectl::Kubectl;
use crate::{node, places};

/// So many volumes has each node.
const EACH: usize = 8;
/// What a volume says it holds. It is a directory: nothing holds it to that.
const SIZE: &str = "10Gi";
const CLASS: &str = "local";
const OWNER: u32 = 1000;

/// The volumes of the cluster.
#[derive(Debug, Clone)]
pub struct Volumes(Kubectl);

impl Volumes {
    /// Makes the class and all volumes.
    pub(crate) fn make(admin: &Kubectl) -> Result<Self> {
        let names =
            node::NAMES.into_iter().flat_map(|node| (1..=EACH).map(move |index| format!("{node}-{index}")));
        let mut objects = vec![class()];
        for name in names {
            fresh(&directory(&name))?;
            objects.push(volume(&name));
        }
        admin.apply(&list(&objects))?;
        Ok(Self(admin.clone()))
    }

    /// Empties and offers again the volumes whose claims are gone, and returns their names.
    pub fn renew(&self) -> Result<Vec<String>> {
        let all = self.0.get("persistentvolumes")?;
        let released = |volume: &&Value| volume["status"]["phase"] == "Released";
        let name = |volume: &Value| volume["metadata"]["name"].as_str().map(str::to_owned);
        let names: Vec<_> =
            all["items"].as_array().into_iter().flatten().filter(released).filter_map(name).collect();
        if names.is_empty() {
            return Ok(names);
        }
        self.0.run(&format!("delete persistentvolumes {}", names.join(" ")))?;
        names.iter().try_for_each(|name| fresh(&directory(name)))?;
        let volumes: Vec<_> = names.iter().map(|name| volume(name)).collect();
        self.0.apply(&list(&volumes))?;
        Ok(names)
    }

    /// The directory behind a claim.
    pub fn path(&self, namespace: &str, claim: &str) -> Result<PathBuf> {
        let found = self.0.get(&format!("-n {namespace} persistentvolumeclaim {claim}"))?;
        match found["spec"]["volumeName"].as_str() {
            Some(name) => Ok(directory(name)),
            None => bail!("the claim {namespace}/{claim} is not bound yet"),
        }
    }

    /// Empties the volume behind a claim, as a new disk would be. Its pod should be down.
    pub fn wipe(&self, namespace: &str, claim: &str) -> Result<()> {
        fresh(&self.path(namespace, claim)?)
    }
}

fn directory(volume: &str) -> PathBuf {
    places::run("volumes").join(volume)
}

/// An empty directory. It stays the same one when it is there: a pod may have it mounted.
fn fresh(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        removed.with_context(|| format!("failed to remove {}", entry.path().display()))?;
    }
    chown(dir, Some(OWNER), Some(OWNER))
        .with_context(|| format!("failed to change the owner of {}", dir.display()))
}

fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

fn class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    })
}

fn volume(name: &str) -> Value {
    let node = name.split_once('-').map_or(name, |(node, _)| node);
    let on_node = json!({"key": "kubernetes.io/hostname", "operator": "In", "values": [node]});
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": SIZE},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": directory(name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
        },
    })
}
