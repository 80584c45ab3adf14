//! The cases, in the order in which they are played.

mod agent;
mod api;
mod apply;
mod certificate;
mod controllers;
mod drain;
mod hang;
mod manifests;
mod mistakes;
mod overlays;
mod overrides;
mod own;
mod revision;
mod roll;
mod rollout;
mod turn;
mod zookeeper;

use anyhow::Result;

use crate::{figures::Figures, scene::Scene};

/// One of them.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What it shows, as people read it.
    pub title: &'static str,
    /// It is in the short set.
    pub quick: bool,
    /// The cluster is to be up and well beforehand, with all features.
    pub heal: bool,
    /// What happens.
    pub play: fn(&Scene, &mut Figures) -> Result<()>,
}

type Play = fn(&Scene, &mut Figures) -> Result<()>;

const fn quick(name: &'static str, title: &'static str, play: Play) -> Case {
    Case { name, title, quick: true, heal: true, play }
}

const fn long(name: &'static str, title: &'static str, play: Play) -> Case {
    Case { quick: false, ..quick(name, title, play) }
}

/// Brings up for itself what it needs.
const fn alone(case: Case) -> Case {
    Case { heal: false, ..case }
}

/// All of them. The first one brings the cluster up, the second one its features.
pub const ALL: &[Case] = &[
    alone(quick("fresh_apply", "`kubectl apply -k deploy/base` on empty volumes", apply::fresh)),
    quick("rolling_restart_under_load", "Rolling restart by a template change, under load", roll::pillion),
    long("rolling_restart_with_a_tcp_probe", "The same with a TCP readiness probe instead", roll::tcp),
    quick("all_controllers_lost", "All controllers lost", controllers::all_lost),
    quick(
        "a_broker_out_of_sync_stops_the_roll",
        "A broker out of sync stops the roll; forced ready, it goes on",
        overrides::roll,
    ),
    quick("the_override_policy", "Nobody signs an override with another's name", overrides::policy),
    quick("agent_killed_repeatedly", "The agent is killed, again and again", agent::killed),
    quick("api_server_down", "The API server is down, and a kubelet restarted", api::down),
    long("broker_hung", "A broker hangs (SIGSTOP)", hang::stopped),
    long("long_log_recovery", "A broker recovers its log for minutes", hang::recovery),
    quick("bad_revision_reverted", "A bad revision, reverted", revision::reverted),
    quick(
        "drain_takes_one_broker_at_a_time",
        "Two nodes are drained: one broker at a time",
        drain::two_nodes,
    ),
    quick("three_deleted_at_once", "Three brokers are deleted at once", turn::deleted_at_once),
    quick(
        "young_pods_rolled_at_once",
        "A rollout that takes all pods at once (younger than `minReadySeconds`)",
        turn::young_ones_rolled,
    ),
    quick(
        "a_stop_waits_while_another_is_down",
        "A broker hangs, and the next one is deleted",
        turn::waits_for_one_that_is_down,
    ),
    quick(
        "forced_deletion_recovers",
        "One broker is deleted by force (`--grace-period=0`), and another beside it",
        turn::forced,
    ),
    quick("scaled_to_zero", "The brokers are scaled to zero", turn::scaled_to_zero),
    alone(quick(
        "a_rollout_waits_for_brokers_that_were_ready",
        "A rollout begins while every broker is unready (stand-ins)",
        rollout::waits,
    )),
    alone(quick(
        "certificate_from_a_secret",
        "The certificate in a Secret changes, and the right to read it goes",
        certificate::from_a_secret,
    )),
    alone(quick(
        "the_volume_is_read_only_for_the_agent",
        "The agent may not write to the broker's volume",
        apply::read_only,
    )),
    alone(quick(
        "zookeeper_ensemble",
        "`kubectl apply -k deploy/zookeeper`: a server stands still, the leader is deleted, all are rolled",
        zookeeper::ensemble,
    )),
    alone(quick("a_mistake_in_the_configmap", "A mistake in the ConfigMap", mistakes::config)),
    alone(quick("a_node_without_a_zone", "A node without a zone label", mistakes::label)),
    alone(quick("rights_are_missing", "The right to read nodes is missing", mistakes::rights)),
    alone(quick(
        "manifests_are_admitted",
        "Every overlay is admitted, restricted Pod Security included",
        manifests::admitted,
    )),
    alone(quick(
        "rights_are_as_documented",
        "The service account may do what is documented, and no more",
        manifests::rights,
    )),
    alone(long("overlay_combined", "`overlays/combined`: three nodes that are both", overlays::combined)),
    alone(long("overlay_two_maps", "`overlays/two-maps`: a second map of brokers", overlays::two_maps)),
    alone(long(
        "two_maps_take_turns",
        "Two maps are rolled at the same moment, and a node is drained",
        turn::two_maps,
    )),
    alone(long("overlay_single_node", "`overlays/single-node`: all on one node", overlays::single_node)),
    alone(long("overlay_outside", "`overlays/outside`: addresses for clients outside", overlays::outside)),
    alone(long(
        "overlay_dedicated_nodes",
        "`overlays/dedicated-nodes`: on nodes of their own only",
        overlays::dedicated_nodes,
    )),
    alone(long("own_statefulset", "A StatefulSet that was there before gets pillion", own::gets_pillion)),
];
