//! `pillion init` in a pod: what comes by the downward API, what is advertised, the zone of the node, the first start.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

mod init_support;

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use init_support::{Node, code, golden, stderr};
use pillion::{
    config::Sources,
    init::{InitError, Options, ReplacementAnswer, Report},
};

/// A broker whose identity is left to the pod.
fn pod() -> Node {
    let node = Node::broker();
    node.edit("  ordinal: 1\n  zone: { value: zone-b }\n", "");
    node.edit("    advertised.listeners: PLAINTEXT://kafka-1:9092\n", "");
    node.edit("kafka:\n", "  advertised:\n    PLAINTEXT: \"{pod}.kafka.{namespace}.svc:9092\"\nkafka:\n");
    node
}

const TOLD: [(&str, &str); 6] = [
    ("PILLION_BROKER_ORDINAL", "1"),
    ("PILLION_KUBERNETES_POD", "kafka-1"),
    ("PILLION_KUBERNETES_NAMESPACE", "kafka"),
    ("PILLION_KUBERNETES_POD_UID", "6f1c"),
    ("PILLION_KUBERNETES_NODE", "n1"),
    ("PILLION_KUBERNETES_ZONE", "zone-b"),
];

/// The refusal, which wrote nothing.
fn refused(node: &Node, env: &[(&str, &str)], args: &[&str], name: &str) {
    let before = node.files();
    let output = node.command(args).env_clear().envs(env.iter().copied()).output().unwrap();
    assert_eq!((code(&output), node.files()), (64, before), "{}", stderr(&output));
    golden(&format!("fails/{name}.txt"), &node.settle(&stderr(&output)));
}

fn with(extra: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    TOLD.into_iter().chain(extra.iter().copied()).collect()
}

#[test]
fn the_downward_api_tells_who_it_is() {
    let node = pod();
    node.edit("kafka:\n", "    EXTERNAL: \"{node}:{31000+ordinal}\"\nkafka:\n");
    node.edit(
        "    listeners: PLAINTEXT://0.0.0.0:9092\n",
        "    listeners: PLAINTEXT://:9092,EXTERNAL://:9094\n    \
         listener.security.protocol.map: PLAINTEXT:PLAINTEXT,EXTERNAL:SSL,CONTROLLER:PLAINTEXT\n",
    );
    let output = node.command(&["--bootstrap"]).env_clear().envs(TOLD).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    golden("pod/server.properties", &node.settle(&node.read("run/server.properties")));
    golden("pod/identity.json", &node.settle(&node.read("run/identity.json")));
}

#[test]
fn the_name_of_the_pod_has_the_ordinal_where_no_label_tells_it() {
    let node = pod();
    let older = with(&[("PILLION_BROKER_ORDINAL", ""), ("PILLION_KUBERNETES_POD", "kafka-4")]);
    let output = node.command(&["--bootstrap"]).env_clear().envs(older).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(node.read("run/server.properties").contains("\nnode.id=1005\n"));
    let node = pod();
    let nameless = with(&[("PILLION_BROKER_ORDINAL", ""), ("PILLION_KUBERNETES_POD", "kafka-x7f")]);
    refused(&node, &nameless, &["--bootstrap"], "pod-no-ordinal");
}

#[test]
fn what_cannot_be_advertised_is_told() {
    let node = pod();
    node.edit("kafka:\n", "    EXTERNAL: \"{node}:{65535+ordinal}\"\n    OTHER: \"{zone}:1\"\nkafka:\n");
    node.edit(
        "    listeners: PLAINTEXT",
        "    advertised.listeners: PLAINTEXT://x:9092\n    listeners: PLAINTEXT",
    );
    refused(
        &node,
        &with(&[("PILLION_BROKER_ZONE_WHEN_MISSING", "none"), ("PILLION_KUBERNETES_ZONE", "")]),
        &["--bootstrap"],
        "advertised",
    );
    let node = pod();
    node.edit(
        "    listeners: PLAINTEXT",
        "    advertised.listeners: PLAINTEXT://x:9092\n    listeners: PLAINTEXT",
    );
    refused(&node, &TOLD, &["--bootstrap"], "advertised-contradicted");
}

#[test]
fn a_zone_that_is_nowhere_is_told_with_what_a_pod_can_do() {
    refused(&pod(), &with(&[("PILLION_KUBERNETES_ZONE", "")]), &["--bootstrap"], "pod-no-zone");
}

/// Runs init with answers made up; returns how often Kubernetes was asked.
fn run(
    node: &Node,
    extra: &[(&'static str, &'static str)],
    zone: Result<Option<&'static str>, ()>,
    answer: ReplacementAnswer,
) -> (Result<Report, InitError>, u32) {
    let env: BTreeMap<_, _> = with(extra).into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let env = env.into_iter().collect();
    let sources = Sources { file: Some(node.at("pillion.yaml")), env, flags: Vec::new() };
    let asked = Rc::new(Cell::new(0));
    let counted = Rc::clone(&asked);
    let options = Options {
        ask: Box::new(move |_, _| answer.clone()),
        zone_of_node: Box::new(move |config| {
            assert_eq!(config.kubernetes.node.as_deref(), Some("n1"));
            counted.set(counted.get() + 1);
            let problem = pillion::problem::Problem::new("api", "it is down", "bring it up");
            zone.map(|zone| zone.map(str::to_owned))
                .map_err(|()| InitError::one(pillion::init::Exit::Unavailable, problem))
        }),
        ..Options::of_process(sources)
    };
    (pillion::init::run(&options), asked.get())
}

