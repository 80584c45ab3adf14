//! What layers and templates come to starts real brokers and controllers, and is what they say they were started with.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step should stop the test where it stands; figures belong to the outcome"
)]

use std::{fs, process::Output, time::Duration, time::Instant};

use anyhow::{Context, Result, ensure};
use bed::{Builder, Cluster, NEWEST, Node, V2_8, V3_9, cluster::Role, scene::run};

const SOON: Duration = Duration::from_secs(90);
const COMPUTED: [&str; 5] = ["node.id", "broker.id", "process.roles", "log.dirs", "broker.rack"];

#[test]
fn zookeeper_mode() {
    for version in [V2_8, V3_9] {
        run(starts(version, Cluster::builder(version).zookeeper().brokers(1))).unwrap();
    }
}

#[test]
fn kraft_of_each_role() {
    run(starts(V3_9, Cluster::builder(V3_9).combined(1))).unwrap();
    run(starts(NEWEST, Cluster::builder(NEWEST).combined(1))).unwrap();
    run(starts(NEWEST, Cluster::builder(NEWEST).controllers(1).brokers(1))).unwrap();
}

async fn starts(version: &str, builder: Builder) -> Result<()> {
    let began = Instant::now();
    let ids = builder.ids();
    let cluster = builder.unformatted(ids).start().await?;
    let nodes = || cluster.nodes().filter(|node| node.role() != Role::ZooKeeper);
    for node in nodes() {
        layered(&cluster, node)?;
        let output = pillion(node, &["init", "-c", "layers/pillion.yaml", "--bootstrap"])?;
        ensure!(output.status.success(), "{}", said(&output));
        node.start_with(node.dir().join("run/server.properties"))?;
    }
    cluster.wait_ready(SOON).await?;
    for node in nodes().filter(|node| node.role().is_broker()) {
        compared(node)?;
        cluster.set_on_broker(node.id(), "num.io.threads", Some("3")).await?;
        let told = "num.io.threads=3 was set while the broker runs; the file's does not count";
        bed::eventually("what was set while it runs is told", SOON, async || {
            let output =
                pillion(node, &["render", "-c", "layers/pillion.yaml", "--diff", "broker", "--check"])?;
            ensure!(output.status.success() && said(&output).contains(told), "{}", said(&output));
            Ok(())
        })
        .await?;
    }
    println!("    {version}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// The bed's settings as a team's file, the address as a template, and layers over it.
fn layered(cluster: &Cluster, node: &Node) -> Result<()> {
    let dir = node.dir().join("layers");
    fs::create_dir_all(dir.join("cluster.d"))?;
    let (ip, text) = (node.ip().to_string(), fs::read_to_string(node.properties())?);
    let kept =
        text.lines().filter(|line| !line.split_once('=').is_some_and(|(key, _)| COMPUTED.contains(&key)));
    let base: String = kept.map(|line| line.replace(&ip, "{{ env.NODE_IP }}") + "\n").collect();
    fs::write(dir.join("base.properties"), base + "num.io.threads=2\nqueued.max.requests=400\n")?;
    fs::write(dir.join("cluster.d/10.properties"), "num.io.threads = {{ resources.cpu * 2 }}\n")?;
    fs::write(dir.join("cluster.d/20.properties"), "some.plugin.note = {{ cluster }}-{{ id }}\n")?;
    fs::write(node.dir().join("password"), "geheim\n")?;
    let (mode, base) = match node.role() {
        Role::Broker if cluster.zookeeper().is_some() => ("zookeeper", 1000),
        Role::Broker | Role::ZooKeeper => ("kraft-broker", 1000),
        Role::Combined => ("kraft-combined", 1000),
        Role::Controller => ("kraft-controller", 0),
    };
    let home = cluster.kafka().libs().canonicalize()?.parent().context("libs lie in a home")?.to_owned();
    let config = format!(
        "cluster: {{ name: bed, id: {:?} }}\nbroker: {{ mode: {mode}, idBase: {base}, ordinal: {}, zone: {{ value: a }} }}\n\
         kafka:\n  version: {:?}\n  home: {:?}\n  env: [NODE_IP]\n  resources: {{ cpu: 1500m }}\n  layers:\n    \
         - {{ name: team, file: base.properties }}\n    - {{ name: cluster, directory: cluster.d }}\n  \
         properties:\n    some.plugin.password: \"{{{{ file({:?}) }}}}\"\n  overrides:\n    \
         \"1\": {{ log.retention.hours: 72 }}\nstorage: {{ logDirs: [{:?}] }}\nrunDir: {:?}\n",
        cluster.cluster_id(),
        node.id() - base,
        cluster.kafka().version(),
        home.display().to_string(),
        node.dir().join("password").display().to_string().replace('"', ""),
        node.data_dirs()[0].display().to_string(),
        node.dir().join("run").display().to_string(),
    );
    let config = config.replace("file(\"", "file('").replace("\") }}\"", "') }}\"");
    Ok(fs::write(dir.join("pillion.yaml"), config)?)
}

/// Nothing differs from what it was started with; then what a change comes to, by the broker's own word.
fn compared(node: &Node) -> Result<()> {
    let diff = ["render", "-c", "layers/pillion.yaml", "--diff"];
    for target in ["broker".to_owned(), node.bootstrap().to_string()] {
        let output = pillion(node, &[&diff[..], &[&target, "--check"]].concat())?;
        ensure!(output.status.success() && output.stdout.is_empty(), "{target}: {}", said(&output));
    }
    let change = [
        "--set",
        "kafka.properties.num.io.threads=5",
        "--set",
        "kafka.properties.queued.max.requests=300",
        "--set",
        "kafka.properties.log.cleaner.threads=2",
    ];
    let output = pillion(node, &[&diff[..], &["broker", "--check"], &change].concat())?;
    ensure!(output.status.code() == Some(1), "{}", said(&output));
    let told = String::from_utf8(output.stdout)?;
    let expected = "+ log.cleaner.threads=2\n    dynamic, for each broker or the whole cluster\n\
                    ~ num.io.threads=5\n    was 4; dynamic, for each broker or the whole cluster\n\
                    ~ queued.max.requests=300\n    was 400; needs a restart\n\
                    3 to change: 1 by a restart, 2 also while it runs\n";
    ensure!(told == expected, "{told}");
    let hidden = String::from_utf8(output.stderr)?;
    ensure!(hidden.contains("some.plugin.note, some.plugin.password"), "{hidden}");
    let output = pillion(node, &["render", "-c", "layers/pillion.yaml"])?;
    ensure!(!said(&output).contains("geheim"), "{}", said(&output));
    if node.role() == Role::Combined {
        return Ok(());
    }
    // Another broker's settings are not taken for this one's.
    let other = ["--ordinal", "7", "--set", "kafka.overrides.7.log.retention.hours=72"];
    let output = pillion(node, &[&diff[..], &["broker"], &other].concat())?;
    ensure!(output.status.code() == Some(69) && said(&output).contains("--ordinal"), "{}", said(&output));
    Ok(())
}

fn pillion(node: &Node, args: &[&str]) -> Result<Output> {
    let mut command = node.in_netns(env!("CARGO_BIN_EXE_pillion"));
    Ok(command.current_dir(node.dir()).env("NODE_IP", node.ip().to_string()).args(args).output()?)
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}
