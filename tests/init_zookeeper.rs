//! `pillion init` in `ZooKeeper` mode: the broker marks its own volumes, and they are held against its ids all the same.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

mod init_support;

use init_support::{CLUSTER, Node, code, golden, refused, stderr};

fn meta(broker: i32) -> String {
    format!("#\n#Mon Jan 01 00:00:00 UTC 2024\ncluster.id={CLUSTER}\nversion=0\nbroker.id={broker}\n")
}

#[test]
fn a_first_start_leaves_the_volumes_to_the_broker() {
    let node = Node::zookeeper();
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    golden("zookeeper/stdout.txt", &node.settle(&String::from_utf8_lossy(&output.stdout)));
    golden("zookeeper/server.properties", &node.settle(&node.read("run/server.properties")));
    golden("zookeeper/identity.json", &node.settle(&node.read("run/identity.json")));
    assert!(!node.at("data").exists(), "Kafka makes and marks them");

    // What it leaves there.
    for dir in ["data/0", "data/1"] {
        node.write(&format!("{dir}/meta.properties"), meta(1002));
    }
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("unchanged") && !said.contains("notice"), "{said}");
}

#[test]
fn volumes_of_others_and_lost_ones_stop_it() {
    let node = Node::zookeeper();
    refused(&node, &[], "zookeeper-empty-volume");
    refused(&node, &["--replace"], "zookeeper-replace");
    node.write("data/0/meta.properties", meta(1003));
    refused(&node, &["--bootstrap"], "zookeeper-other-broker");
    node.write("data/0/meta.properties", format!("cluster.id={CLUSTER}\nnode.id=1002\nversion=1\n"));
    refused(&node, &["--bootstrap"], "zookeeper-kraft-volume");
}

#[test]
fn an_empty_directory_joins_unless_it_held_partitions() {
    let node = Node::zookeeper();
    node.write("data/0/meta.properties", meta(1002));
    node.write("data/1/meta.properties", meta(1002));
    node.write("data/1/orders-0/0.log", "");
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    std::fs::remove_dir_all(node.at("data/1")).unwrap();
    refused(&node, &[], "zookeeper-lost-dir");
    refused(&node, &["--replace"], "zookeeper-replace-dir");
    std::fs::remove_file(node.at("run/identity.json")).unwrap();
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "a directory was added: {}", stderr(&output));
}

#[test]
fn a_migration_and_settings_of_kraft_are_refused_by_name() {
    let node = Node::zookeeper();
    node.edit(
        "zookeeper.connect: zk-0:2181,zk-1:2181/kafka",
        "zookeeper.metadata.migration.enable: true\n    controller.quorum.voters: 1@c1:9093\n    \
         process.roles: broker\n    controller.listener.names: CONTROLLER\n    broker.id.generation.enable: true\n    zookeeper.session.timeout.ms: 6000",
    );
    refused(&node, &["--bootstrap"], "zookeeper-migration");
    let node = Node::zookeeper();
    node.edit("\"3.9.2\"", "\"4.0.0\"");
    node.edit(
        "storage:\n",
        "sidecar:\n  addingReplicas: ignore\n  timing: { quorumInterval: 1s, heartbeatInterval: 2s, requestTimeout: 10s }\nstorage:\n  metadataLogDir: /m\n",
    );
    refused(&node, &["--bootstrap"], "zookeeper-config");
    let node = Node::zookeeper();
    node.edit("zk-0:2181,zk-1:2181/kafka", "zk-0:2181,zk-1:port/kafka");
    refused(&node, &["--bootstrap"], "zookeeper-connect");
    let node = Node::zookeeper();
    node.edit("\"3.9.2\"", "\"2.7.2\"");
    refused(&node, &["--bootstrap"], "zookeeper-old");
    // Controllers that migrate are KRaft ones.
    let node = Node::controller();
    node.edit("properties:\n", "properties:\n    zookeeper.metadata.migration.enable: true\n");
    refused(&node, &["--bootstrap"], "migrating-controller");
}
