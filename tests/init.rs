//! `pillion init` as a person runs it: what it leaves, what it says, its exit codes.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

mod init_support;

use std::{fs, os::unix::fs::PermissionsExt};

use init_support::{CLUSTER, Node, code, golden, refused, stderr};

const ID: &str = "J8aAPcfLQt2bqs1JT_rMgQ";

fn meta(node: i32, cluster: &str, directory: &str) -> String {
    format!(
        "#\n#Mon Jan 01 00:00:00 UTC 2024\ncluster.id={cluster}\ndirectory.id={directory}\nnode.id={node}\nversion=1\n"
    )
}

#[test]
fn a_first_start_leaves_everything_and_a_second_changes_nothing() {
    let node = Node::broker();
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    golden("broker/stdout.txt", &node.settle(&String::from_utf8_lossy(&output.stdout)));
    golden("broker/server.properties", &node.settle(&node.read("run/server.properties")));
    golden("broker/identity.json", &node.settle(&node.read("run/identity.json")));
    golden("broker/meta.properties", &node.settle(&node.read("data/0/meta.properties")));
    let mode = |path: &str| fs::metadata(node.at(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("run"), 0o750);
    assert_eq!(mode("run/server.properties"), 0o640);
    assert_eq!(mode("run/identity.json"), 0o640);
    assert_eq!(mode("run/pillion"), 0o755);
    let ids: std::collections::HashSet<_> =
        ["data/0", "data/1", "meta"].map(|d| node.read(&format!("{d}/meta.properties"))).into();
    assert_eq!(ids.len(), 3, "directory ids are unique");

    let times = || {
        let names = node.files().into_iter().map(|(name, _)| name).filter(|n| !n.ends_with('/'));
        names.map(|n| (fs::metadata(node.at(&n)).unwrap().modified().unwrap(), n)).collect::<Vec<_>>()
    };
    let before = (node.files(), times());
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("unchanged"));
    assert_eq!((node.files(), times()), before);
}

#[test]
fn the_other_modes_render_their_own_settings() {
    let controller = Node::controller();
    for dir in ["data/0", "data/1"] {
        controller.write(&format!("{dir}/meta.properties"), meta(1, CLUSTER, &ID.replace('J', &dir[5..])));
    }
    let output = controller.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    golden("controller/server.properties", &controller.settle(&controller.read("run/server.properties")));
    golden("controller/identity.json", &controller.settle(&controller.read("run/identity.json")));

    let both = Node::broker();
    both.edit("kraft-broker", "kraft-combined");
    both.edit("PLAINTEXT://0.0.0.0:9092", "PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093");
    both.edit("1@c1:9093", "1002@c1:9093");
    for (dir, id) in [("data/0", "0"), ("data/1", "1"), ("meta", "2")] {
        both.write(&format!("{dir}/meta.properties"), meta(1002, CLUSTER, &ID.replace('J', id)));
    }
    let output = both.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    golden("combined/server.properties", &both.settle(&both.read("run/server.properties")));
}

#[test]
fn the_ordinal_comes_from_flag_environment_or_host_name() {
    let node = Node::broker();
    let output = node.command(&["--bootstrap"]).env("PILLION_BROKER_ORDINAL", "2").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("kraft-broker 1003 "), "{}", stderr(&output));
    // The volumes are 1003's now.
    refused(&node, &["--ordinal", "3"], "other-node");
    refused(&node, &["--ordinal", "6"], "out-of-range");
    let options = |host: &str| {
        let mut sources =
            pillion::config::Sources { file: Some(node.at("pillion.yaml")), ..Default::default() };
        sources.flag("--run-dir", "runDir", node.at("run").display().to_string());
        pillion::init::Options { host_name: Some(host.into()), ..pillion::init::Options::of_process(sources) }
    };
    node.edit("  ordinal: 1\n", "");
    assert_eq!(pillion::init::run(&options("kafka-2")).unwrap().identity.id, 1003);
    let error = pillion::init::run(&options("kafka")).unwrap_err();
    assert_eq!(error.exit.code(), 64);
    golden("fails/no-ordinal.txt", &node.settle(&error.to_string()));
}

