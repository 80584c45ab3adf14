#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

use super::*;

fn found(text: &str, release: &str) -> Vec<(usize, &'static str)> {
    lint(text.as_bytes(), release.parse().unwrap(), Some(10 << 30))
        .found
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
        ("early.start.listeners=,OUTSIDE", "4.1", "unfit-listener"),
        ("listeners=PLAINTEXT://:9092\nearly.start.listeners=plaintext", "4.3", "unfit-listener"),
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
        ("group.share.partition.max.record.locks=4001", "4.3", "contradiction"),
        (
            "process.roles=broker\nlisteners=PLAINTEXT://:9092\ncontroller.listener.names=C\nearly.start.listeners=C",
            "3.9",
            "unfit-listener",
        ),
        (
            "process.roles=controller\nlisteners=SSL://:9093\ncontroller.listener.names=SSL\ninter.broker.listener.name=SSL",
            "4.1",
            "unfit-inter-broker",
        ),
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
        ("# pillion:allow single-copy for a test\nnum.io.threads=8", "4.3", "idle-permission"),
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
    let text = "process.roles=broker\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.bootstrap.servers=c:9093\nconfig.providers=env,file\nconfig.providers.env.class=a.B\nconfig.providers.file.class=a.C\nsuper.users=User:a\nconfluent.x=1\nlog.dirs=/data\nnum.io.threads=${env:N}\n\
                listener.name.sasl.plain.sasl.jaas.config=${file:/a:b}\nssl.key.password=${file:/a:b}\nmin.insync.replicas=2\n\
                default.replication.factor=3\n# pillion:allow unclean-election logs of no value\nunclean.leader.election.enable=true\n";
    assert_eq!(found(text, "4.3"), []);
}

#[test]
fn a_secret_is_not_repeated() {
    let found = lint(b"ssl.key.password='hunter2' # x", "4.3".parse().unwrap(), None).found;
    assert!(!found.is_empty() && !format!("{found:?}").contains("hunter2"));
}

#[test]
fn steps_of_an_upgrade() {
    let all = |text: &str, from: &str, to: &str| {
        let set = crate::properties::parse(text.as_bytes()).unwrap();
        steps(&set, from.parse().unwrap(), to.parse().unwrap())
    };
    let begin = |steps: &[String], words: &[&str]| {
        assert_eq!(steps.len(), words.len(), "{steps:?}");
        for (step, word) in steps.iter().zip(words) {
            assert!(step.starts_with(word), "{step:?}, and not {word:?}");
        }
    };
    let protocol = "inter.broker.protocol.version";
    let up = "roll the brokers to 4.3";
    let then = "when all run 4.3 and have proven themselves: kafka-features";
    let on_kraft = ["move to KRaft", "run brokers on Java 17", "renew clients"];
    let out = ["take inter.broker.protocol.version out", "take zookeeper.connect out"];
    let pinned = format!("{protocol}=2.8\nzookeeper.connect=zk:2181");
    let before =
        ["roll to 3.9 first", "when all run 3.9: set inter.broker.protocol.version to 3.9 (now 2.8)"];
    begin(&all(&pinned, "2.8", "4.3"), &[&before[..], &on_kraft, &out, &[up, then]].concat());
    begin(&all(&pinned, "3.9", "4.3"), &[&before[1..], &on_kraft, &out, &[up, then]].concat());
    let speaks = pinned.replace("2.8", "3.9-IV0");
    begin(&all(&speaks, "3.9", "4.3"), &[&on_kraft[..], &out, &[up, then]].concat());
    let free = "zookeeper.connect=zk:2181";
    let set = "set inter.broker.protocol.version to 2.8";
    let raise = "when all run 3.9: set inter.broker.protocol.version to 3.9, and";
    begin(
        &all(free, "2.8", "4.3"),
        &[&[set, before[0], raise][..], &on_kraft, &out[1..], &[up, then]].concat(),
    );
    let last = "when all run 3.9 and have proven themselves: set inter.broker.protocol.version to 3.9";
    begin(&all(free, "2.8", "3.9"), &[set, "roll the brokers to 3.9", last]);
    begin(&all(&pinned, "2.8", "3.9"), &["roll the brokers to 3.9", last]);
    begin(
        &all("process.roles=broker", "3.3", "4.3"),
        &["raise metadata.version", on_kraft[1], on_kraft[2], up, then],
    );
    begin(&all("process.roles=broker", "4.0", "4.3"), &[up, then]);
    let metadata = "when all run 3.9 and have proven themselves: kafka-features upgrade --metadata 3.9";
    begin(&all("process.roles=broker", "3.3", "3.9"), &["roll the brokers to 3.9", metadata]);
}

