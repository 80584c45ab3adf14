//! Asks the brokers that are listed as live for a sign of life.

use std::collections::BTreeSet;

use super::super::{CLIENT_ID, Target};
use crate::kafka::alive;

/// Those of them that are silent.
pub async fn silent(target: &Target) -> BTreeSet<i32> {
    let listed = target.roster.borrow().as_ref().map(|roster| roster.brokers.clone()).unwrap_or_default();
    let others = listed.iter().filter(|broker| broker.id != target.id);
    alive::silent(others, &target.security.peers, CLIENT_ID).await
}