#[test]
fn a_volume_that_is_not_ours_stops_it() {
    let node = Node::broker();
    refused(&node, &[], "empty-volume");
    node.write("data/0/orders-0/0.log", "data");
    refused(&node, &["--bootstrap"], "partitions-without-meta");
    node.write("data/0/meta.properties", meta(1003, "AAAAAAAAAAAAAAAAAAAAAA", ID));
    refused(&node, &["--bootstrap"], "other-node-other-cluster");
    node.write("data/0/meta.properties", meta(1002, CLUSTER, ID));
    node.write("data/1/meta.properties", meta(1002, CLUSTER, ID));
    refused(&node, &[], "duplicate-directory-id");
    node.write("data/1/meta.properties", "version=0\nbroker.id=7\n");
    refused(&node, &[], "other-broker-v0");
    node.write("data/1/meta.properties", "");
    refused(&node, &[], "empty-meta");
    node.write("data/1/meta.properties", [0xff, 0, b'=', 0]);
    refused(&node, &[], "binary-meta");
    node.write("data/1/meta.properties", "version=1\ncluster.id=5L6g");
    refused(&node, &[], "truncated-meta");
    fs::File::create(node.at("data/1/meta.properties")).unwrap().set_len(100 << 20).unwrap();
    let before = fs::metadata(node.at("data/1/meta.properties")).unwrap().modified().unwrap();
    let output = node.init(&[]);
    assert_eq!(code(&output), 64);
    assert_eq!(fs::metadata(node.at("data/1/meta.properties")).unwrap().modified().unwrap(), before);
    golden("fails/huge-meta.txt", &node.settle(&stderr(&output)));
    fs::remove_file(node.at("data/1/meta.properties")).unwrap();
    fs::create_dir(node.at("data/1/meta.properties")).unwrap();
    refused(&node, &[], "meta-is-a-directory");
}

#[test]
fn an_unmounted_path_stops_it_when_it_must_be_a_mount() {
    let node = Node::broker();
    node.edit("storage:\n", "storage:\n  mustBeMount: true\n");
    refused(&node, &["--bootstrap"], "unmounted");
}

#[test]
fn settings_that_contradict_or_are_missing_are_told_together() {
    let node = Node::broker();
    node.edit("num.io.threads: 4", "node.id: 7\n    broker.id: 8\n    broker.rack: elsewhere\n    log.dir: /x\n    process.roles: broker\n    broker.session.timeout.ms: 18000");
    node.edit("    advertised.listeners: PLAINTEXT://kafka-1:9092\n", "");
    node.edit("1@c1:9093", "1002@c1:9093");
    refused(&node, &["--bootstrap"], "contradictions");
    let node = Node::broker();
    node.edit("{ value: zone-b }", "{}");
    node.edit("idBase: 1001", "idbase: 1001");
    node.edit(
        "runDir: ROOT".replace("ROOT", node.at("").to_str().unwrap().trim_end_matches('/')).as_str(),
        "runDir: relative",
    );
    refused(&node, &["--bootstrap", "--set", "sidecar.timing.sessionTimeout=5s"], "config");
}

#[test]
fn a_replacement_needs_the_clusters_word() {
    use pillion::init::{Options, ReplacementAnswer};
    let node = Node::broker();
    let before = node.files();
    let output = node.init(&["--replace"]);
    assert_eq!((code(&output), node.files()), (69, before.clone()));
    // In a pod, whose arguments are those of all pods of its set, the environment says it.
    for (value, expected) in [("true", 69), ("false", 64), ("", 64)] {
        let output = node.command(&[]).env("PILLION_REPLACE", value).output().unwrap();
        assert_eq!(code(&output), expected, "{value:?}: {}", stderr(&output));
    }
    golden("fails/replace-cannot-ask.txt", &node.settle(&stderr(&output)));
    let run = |answer: ReplacementAnswer| {
        let sources = pillion::config::Sources { file: Some(node.at("pillion.yaml")), ..Default::default() };
        let ask = Box::new(move |_: &_, _: &_| answer.clone());
        pillion::init::run(&Options { replace: true, ask, ..Options::of_process(sources) })
    };
    let error = run(ReplacementAnswer::OnlyCopy { partitions: vec!["orders-3".into()] }).unwrap_err();
    assert_eq!((error.exit.code(), node.files()), (64, before));
    golden("fails/replace-only-copy.txt", &node.settle(&error.to_string()));
    assert_eq!(run(ReplacementAnswer::Safe).unwrap().formatted.len(), 3);
    refused(&node, &["--replace", "--set", "storage.bootstrap=true"], "replace-and-bootstrap");
    let controller = Node::controller();
    refused(&controller, &["--replace"], "replace-static-voter");
}

