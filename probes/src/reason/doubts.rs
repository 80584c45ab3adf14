//! Why a question proved nothing, of the quorum or of the other brokers, and what to do about it.

use crate::{contact::Doubt, zookeeper};

pub(super) fn because(doubt: Option<Doubt>) -> String {
    match doubt {
        None => String::new(),
        Some(Doubt::NoLeader) => " (the quorum has no leader)".into(),
        Some(Doubt::UnknownToLeader { leader }) => {
            format!(" (controller {leader}, the leader, has not heard from this node)")
        }
        Some(Doubt::Deposed { leader }) => format!(" (only controller {leader} answers, which was deposed)"),
        Some(Doubt::LeaderUnheard { leader }) => {
            format!(" (no majority of controllers is seen to follow controller {leader})")
        }
        Some(Doubt::Behind { records }) => {
            format!(" (it has {records} committed record(s) still to apply)")
        }
        Some(Doubt::Unanswered) => " (the question is not answered)".into(),
        Some(Doubt::Denied) => " (the agent may not ask: it lacks DESCRIBE on the cluster)".into(),
    }
}

pub(super) fn peers_because(doubt: Option<zookeeper::Doubt>) -> String {
    use zookeeper::Doubt;
    match doubt {
        None => String::new(),
        Some(Doubt::Silent) => " (none of those that were asked answers)".into(),
        Some(Doubt::NobodyToAsk) => " (all of them advertise this broker's own address)".into(),
        Some(Doubt::NoWitness) => {
            " (who answers has only just started, or is not listed by the others)".into()
        }
        Some(Doubt::OwnUnknown) => " (the broker itself has not told everything yet)".into(),
        Some(Doubt::Disagrees { broker, theirs, ours }) => {
            format!(" (broker {broker} knows {theirs} partition(s) assigned to it, itself {ours})")
        }
        Some(Doubt::Leaderless { count }) => format!(" ({count} of its partition(s) have no leader)"),
        Some(Doubt::Hidden) => " (they do not tell of every topic)".into(),
    }
}

pub(super) fn peers_remedy(doubt: Option<zookeeper::Doubt>) -> &'static str {
    use zookeeper::Doubt;
    match doubt {
        Some(Doubt::NobodyToAsk) => {
            "point `broker.listener` at a listener whose advertised address leads to each broker, not to the one that \
             asks"
        }
        Some(Doubt::Silent) => {
            "look whether other brokers run, and at the network from this one to them on the same listener"
        }
        Some(Doubt::Leaderless { .. }) => {
            "look at the controller and the broker that led them; it resolves when another leader is chosen"
        }
        Some(Doubt::Hidden) => "grant the agent's user DESCRIBE on all topics",
        _ => "wait for the next rounds; if it stays, look at the controller's log and at ZooKeeper",
    }
}

pub(super) fn quorum_remedy(doubt: Option<Doubt>) -> &'static str {
    match doubt {
        Some(Doubt::Denied) => "grant the agent's user DESCRIBE on the cluster",
        Some(Doubt::Behind { .. }) => "wait while it catches up with the metadata log",
        Some(Doubt::NoLeader | Doubt::LeaderUnheard { .. } | Doubt::Deposed { .. }) => {
            "look at the controllers: a majority of them must run and reach each other"
        }
        _ => {
            "check the way from this node to the controllers, and that a majority of them runs; do not restart \
              brokers meanwhile: they could not come back"
        }
    }
}