#[test]
fn a_permission_that_permits_nothing_is_told_with_its_place() {
    let single = "offsets.topic.replication.factor=1\n";
    for (text, what, remedy) in [
        ("# pillion:allow\nk=1", "it names no rule", "as in `# pillion:allow single-copy"),
        ("# pillion:allowed single-copy x\nk=1", "it names no rule", "as in"),
        ("# pillion:allow single-copy\nk=1", "single-copy is permitted without a reason", "say why"),
        (
            "log.dirs=/a\n# pillion:allow single-copy x\n",
            "no setting stands below, so single-copy",
            "take it out",
        ),
        (
            "# pillion:allow single-copy x\nlog.dirs=/a\noffsets.topic.replication.factor=1",
            "single-copy is found in line 3, and not at log.dirs, which stands below",
            "put it above line 3, or take it out",
        ),
        ("# pillion:allow single-copy x\nlog.dirs=/a", "single-copy is not found at log.dirs", "take it out"),
    ] {
        let found = lint(text.as_bytes(), "4.3".parse().unwrap(), None).found;
        let of = |one: &&Finding| [&rules::ALLOWED, &rules::IDLE_PERMISSION].contains(&one.rule);
        let told: Vec<_> = found.iter().filter(of).collect();
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].what.starts_with(what) && told[0].remedy.starts_with(remedy), "{text}: {told:?}");
    }
    for text in [
        format!("# pillion:allow single-copy x\n\n{single}"),
        format!("# pillion:allow single-copy x\n# another\n{single}"),
        format!("#pillion: allow single-copy x\n{single}"),
        format!(
            "# pillion:allow auto-create-topics, single-copy x\n# pillion:allow trailing-blanks y\n{}",
            single.replace('\n', " \n")
        ),
    ] {
        let all = lint(text.as_bytes(), "3.9".parse().unwrap(), None);
        let permitted: Vec<_> =
            all.permitted.iter().map(|one| (one.finding.rule.id, one.reason.as_str())).collect();
        assert!(permitted.contains(&("single-copy", "x")), "{text}: {all:?}");
        assert!(
            !all.found.iter().any(|one| one.rule == &rules::SINGLE || one.rule == &rules::BLANKS),
            "{all:?}"
        );
    }
    // The size of the disk is not said, so nobody looked.
    let text = "# pillion:allow retention-beyond-disk x\nlog.retention.bytes=10737418240";
    let all = |disk| lint(text.as_bytes(), "4.3".parse().unwrap(), disk).found;
    assert!(!all(None).iter().any(|one| one.rule == &rules::IDLE_PERMISSION));
    assert!(all(Some(1 << 50)).iter().any(|one| one.rule == &rules::IDLE_PERMISSION));
}

#[test]
fn a_setting_that_is_there_twice_is_permitted_at_either() {
    let comment = "# pillion:allow duplicate-key moved by a script\n";
    for text in [
        format!("{comment}num.io.threads=8\nnum.io.threads=9"),
        format!("num.io.threads=8\n{comment}num.io.threads=9"),
    ] {
        let all = lint(text.as_bytes(), "4.3".parse().unwrap(), None);
        assert_eq!(all.permitted.len(), 1, "{all:?}");
        assert!(
            !all.found.iter().any(|one| [&rules::TWICE, &rules::IDLE_PERMISSION].contains(&one.rule)),
            "{all:?}"
        );
    }
}

