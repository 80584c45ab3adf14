#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

use super::*;

fn found(text: &str, release: &str) -> Vec<(usize, &'static str)> {
    lint(text.as_bytes(), release.parse().unwrap(), Some(10 << 30))
        .iter()
        .map(|one| (one.line, one.rule.id))
        .collect()
}

#[test]
fn every_rule_finds_something_and_nothing_else() {
    for (text, release, rule) in [
        ("a=\\u12", "4.3", "malformed-file"),
        ("num.io.threads=many", "4.3", "wrong-value"),
        ("listener.name.outside.ssl.client.auth=maybe", "4.3", "wrong-value"),
        ("advertised.listeners=PLAINTEXT://0.0.0.0:9092", "4.3", "advertised-nowhere"),
        ("listeners=PLAINTEXT://0.0.0.0:9092", "4.3", "advertised-nowhere"),
        ("process.roles=broker\nbroker.id=-1", "4.3", "unfit-id"),
        ("node.id=1\nbroker.id=2", "3.9", "unfit-id"),
        ("zookeeper.connect=zk:2181\nbroker.id=1500", "3.9", "unfit-id"),
        ("process.roles=broker,broker", "3.9", "unfit-roles"),
        ("process.roles=broker\nnode.id=1\ncontroller.quorum.voters=1@c:9093", "4.3", "unfit-quorum"),
        ("process.roles=controller\nnode.id=7\ncontroller.quorum.voters=1@c:9093", "4.3", "unfit-quorum"),
        ("controller.quorum.voters=c:9093", "4.3", "unfit-quorum"),
        ("broker.id=1", "3.9", "unfit-quorum"),
        ("process.roles=broker\nlisteners=INSIDE://:9092", "4.3", "unfit-listener"),
        ("listeners=PLAINTEXT://:9092,SSL://:9092", "4.3", "unfit-listener"),
        ("listeners=PLAINTEXT:9092", "4.3", "unfit-listener"),
        ("listener.security.protocol.map=A:TLS", "4.3", "unfit-protocol-map"),
        ("process.roles=broker\nadvertised.listeners=SSL://h:1,PLAINTEXT://h:2", "4.3", "unfit-advertised"),
        ("process.roles=broker\ninter.broker.listener.name=SSL", "4.3", "unfit-inter-broker"),
        (
            "inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=SSL",
            "4.3",
            "unfit-inter-broker",
        ),
        ("process.roles=broker\ncontroller.listener.names=PLAINTEXT", "4.3", "unfit-controller-listener"),
        ("process.roles=controller\ncontroller.listener.names=C", "4.3", "unfit-controller-listener"),
        ("zookeeper.connect=zk:2181\ncontroller.listener.names=C", "3.9", "unfit-controller-listener"),
        ("control.plane.listener.name=SSL", "3.9", "unfit-control-plane"),
        (
            "security.inter.broker.protocol=SASL_SSL\nsasl.mechanism.inter.broker.protocol=PLAIN",
            "4.3",
            "unfit-mechanism",
        ),
        ("max.connections.per.ip.overrides=h", "4.3", "unfit-overrides"),
        ("replica.fetch.wait.max.ms=60000", "4.3", "contradiction"),
        ("inter.broker.protocol.version=4.0", "3.9", "wrong-value"),
        ("process.roles=", "4.0", "no-role"),
        ("log.dirs=${env:DIRS}", "4.3", "unnamed-provider"),
        ("listeners=SSL://:9092\nlistener.name.OUTSIDE.ssl.client.auth=maybe", "4.3", "no-such-listener"),
        ("num.io.thread=8", "4.3", "unknown-key"),
        ("sasl.mechanism.inter.broker.protcol=PLAIN", "4.3", "unknown-key"),
        ("node.id=1", "4.0", "missing-key"),
        ("zookeeper.connect=zk:2181", "4.0", "removed-key"),
        ("port=9092", "3.9", "removed-key"),
        ("group.coordinator.rebalance.protocols=classic", "2.8", "not-yet-known"),
        ("\u{feff}log.dirs=/data", "4.3", "byte-order-mark"),
        ("log.retention.hours=1 # an hour", "4.3", "wrong-value"),
        ("log.dirs=/data # fast", "4.3", "inline-comment"),
        ("log.dirs=\"/data\"", "4.3", "quoted-value"),
        ("min.insync.replicas=2", "4.3", "no-slack-in-isr"),
        ("unclean.leader.election.enable=true", "4.3", "unclean-election"),
        ("log.retention.hours=-1", "4.3", "endless-retention"),
        ("log.retention.bytes=10737418240", "4.3", "retention-beyond-disk"),
        ("log.dirs=/data/a,/data//a/", "3.9", "duplicate-log-dir"),
        ("log.dirs=/data,/tmp/more", "4.3", "volatile-log-dir"),
        ("offsets.topic.replication.factor=1", "4.3", "single-copy"),
        ("advertised.listeners=A://localhost:9092", "4.3", "advertised-loopback"),
        ("advertised.listeners=A://[::]:9092", "4.3", "advertised-loopback"),
        ("listener.security.protocol.map=OUTSIDE:SASL_PLAINTEXT,IN:PLAINTEXT", "4.3", "plaintext-outside"),
        ("ssl.key.password=x", "4.3", "secret-inline"),
        ("auto.create.topics.enable=true", "4.3", "auto-create-topics"),
        ("log.dirs=/data ", "4.3", "trailing-blanks"),
        ("# pillion:allow single-kopy for a test", "4.3", "unfit-permission"),
        ("# pillion:allow single-copy", "4.3", "unfit-permission"),
        ("# pillion:allow wrong-value for a test\nnum.io.threads=eight", "4.3", "wrong-value"),
        ("# pillion:allow wrong-value for a test\nnum.io.threads=eight", "4.3", "unfit-permission"),
    ] {
        let rules: Vec<_> = found(text, release).into_iter().map(|(_, rule)| rule).collect();
        let first = rules.iter().find(|one| **one == rule);
        assert!(first.is_some(), "{text}: {rules:?}");
    }
    assert_eq!(
        found("a.b=1\na.b=2\nzookeeper.connect=z:1", "3.9"),
        [(1, "duplicate-key"), (2, "unknown-key")]
    );
    let told =
        |text, release| found(text, release).into_iter().filter(|(_, rule)| *rule == "missing-key").count();
    assert_eq!(told("broker.id=1\nprocess.roles=broker\ncontroller.listener.names=C", "4.3"), 0);
    assert_eq!(told("", "4.3"), 3, "node.id, process.roles, controller.listener.names");
}

