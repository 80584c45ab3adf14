//! A node on its way from `ZooKeeper` to `KRaft` (KIP-866), as Kafka 3.9 takes it (`KafkaConfig.validateValues`): from there
//! clusters move. What the releases before it asked is not told here.

use super::versions::PROTOCOL;
use crate::properties::lint::{Finding, rules, v, view::View};

const MIGRATION: &str = "zookeeper.metadata.migration.enable";
const ZOOKEEPER: &str = "zookeeper.connect";
const VOTERS: &str = "controller.quorum.voters";
const SERVERS: &str = "controller.quorum.bootstrap.servers";

pub(super) fn find(view: &View<'_>) -> Vec<Finding> {
    let told = view.tells(&[MIGRATION, "process.roles", ZOOKEEPER]);
    if view.release != v(3, 9) || !told || !is_on(view) {
        return Vec::new();
    }
    if view.is_kraft() {
        return without_zookeeper(view).into_iter().collect();
    }
    [controllers(view), id(view), protocol(view)].into_iter().flatten().collect()
}

/// Whether this node moves from `ZooKeeper`.
pub(super) fn is_on(view: &View<'_>) -> bool {
    view.text(MIGRATION).is_some_and(|is| is.eq_ignore_ascii_case("true"))
}

fn without_zookeeper(view: &View<'_>) -> Option<Finding> {
    view.text(ZOOKEEPER).is_none().then(|| {
        let what = format!("{MIGRATION} is true, and it is not named from where");
        view.finding(&rules::QUORUM, ZOOKEEPER, what, format!("as in {ZOOKEEPER}=zk-0:2181"))
    })
}

fn controllers(view: &View<'_>) -> Option<Finding> {
    let none =
        view.tells(&[VOTERS, SERVERS]) && view.list(VOTERS).is_empty() && view.list(SERVERS).is_empty();
    none.then(|| {
        let what = "no controller is named while ZooKeeper is left";
        view.finding(&rules::QUORUM, SERVERS, what, format!("{SERVERS}, as in controller-0:9093"))
    })
}

fn id(view: &View<'_>) -> Option<Finding> {
    let generated = view.tells(&["node.id", "broker.id"]) && view.id().unwrap_or(-1) < 0;
    let key = if view.is_set("broker.id") { "broker.id" } else { "node.id" };
    generated.then(|| {
        let what = "the id is generated, which KRaft does not do";
        view.finding(&rules::ID, key, what, "broker.id, as meta.properties of this broker has it")
    })
}

/// Brokers tell the controllers of themselves, and of the directories of their replicas, from these versions on.
fn protocol(view: &View<'_>) -> Option<Finding> {
    let text = view.text(PROTOCOL).filter(|_| view.tells(&[PROTOCOL, "log.dirs", "log.dir"]))?;
    let (major, minor) = text.split('-').next()?.split_once('.')?;
    let minor: u16 = minor.split('.').next()?.parse().ok()?;
    let version = v(major.parse().ok()?, minor);
    let dirs = view.text("log.dirs").or_else(|| view.text("log.dir")).unwrap_or_default();
    let several = dirs.split(',').filter(|dir| !dir.trim().is_empty()).count() > 1;
    let directories = version >= v(3, 7) && !["3.7-IV0", "3.7-IV1"].contains(&text);
    let what = match (version < v(3, 4), several && !directories) {
        (true, _) => format!("{text} is from before the move to KRaft"),
        (false, true) => format!("{text} is from before KRaft with several log directories"),
        (false, false) => return None,
    };
    Some(view.finding(
        &rules::NUMBERS,
        PROTOCOL,
        what,
        "set it to 3.9, and roll the brokers, before the move",
    ))
}
