//! What may be formatted: a pure decision from what was found.

use std::path::{Path, PathBuf};

use super::log_dir::{LogDir, State};
use crate::problem::Problem;

/// Whose the directories have to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The id of this node.
    pub node_id: i32,
    /// The id of the cluster.
    pub cluster_id: String,
    /// Where the metadata log lies.
    pub metadata_dir: PathBuf,
    /// Whether a broker runs on this node.
    pub broker: bool,
    /// Whether a controller runs on this node.
    pub controller: bool,
    /// Whether `controller.quorum.voters` names this node.
    pub static_voter: bool,
    /// Who can mark a broker's empty directory as its own.
    pub marker: Marker,
}

/// Who can mark a broker's empty directory as its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// pillion, which knows how this Kafka lays it out.
    Native,
    /// `kafka-storage`.
    Tool,
    /// The broker itself as it starts, in version 0: `ZooKeeper` mode.
    Broker,
}

/// What the person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// An ordinary start.
    Start,
    /// The first start of this node.
    Bootstrap,
    /// This node's volumes were lost, and empty ones take their place.
    Replace,
}

/// Whether the cluster is asked before empty directories are formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// It is not.
    No,
    /// What it says counts, and that nobody can say anything counts as a yes: the first start of a cluster looks so.
    IfItAnswers,
    /// It must say that nothing is lost.
    Must,
}

/// What to do with the directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// All are ours. Directories that still carry a formatter's mark are named.
    Ready {
        /// Those whose mark is left to remove.
        marked: Vec<PathBuf>,
    },
    /// Write a `meta.properties` into each.
    Native {
        /// The directories.
        dirs: Vec<PathBuf>,
        /// Whether the cluster is asked first.
        ask: Ask,
    },
    /// Let `kafka-storage` do it.
    Tool {
        /// The directories.
        dirs: Vec<PathBuf>,
        /// Whether the cluster is asked first.
        ask: Ask,
        /// Whether other directories of this node are formatted already.
        beside_others: bool,
    },
}

impl Plan {
    /// Whether the cluster is asked first.
    pub fn ask(&self) -> Ask {
        match self {
            Self::Ready { .. } => Ask::No,
            Self::Native { ask, .. } | Self::Tool { ask, .. } => *ask,
        }
    }

    /// The same, with the cluster asked first.
    #[must_use]
    pub fn asking(self) -> Self {
        match self {
            Self::Ready { marked } => Self::Ready { marked },
            Self::Native { dirs, .. } => Self::Native { dirs, ask: Ask::Must },
            Self::Tool { dirs, beside_others, .. } => Self::Tool { dirs, ask: Ask::Must, beside_others },
        }
    }
}

/// Decides. Every reason against is told; then nothing may be written.
pub fn plan(found: &[LogDir], wanted: &Wanted, intent: Intent) -> Result<Plan, Vec<Problem>> {
    let mut problems = identity(found, wanted);
    problems.extend(found.iter().filter_map(foreign));
    if !problems.is_empty() {
        return Err(problems);
    }
    // A stopped formatter: all of its directories begin again, those it had finished too.
    let all_formatted = found.iter().all(|dir| dir.meta().is_some());
    let fresh = |dir: &&LogDir| dir.is_fresh() || (dir.marked && !all_formatted);
    let dirs: Vec<PathBuf> = found.iter().filter(fresh).map(|dir| dir.path.clone()).collect();
    if dirs.is_empty() {
        let marked = found.iter().filter(|dir| dir.marked).map(|dir| dir.path.clone()).collect();
        return Ok(Plan::Ready { marked });
    }
    if wanted.marker == Marker::Broker && intent == Intent::Replace {
        return Err(vec![cannot_ask(&dirs)]);
    }
    if dirs.len() == found.len() {
        return all_fresh(dirs, wanted, intent).map_err(|problem| vec![problem]);
    }
    if wanted.controller && dirs.contains(&wanted.metadata_dir) {
        let what = "the metadata directory of a controller is empty while its other directories are not";
        let remedy = "restore the volume; a controller that lost its log has lost its vote and its promises. \
                      Otherwise take it out of the quorum and add a new one under another id";
        return Err(vec![Problem::new(shown(&wanted.metadata_dir), what, remedy)]);
    }
    let proves = |dir: &LogDir| dir.meta().is_some_and(|m| m.node_id.is_some() && m.cluster_id.is_some());
    if !found.iter().any(proves) {
        let what = "it is empty, and no other directory says whose node this is";
        let place = dirs.first().map_or_else(String::new, |dir| shown(dir));
        return Err(vec![Problem::new(
            place,
            what,
            "restore the meta.properties of a directory that holds data",
        )]);
    }
    // Another directory proves whose node this is: a directory was added. Kafka would format it, too.
    if wanted.marker == Marker::Broker {
        return Ok(Plan::Ready { marked: Vec::new() });
    }
    // Or it was lost: whoever says so wants to know what with it.
    let ask = if intent == Intent::Replace { Ask::Must } else { Ask::No };
    Ok(if wanted.marker == Marker::Native || wanted.controller {
        Plan::Native { dirs, ask }
    } else {
        Plan::Tool { dirs, ask, beside_others: true }
    })
}