#[test]
fn what_is_right_is_left_alone() {
    let text = "process.roles=broker\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.bootstrap.servers=c:9093\nconfig.providers=env,file\nsuper.users=User:a\nconfluent.x=1\nlog.dirs=/data\nnum.io.threads=${env:N}\n\
                listener.name.sasl.plain.sasl.jaas.config=${file:/a:b}\nssl.key.password=${file:/a:b}\nmin.insync.replicas=2\n\
                default.replication.factor=3\n# pillion:allow unclean-election logs of no value\nunclean.leader.election.enable=true\n";
    assert_eq!(found(text, "4.3"), []);
}

#[test]
fn a_secret_is_not_repeated() {
    let found = lint(b"ssl.key.password='hunter2' # x", "4.3".parse().unwrap(), None);
    assert!(!found.is_empty() && !format!("{found:?}").contains("hunter2"));
}

#[test]
fn steps_of_an_upgrade() {
    let set =
        |pairs: &[&str]| pairs.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect::<Vec<_>>();
    let (old, new) = ("2.8".parse().unwrap(), "4.3".parse().unwrap());
    let all = steps(&set(&["zookeeper.connect", "inter.broker.protocol.version"]), old, new);
    assert!(all[0].starts_with("roll to 3.9 first") && all[1].starts_with("move to KRaft"), "{all:?}");
    assert!(all.iter().any(|step| step.starts_with("take zookeeper.connect out")), "{all:?}");
    assert!(steps(&[], new, old)[0].contains("is not newer"));
}