const OF_NODE: (&str, &str) = ("PILLION_KUBERNETES_ZONE_FROM_NODE", "true");
const NO_LABEL: (&str, &str) = ("PILLION_KUBERNETES_ZONE", "");
const FIRST: (&str, &str) = ("PILLION_STORAGE_BOOTSTRAP", "true");

#[test]
fn the_node_is_asked_last_and_only_for_a_zone_that_nothing_else_tells() {
    let node = pod();
    let zone = |node: &Node, extra: &[_], answer| {
        let (outcome, asked) = run(node, extra, answer, ReplacementAnswer::Safe);
        (outcome.map(|report| report.identity.zone).map_err(|error| error.to_string()), asked)
    };
    let untouched = node.files();
    // Something else is wrong: that first.
    let (error, asked) = zone(&node, &[OF_NODE, NO_LABEL], Ok(Some("zone-n")));
    assert!(error.unwrap_err().contains("nothing says that they may be") && asked == 0);
    let (error, asked) = zone(&node, &[OF_NODE, NO_LABEL, FIRST], Err(()));
    assert!(error.unwrap_err().contains("it is down") && asked == 1);
    let (error, _) = zone(&node, &[OF_NODE, NO_LABEL, FIRST], Ok(None));
    golden("fails/node-without-zone.txt", &format!("{}\n", error.unwrap_err()));
    // A setting that contradicts the node's zone is told once that is known.
    node.edit("    listeners: PLAINTEXT", "    broker.rack: other\n    listeners: PLAINTEXT");
    let (error, asked) = zone(&node, &[OF_NODE, NO_LABEL, FIRST], Ok(Some("zone-n")));
    assert!(error.unwrap_err().contains("pillion computes \"zone-n\"") && asked == 1);
    node.edit("    broker.rack: other\n", "");
    assert_eq!(node.files(), untouched);

    assert_eq!(zone(&node, &[OF_NODE, NO_LABEL, FIRST], Ok(Some("zone-n"))), (Ok(Some("zone-n".into())), 1));
    assert!(node.read("run/server.properties").contains("\nbroker.rack=zone-n\n"));
    assert_eq!(zone(&node, &[OF_NODE], Ok(Some("zone-n"))), (Ok(Some("zone-b".into())), 0));
    let no_rack = ("PILLION_BROKER_ZONE_WHEN_MISSING", "none");
    assert_eq!(zone(&node, &[OF_NODE, NO_LABEL, no_rack], Ok(None)), (Ok(None), 1));
    // Only a node without a zone is one without: an API that does not answer tells nothing.
    assert!(zone(&node, &[OF_NODE, NO_LABEL, no_rack], Err(())).0.is_err());
}

#[test]
fn the_zone_of_the_node_may_be_advertised() {
    let node = pod();
    node.edit("{pod}.kafka.{namespace}.svc:9092", "{pod}.{zone}:9092");
    let (outcome, _) = run(&node, &[OF_NODE, NO_LABEL, FIRST], Ok(Some("zone-n")), ReplacementAnswer::Safe);
    assert_eq!(outcome.unwrap().identity.advertised.as_deref(), Some("PLAINTEXT://kafka-1.zone-n:9092"));
}

#[test]
fn a_first_start_asks_the_cluster_if_there_is_one_to_ask() {
    let refused = |answer| {
        let node = pod();
        let before = node.files();
        let others = ("PILLION_CLUSTER_BOOTSTRAP", "kafka:9092");
        let error = run(&node, &[FIRST, others], Ok(None), answer).0.unwrap_err();
        assert_eq!((error.exit.code(), node.files()), (64, before));
        format!("{error}\n")
    };
    let only = refused(ReplacementAnswer::OnlyCopy { partitions: vec!["orders-3".into()] });
    golden("fails/bootstrap-only-copy.txt", &only);
    let alive =
        refused(ReplacementAnswer::Alive { why: "the cluster counts broker 1002 among the living".into() });
    golden("fails/bootstrap-alive.txt", &alive);

    let silent = ReplacementAnswer::CannotAsk { why: "kafka:9092: refused".into(), remedy: String::new() };
    let node = pod();
    let others = ("PILLION_CLUSTER_BOOTSTRAP", "kafka:9092");
    let report = run(&node, &[FIRST, others], Ok(None), silent).0.unwrap();
    assert_eq!(report.formatted.len(), 3);
    assert!(report.notices[0].contains("as at its first start: kafka:9092: refused"), "{:?}", report.notices);
    // Nobody to ask is named: as ever.
    let node = pod();
    let only = ReplacementAnswer::OnlyCopy { partitions: Vec::new() };
    assert_eq!(run(&node, &[FIRST], Ok(None), only).0.unwrap().formatted.len(), 3);
}