/// In `ZooKeeper` mode nothing is known to be lost only by the word of a broker that may itself be cut off.
fn cannot_ask(dirs: &[PathBuf]) -> Problem {
    let place = dirs.iter().map(|dir| shown(dir)).collect::<Vec<_>>().join(", ");
    let what = "in ZooKeeper mode no broker can prove that what it tells is current, so whether a replacement is safe \
                cannot be asked";
    let remedy = "see by kafka-topics --describe that no partition has this broker as the only member of its ISR; then \
                  remove identity.json from the run directory, where there is one, and pass --bootstrap once";
    Problem::new(place, what, remedy)
}

fn not_said(place: String) -> Problem {
    let what = "no log directory of this node is formatted, and nothing says that they may be";
    let remedy = "if the volumes should hold data, mount the right ones. If this is the first start of \
                  this node, pass --bootstrap once. If its volumes were lost, pass --replace. In a pod it is the \
                  environment that says so: PILLION_STORAGE_BOOTSTRAP=true, PILLION_REPLACE=true";
    Problem::new(place, what, remedy)
}

fn all_fresh(dirs: Vec<PathBuf>, wanted: &Wanted, intent: Intent) -> Result<Plan, Problem> {
    let place = dirs.iter().map(|dir| shown(dir)).collect::<Vec<_>>().join(", ");
    match intent {
        Intent::Start => return Err(not_said(place)),
        Intent::Replace if wanted.static_voter => {
            let what =
                "a static voter is never formatted as a replacement: it may have voted, and would forget it";
            let remedy =
                "restore the volume of this controller, or move the quorum to dynamic voters (KIP-853)";
            return Err(Problem::new(place, what, remedy));
        }
        Intent::Replace | Intent::Bootstrap => {}
    }
    let ask = match intent {
        Intent::Replace => Ask::Must,
        // The first start is said for all nodes of a cluster and easily left said: a broker's volume that was lost since
        // looks like a new one. (A controller that starts late finds the cluster alive, too: it is not asked for.)
        Intent::Bootstrap if wanted.broker => Ask::IfItAnswers,
        _ => Ask::No,
    };
    if wanted.marker == Marker::Broker {
        return Ok(Plan::Ready { marked: Vec::new() });
    }
    Ok(if wanted.marker == Marker::Native && !wanted.controller {
        Plan::Native { dirs, ask }
    } else {
        Plan::Tool { dirs, ask, beside_others: false }
    })
}

fn identity(found: &[LogDir], wanted: &Wanted) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, dir) in found.iter().enumerate() {
        let Some(meta) = dir.meta() else { continue };
        let place = || format!("{}/meta.properties", dir.path.display());
        if let Some(id) = meta.node_id
            && id != wanted.node_id
        {
            let what = format!("it belongs to node {id}, and this is node {}", wanted.node_id);
            let remedy = "mount this node's own volume, or correct broker.idBase and the ordinal";
            problems.push(Problem::new(place(), what, remedy));
        }
        if let Some(id) = &meta.cluster_id
            && *id != wanted.cluster_id
        {
            let what = format!("it belongs to the cluster {id}, and cluster.id is {}", wanted.cluster_id);
            problems.push(Problem::new(place(), what, "mount the right volume, or correct cluster.id"));
        }
        if wanted.marker == Marker::Broker && meta.version != 0 {
            let what = format!("it is of KRaft (version {}), and broker.mode is zookeeper", meta.version);
            let remedy = "mount the right volume, or correct broker.mode; there is no way back from KRaft";
            problems.push(Problem::new(place(), what, remedy));
        }
        let twin = |other: &&LogDir| {
            other.meta().and_then(|m| m.directory_id.as_ref()) == meta.directory_id.as_ref()
        };
        if meta.directory_id.is_some()
            && let Some(other) = found.iter().take(i).find(twin)
        {
            let what = format!("its directory.id is that of {}, too", other.path.display());
            let remedy = "one volume is mounted twice, or was copied: mount each volume once";
            problems.push(Problem::new(place(), what, remedy));
        }
    }
    problems
}

fn foreign(dir: &LogDir) -> Option<Problem> {
    let State::Foreign { partitions, others } = &dir.state else { return None };
    let (what, remedy) = if partitions.is_empty() {
        let what = format!("it is not empty ({}) and has no meta.properties", others.join(", "));
        (what, "mount an empty volume or the right one; what lies there is never written over")
    } else {
        let what = format!("it holds partitions ({}) and no meta.properties", partitions.join(", "));
        (
            what,
            "this is another node's volume or a damaged one: mount the right one, or restore its meta.properties",
        )
    };
    Some(Problem::new(shown(&dir.path), what, remedy))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