#[test]
fn a_directory_is_added_beside_those_of_this_node() {
    let node = Node::broker();
    node.write("data/0/meta.properties", meta(1002, CLUSTER, ID));
    node.write("meta/meta.properties", meta(1002, CLUSTER, &ID.replace('J', "K")));
    node.write("data/0/.kafka_cleanshutdown", "");
    node.write("data/0/orders-0/0.log", "");
    let output = node.init(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(node.read("data/1/meta.properties").contains("node.id=1002"));
    let identity = pillion::init::Identity::read(&node.at("run")).unwrap();
    assert!(identity.log_dirs[0].clean_shutdown && identity.log_dirs[0].partitions == 1);
    assert!(!identity.log_dirs[1].clean_shutdown && identity.log_dirs[1].directory_id.is_some());
}

#[test]
fn a_controller_is_formatted_by_kafkas_own_tool_or_the_command_is_printed() {
    let node = Node::controller();
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 64);
    assert!(!node.at("data").exists(), "the volumes are untouched");
    golden("fails/no-kafka-storage.txt", &node.settle(&stderr(&output)));
    tool(&node, "exit 3");
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    golden("fails/kafka-storage-failed.txt", &node.settle(&stderr(&output)));
    tool(&node, "");
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!node.files().iter().any(|(name, _)| name.contains(".pillion-format")), "the marks are gone");
    assert!(node.at("data/1/bootstrap.checkpoint").exists());

    let dynamic = Node::controller();
    dynamic.edit(
        "controller.quorum.voters: 1@c1:9093,2@c2:9093",
        "controller.quorum.bootstrap.servers: c1:9093",
    );
    refused(&dynamic, &["--bootstrap"], "initial-controllers");
    let output = dynamic.init(&["--bootstrap", "--set", "storage.initialControllers=standalone"]);
    assert!(stderr(&output).contains("--standalone"), "{}", stderr(&output));
}

