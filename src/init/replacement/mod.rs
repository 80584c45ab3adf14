//! Asks the other brokers whether an empty volume may take the place of this node's lost one.
//!
//! A broker that starts with an empty log and is the only member of a partition's ISR, or of its eligible leaders
//! (ELR, KIP-966), is elected leader of nothing, and the other replicas truncate to it: what they still hold is lost.
//! So only the cluster's word makes a replacement safe, and only that of a broker whose own image of the cluster is
//! proven to be current: see `witness.rs`.
//!
//! Where an authorizer is set up, this node needs `DESCRIBE` on the cluster and on all topics, or it is told too little;
//! what can be found out about that is in `hidden.rs`.

mod hidden;
mod witness;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Identity, ReplacementAnswer, security};
use crate::{config::Config, kafka::Address};

/// How long all brokers together may take. Healthy ones prove themselves within about a second.
const PATIENCE: Duration = Duration::from_secs(20);
/// What one broker may take at the least to prove itself: voters fetch every 500 ms.
const PROOF_MIN: Duration = Duration::from_secs(2);
/// What one broker may take at the most to prove itself while others are left.
const PROOF_MAX: Duration = Duration::from_secs(6);

/// Asks the brokers of `cluster.bootstrap` in turn until one gives an answer that can be believed.
pub async fn ask(config: &Config, identity: &Identity) -> ReplacementAnswer {
    let brokers = &config.cluster.bootstrap;
    if brokers.is_empty() {
        return ReplacementAnswer::CannotAsk {
            why: "cluster.bootstrap names no broker to ask".to_owned(),
            remedy: "name some of the others, as in --set cluster.bootstrap=host:9092,host:9092; nothing was written"
                .to_owned(),
        };
    }
    let whom = witness::Whom { id: identity.id, cluster_id: &identity.cluster_id };
    let end = Instant::now() + PATIENCE;
    let mut doubts = Vec::new();
    let mut remedy = "bring the controllers and the other brokers up first; nothing was written";
    for (asked, broker) in (0_u32..).zip(brokers) {
        let now = Instant::now();
        let others = u32::try_from(brokers.len()).unwrap_or(u32::MAX).saturating_sub(asked).max(1);
        let share = (end.saturating_duration_since(now) / others).clamp(PROOF_MIN, PROOF_MAX);
        let security = security::of_port(config, identity, broker.port);
        let broker = Address { host: broker.host.clone(), port: broker.port };
        let testimony = witness::ask(&broker, &security, whom, (now + share).min(end), end);
        let why = match timeout_at(end, testimony).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(doubt)) => {
                if doubt.is_of_rights() {
                    remedy = "give this node the rights that it lacks, and run it again; nothing was written";
                }
                doubt.to_string()
            }
            Err(_) => format!("the time for asking, {} s, ran out", PATIENCE.as_secs()),
        };
        doubts.push(format!("{broker}: {why}"));
    }
    ReplacementAnswer::CannotAsk { why: doubts.join("; "), remedy: remedy.to_owned() }
}