#[test]
fn what_is_hidden_is_not_judged() {
    let text = "process.roles=broker\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.voters=2@c:9093\n\
                ssl.key.password=[hidden]\nnum.io.threads=[hidden]\nlisteners=[hidden]\n";
    assert_eq!(found(text, "4.3"), []);
}

#[test]
fn a_default_gives_way_to_its_limits() {
    let least = "group.share.min.partition.max.record.locks=2000\n";
    let wrong = |text: &str| found(text, "4.3").iter().any(|(_, rule)| *rule == "contradiction");
    assert!(!wrong(least) && wrong(&format!("{least}group.share.partition.max.record.locks=200")));
}

#[test]
fn an_empty_list_of_early_listeners_is_none() {
    for text in ["early.start.listeners=", "early.start.listeners=,PLAINTEXT,"] {
        assert!(!found(text, "4.1").iter().any(|(_, rule)| *rule == "unfit-listener"), "{text}");
    }
}

#[test]
fn a_node_on_its_way_to_kraft() {
    let node = "zookeeper.metadata.migration.enable=true\nzookeeper.connect=zk:2181\nbroker.id=1\n\
                controller.listener.names=C\ncontroller.quorum.voters=3001@c:9093\nlog.dirs=/a,/b\n";
    let errors = |text: &str| {
        let all = lint(text.as_bytes(), "3.9".parse().unwrap(), None).found.into_iter();
        all.filter(|one| one.rule.severity == Severity::Error).map(|one| one.rule.id).collect::<Vec<_>>()
    };
    let protocol = |version: &str| errors(&format!("{node}inter.broker.protocol.version={version}"));
    assert!(errors(node).is_empty() && protocol("3.7-IV2").is_empty());
    assert_eq!(protocol("3.3"), ["contradiction"]);
    assert_eq!(protocol("3.7-IV1"), ["contradiction"]);
    assert!(errors(&format!("{}inter.broker.protocol.version=3.4", node.replace(",/b", ""))).is_empty());
    assert_eq!(errors(&node.replace("broker.id=1\n", "")), ["unfit-id"]);
    assert_eq!(errors(&node.replace("controller.quorum.voters=3001@c:9093\n", "")), ["unfit-quorum"]);
    let controller =
        "process.roles=controller\nnode.id=3001\nlisteners=C://:9093\nlistener.security.protocol.map=C:SSL\n";
    let controller = node.replace("broker.id=1\n", controller);
    assert!(errors(&controller).is_empty());
    assert_eq!(errors(&controller.replace("zookeeper.connect=zk:2181\n", "")), ["unfit-quorum"]);
}

#[test]
fn a_provider_without_class_is_none() {
    let class = "config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n";
    for (names, more, lines) in [
        ("file", class, &[][..]),
        ("file", "", &[1, 2]),
        ("env", class, &[1, 2]),
        ("env, file", class, &[1, 1, 2]),
        ("", class, &[2]),
    ] {
        let text = format!("config.providers={names}\nlog.dirs=${{file:/a:b}}\n{more}");
        let all = found(&text, "4.3").into_iter().filter(|(_, rule)| *rule == "unnamed-provider");
        assert_eq!(all.map(|(line, _)| line).collect::<Vec<_>>(), lines, "{text}");
    }
    for class in ["", "x.Y "] {
        let text = format!("config.providers=file\nconfig.providers.file.class={class}");
        assert!(found(&text, "4.3").contains(&(2, "wrong-value")), "{class:?}");
    }
}

#[test]
fn a_broken_file_is_told_once_with_its_remedy() {
    for (text, line, what, remedy) in [
        (
            &b"a=1\nb=\\u12"[..],
            2,
            "\\u is not followed by four hexadecimal digits",
            "write a backslash as \\\\,",
        ),
        (b"a=\\ud800", 1, "half a surrogate pair", "write both halves"),
        (&vec![b'a'; crate::properties::MAX_BYTES + 1], 0, "it is larger", "check that this file"),
    ] {
        let found = lint(text, "4.3".parse().unwrap(), None).found;
        assert_eq!((found.len(), found[0].line), (1, line));
        assert!(found[0].what.starts_with(what) && found[0].remedy.starts_with(remedy), "{found:?}");
    }
}