/// Stands in for `kafka-storage.sh`: leaves what it leaves, in the order it does; `then` comes before the
/// directories are declared formatted.
fn tool(node: &Node, then: &str) {
    let dirs = ["data/0", "data/1"].map(|d| node.at(d).display().to_string());
    let script = format!(
        "#!/bin/sh\necho \"$@\"\nfor d in {0} {1}; do echo x > $d/bootstrap.checkpoint; done\n{then}\n\
         printf 'version=1\\ncluster.id={CLUSTER}\\nnode.id=1\\ndirectory.id={ID}\\n' > {0}/meta.properties\n\
         [ -z \"$PILLION_TEST_HALF\" ] || kill -9 $$\n\
         printf 'version=1\\ncluster.id={CLUSTER}\\nnode.id=1\\n' > {1}/meta.properties\n",
        dirs[0], dirs[1]
    );
    node.write("kafka/bin/kafka-storage.sh", script);
    fs::set_permissions(node.at("kafka/bin/kafka-storage.sh"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_formatter_that_is_killed_half_way_begins_again() {
    let node = Node::controller();
    tool(&node, "");
    let output = node.command(&["--bootstrap"]).env("PILLION_TEST_HALF", "1").output().unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(!node.at("run/identity.json").exists());
    // Half a format is not taken for ours without a word.
    let output = node.init(&[]);
    assert_eq!(code(&output), 64, "{}", stderr(&output));
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(node.read("data/1/meta.properties").contains("node.id=1"));
}

#[test]
fn two_at_once_do_not_race() {
    let node = Node::controller();
    tool(&node, "touch $(dirname $0)/begun; sleep 1");
    let mut first = node.command(&["--bootstrap"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    while !node.at("kafka/bin/begun").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 75);
    golden("fails/locked.txt", &node.settle(&stderr(&output)));
    // The formatter outlives a killed init, and the lock with it.
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(code(&node.init(&["--bootstrap"])), 75);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn the_examples_fit_the_schema_and_the_checks() {
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let told = ["POD", "NAMESPACE", "POD_UID", "NODE"];
        let env = told.map(|name| (format!("PILLION_KUBERNETES_{name}"), "x-0".to_owned())).into();
        let sources = pillion::config::Sources { file: Some(path.clone()), env, ..Default::default() };
        if let Err(problems) = pillion::config::load(&sources) {
            assert!(problems.is_empty(), "{}: {problems:?}", path.display());
        }
    }
}

/// What Kafka was started with stays until there is something better.
#[test]
fn layers_are_rendered_and_a_mistake_in_one_keeps_the_last_good_file() {
    let node = Node::broker();
    node.edit(
        "  properties:\n",
        "  layers: [{ name: team, file: base.properties }]\n  env: [PILLION_TEST_REGION]\n  properties:\n",
    );
    node.write(
        "base.properties",
        "num.io.threads=1\nbackground.threads={{ ordinal + 10 }}\nssl.key.password=geheim\nnum.network.thread=3\n",
    );
    let output = node.init(&["--bootstrap"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("geheim"));
    golden("broker/layers.properties", &node.settle(&node.read("run/server.properties")));
    // Kafka is given the secret, which nobody else is shown.
    assert!(node.read("run/server.properties").contains("ssl.key.password=geheim\n"));
    let identity = pillion::init::Identity::read(&node.at("run")).unwrap();
    let found: Vec<_> = identity.findings.iter().map(|one| (one.rule.as_str(), one.key.as_str())).collect();
    assert_eq!(found, [("unknown-key", "num.network.thread"), ("secret-inline", "ssl.key.password")]);
    assert!(!node.read("run/identity.json").contains("geheim"));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("did you mean num.network.threads?"), "{told}");
    node.write("base.properties", "background.threads=0\nlog.segment.bytes=a lot\n");
    refused(&node, &[], "lint");
    node.write(
        "base.properties",
        "num.io.threads={{ zoen }}\nbackground.threads={{ env.PILLION_TEST_REGION }}\nnode.id=7\n",
    );
    refused(&node, &[], "layers");
    fs::remove_file(node.at("base.properties")).unwrap();
    refused(&node, &[], "layer-missing");
}

/// In the pod nobody has to be asked again.
#[test]
fn the_zone_that_init_asked_for_is_rendered() {
    let node = Node::broker();
    node.edit("{ value: zone-b }", "{}");
    node.edit("storage:\n", "kubernetes: { zoneFromNode: true, node: worker-1 }\nstorage:\n");
    let render = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pillion"));
        command.arg("render").arg("-c").arg(node.at("pillion.yaml")).output().unwrap()
    };
    let output = render();
    assert_eq!(code(&output), 64);
    assert!(stderr(&output).contains("say one: --zone ZONE"), "{}", stderr(&output));
    assert_eq!(code(&node.init(&["--bootstrap", "--zone", "zone-c"])), 0);
    let text = String::from_utf8(render().stdout).unwrap();
    assert!(text.contains("\nbroker.rack=zone-c\n"), "{text}");
}

/// A volume that held partitions and is empty now was lost, or is not mounted: nobody asked to format it.
#[test]
fn a_volume_that_is_suddenly_empty_is_not_formatted() {
    let node = Node::broker();
    assert_eq!(code(&node.init(&["--bootstrap"])), 0);
    fs::create_dir(node.at("data/1/orders-0")).unwrap();
    assert_eq!(code(&node.init(&[])), 0, "it is remembered");
    fs::remove_dir_all(node.at("data/1")).unwrap();
    fs::create_dir(node.at("data/1")).unwrap();
    for flags in [&[][..], &["--bootstrap"]] {
        let output = node.init(flags);
        assert_eq!(code(&output), 64);
        assert!(stderr(&output).contains("held 1 partition(s)"), "{}", stderr(&output));
    }
    let output = node.init(&["--replace"]);
    assert_eq!(code(&output), 69, "as a replacement the cluster must be asked: {}", stderr(&output));
    assert!(fs::read_dir(node.at("data/1")).unwrap().next().is_none(), "nothing was written");
}
