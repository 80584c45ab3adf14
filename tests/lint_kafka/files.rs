//! Whole files of settings: those that people have, and what becomes of them by mistakes.

use fastrand::Rng;
use pillion::properties::catalogue::{Kind, Release, Setting, catalogue};

/// A file in the order in which it is written.
pub type File = Vec<(String, String)>;

/// What may stand at the beginning.
pub fn bases(release: Release) -> Vec<File> {
    let mut all = vec![
        "process.roles=broker node.id=1001 controller.listener.names=CONTROLLER \
         controller.quorum.voters=1@c-1:9093,2@c-2:9093,3@c-3:9093 listeners=PLAINTEXT://:9092 \
         advertised.listeners=PLAINTEXT://b-1:9092 log.dirs=/data",
        "process.roles=controller node.id=1 controller.listener.names=CONTROLLER \
         controller.quorum.voters=1@c-1:9093,2@c-2:9093,3@c-3:9093 listeners=CONTROLLER://:9093 log.dirs=/data",
        "process.roles=broker,controller node.id=1 controller.listener.names=CONTROLLER \
         controller.quorum.voters=1@c-1:9093 listeners=PLAINTEXT://:9092,CONTROLLER://:9093 \
         advertised.listeners=PLAINTEXT://b-1:9092 log.dirs=/data/1,/data/2",
        "process.roles=broker node.id=1001 controller.listener.names=CONTROLLER \
         controller.quorum.voters=1@c-1:9093 \
         listeners=INSIDE://:9092,OUTSIDE://0.0.0.0:9094,METRICS://:9404 \
         advertised.listeners=INSIDE://b-1.kafka:9092,OUTSIDE://kafka.example:31000,METRICS://b-1.kafka:9404 \
         listener.security.protocol.map=CONTROLLER:SSL,INSIDE:SASL_SSL,OUTSIDE:SASL_SSL,METRICS:PLAINTEXT \
         inter.broker.listener.name=INSIDE sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512 \
         sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512 log.dirs=/data",
    ];
    if knows(release, "controller.quorum.bootstrap.servers") {
        all.push(
            "process.roles=broker node.id=1001 controller.listener.names=CONTROLLER \
             controller.quorum.bootstrap.servers=c-1:9093,c-2:9093 listeners=PLAINTEXT://:9092 \
             advertised.listeners=PLAINTEXT://b-1:9092 log.dirs=/data",
        );
    }
    if knows(release, "zookeeper.connect") {
        all.push(
            "zookeeper.connect=zk:2181 broker.id=1 listeners=PLAINTEXT://:9092 \
             advertised.listeners=PLAINTEXT://b-1:9092 log.dirs=/data",
        );
        all.push(
            "zookeeper.connect=zk:2181/kafka broker.id=1 listeners=INSIDE://:9092,OUTSIDE://:9094 \
             advertised.listeners=INSIDE://b-1:9092,OUTSIDE://out:9094 \
             listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:SSL inter.broker.listener.name=INSIDE \
             log.dirs=/data",
        );
    }
    // From there clusters move to KRaft; what the releases before it ask of such nodes is not told.
    if (release.major, release.minor) == (3, 9) {
        all.push(
            "zookeeper.metadata.migration.enable=true zookeeper.connect=zk:2181 broker.id=1 listeners=PLAINTEXT://:9092 \
             advertised.listeners=PLAINTEXT://b-1:9092 controller.listener.names=CONTROLLER \
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT \
             controller.quorum.voters=3001@c-1:9093 inter.broker.protocol.version=3.9 log.dirs=/data/1,/data/2",
        );
        all.push(
            "zookeeper.metadata.migration.enable=true zookeeper.connect=zk:2181 process.roles=controller node.id=3001 \
             controller.listener.names=CONTROLLER controller.quorum.voters=3001@c-1:9093 \
             listeners=CONTROLLER://:9093 log.dirs=/data",
        );
    }
    all.iter().map(|text| text.split_whitespace().filter_map(pair).collect()).collect()
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn knows(release: Release, key: &str) -> bool {
    catalogue().setting(release, key).is_some()
}

const NUMBERS: &[&str] = &[
    "-2",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "5",
    "10",
    "100",
    "500",
    "1000",
    "5000",
    "10000",
    "30000",
    "45000",
    "60000",
    "600000",
    "1048576",
    "2097152",
    "104857600",
    "134217728",
    "2147483647",
];
const TEXTS: &[&str] = &[
    "",
    "a",
    "true",
    "false",
    "TRUE",
    "yes",
    "none",
    "1",
    "0",
    "-1",
    "1.5",
    "a,b",
    "gzip",
    "zstd",
    "snappy",
    "producer",
    "delete",
    "compact,delete",
    "required",
    "PLAIN",
    "GSSAPI",
    "PLAINTEXT",
    "SASL_SSL",
    "1.0",
    "2.8",
    "3.4",
    "3.9-IV0",
    "1GB",
    "10ms",
    " 7 ",
    "/data",
    "${env:VALUE}",
];
const NAMES: &[&str] = &[
    "PLAINTEXT",
    "SSL",
    "SASL_SSL",
    "SASL_PLAINTEXT",
    "CONTROLLER",
    "INSIDE",
    "OUTSIDE",
    "METRICS",
    "inside",
    "controller",
    "",
    "NEW",
    " INSIDE",
];
const HOSTS: &[&str] = &[
    "",
    "0.0.0.0",
    "b-1",
    "b-1.kafka.svc",
    "[::]",
    "[::1]",
    "::1",
    "127.0.0.1",
    "b_1",
    "10.0.0.7",
    "b 1",
    "é",
];
const PORTS: &[&str] = &["9092", "9093", "9094", "0", "-1", "65535", "65536", "99999999999", "", "x"];
const PROTOCOLS: &[&str] = &["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT", "ssl", "TLS", "", " SSL"];

/// A file that is one of the bases after some changes.
pub fn file(rng: &mut Rng, release: Release, known: &[(&str, &Setting)]) -> File {
    let mut file = rng.choice(bases(release)).expect("bases");
    for _ in 0..rng.usize(1..4) {
        change(rng, &mut file, known);
    }
    file
}

fn change(rng: &mut Rng, file: &mut File, known: &[(&str, &Setting)]) {
    match rng.usize(0..11) {
        0 if !file.is_empty() => {
            file.remove(rng.usize(0..file.len()));
        }
        1 | 2 => {
            let (key, setting) = pick(rng, known);
            let numeric = matches!(setting.kind, Kind::Short | Kind::Int | Kind::Long | Kind::Double);
            let value = if numeric && rng.u8(0..8) > 0 { pick(rng, NUMBERS) } else { pick(rng, TEXTS) };
            set(file, key, value);
        }
        3 => related(rng, file),
        4 => {
            let all = [
                "",
                "broker",
                "controller",
                "broker,controller",
                "controller , broker",
                "broker,broker",
                "brokers",
            ];
            set(file, "process.roles", pick(rng, &all));
        }
        5 => {
            let key = pick(rng, &["node.id", "broker.id"]);
            set(file, key, pick(rng, &["-1", "0", "1", "2", "1001", "1500", "one"]));
        }
        6 => {
            let value = if rng.bool() { voters(rng) } else { servers(rng) };
            let key = if value.contains('@') {
                "controller.quorum.voters"
            } else {
                "controller.quorum.bootstrap.servers"
            };
            set(file, key, &value);
        }
        7 => {
            let key = pick(rng, &["listeners", "advertised.listeners"]);
            let value = list(rng, |rng| {
                let gap = pick(rng, &["://", "://", "://", "://", ":/"]);
                format!("{}{gap}{}:{}", name(rng), pick_mostly(rng, HOSTS, 5), pick_mostly(rng, PORTS, 3))
            });
            set(file, key, &value);
        }
        8 => names(rng, file),
        9 => {
            let all = ["2.8", "3.0", "3.3-IV3", "3.4", "3.6", "3.7-IV1", "3.7-IV2", "3.9"];
            set(file, "inter.broker.protocol.version", pick(rng, &all));
        }
        _ => provider(rng, file),
    }
}

/// A config provider, and in most of the files something that would ask it: nobody is asked where it lacks a class, and
/// where it has one, what it finds is not known here.
fn provider(rng: &mut Rng, file: &mut File) {
    // What asks a provider that is not there would ask the next one.
    if file.iter().any(|(key, value)| key.starts_with("config.providers") || value.starts_with("${file:")) {
        return;
    }
    let kafkas = "org.apache.kafka.common.config.provider.FileConfigProvider";
    let names = pick(rng, &["file", "file,other", "other", "other, file", "file ,other", ""]);
    set(file, "config.providers", names);
    let class = pick(
        rng,
        &[
            None,
            None,
            Some(kafkas),
            Some("org.apache.kafka.common.config.provider.FileConfigProvider "),
            Some(""),
        ],
    );
    if let Some(class) = class {
        set(file, "config.providers.file.class", class);
    }
    let is_there = ["file", "file,other"].contains(&names) && class == Some(kafkas);
    if !is_there && rng.u8(0..4) > 0 {
        let value = "${file:/etc/kafka/values.properties:value}";
        set(file, pick(rng, &["num.io.threads", "log.dirs", "broker.rack", "log.retention.hours"]), value);
    }
}

/// Numbers that Kafka compares with each other.
fn related(rng: &mut Rng, file: &mut File) {
    let keys = [
        "log.roll.ms",
        "log.roll.hours",
        "log.roll.jitter.ms",
        "log.retention.ms",
        "log.retention.minutes",
        "log.retention.hours",
        "log.cleaner.dedupe.buffer.size",
        "log.cleaner.threads",
        "replica.fetch.wait.max.ms",
        "replica.socket.timeout.ms",
        "replica.lag.time.max.ms",
        "offsets.commit.required.acks",
        "offsets.topic.replication.factor",
        "queued.max.request.bytes",
        "socket.request.max.bytes",
        "max.connections.per.ip",
        "connections.max.idle.ms",
        "connection.failed.authentication.delay.ms",
        "group.consumer.heartbeat.interval.ms",
        "group.consumer.min.heartbeat.interval.ms",
        "group.consumer.max.heartbeat.interval.ms",
        "group.consumer.session.timeout.ms",
        "group.consumer.min.session.timeout.ms",
        "group.consumer.max.session.timeout.ms",
        "group.share.heartbeat.interval.ms",
        "group.share.session.timeout.ms",
        "group.share.min.heartbeat.interval.ms",
        "group.share.max.session.timeout.ms",
        "group.share.record.lock.duration.ms",
        "group.share.max.record.lock.duration.ms",
        "group.share.partition.max.record.locks",
        "group.share.min.partition.max.record.locks",
        "group.share.max.partition.max.record.locks",
        "group.streams.heartbeat.interval.ms",
        "group.streams.session.timeout.ms",
        "group.streams.max.standby.replicas",
        "group.streams.num.standby.replicas",
        "reserved.broker.max.id",
        "log.local.retention.ms",
        "log.local.retention.bytes",
        "log.retention.bytes",
        "compression.gzip.level",
    ];
    set(file, pick(rng, &keys), pick(rng, NUMBERS));
}

fn names(rng: &mut Rng, file: &mut File) {
    match rng.usize(0..8) {
        0 => set(file, "controller.listener.names", &list(rng, name)),
        6 => set(file, "early.start.listeners", &list(rng, name)),
        1 => set(file, "inter.broker.listener.name", &name(rng)),
        2 => set(file, "security.inter.broker.protocol", pick(rng, PROTOCOLS)),
        3 => set(file, "control.plane.listener.name", &name(rng)),
        4 => set(
            file,
            "max.connections.per.ip.overrides",
            pick(rng, &["", "h:1", "h:x", "b 1:2", "10.0.0.1:5,h:7", "h"]),
        ),
        5 => set(
            file,
            "sasl.mechanism.inter.broker.protocol",
            pick(rng, &["PLAIN", "GSSAPI", "SCRAM-SHA-512", ""]),
        ),
        _ => {
            let value = list(rng, |rng| format!("{}:{}", name(rng), pick_mostly(rng, PROTOCOLS, 4)));
            set(file, "listener.security.protocol.map", &value);
        }
    }
}

fn voters(rng: &mut Rng) -> String {
    list(rng, |rng| {
        let id = pick_mostly(rng, &["1", "2", "1001", "x", "", "-1"], 3);
        format!("{id}@{}:{}", pick_mostly(rng, HOSTS, 5), pick_mostly(rng, PORTS, 3))
    })
}

fn servers(rng: &mut Rng) -> String {
    list(rng, |rng| format!("{}:{}", pick_mostly(rng, HOSTS, 5), pick_mostly(rng, PORTS, 3)))
}

fn name(rng: &mut Rng) -> String {
    pick_mostly(rng, NAMES, 10).to_owned()
}

fn list(rng: &mut Rng, mut one: impl FnMut(&mut Rng) -> String) -> String {
    let all: Vec<String> = (0..rng.usize(0..4)).map(|_| one(rng)).collect();
    all.join(pick(rng, &[",", ",", ", ", " ,"]))
}

/// Sets it again where it is there.
fn set(file: &mut File, key: &str, value: &str) {
    match file.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => value.clone_into(old),
        None => file.push((key.to_owned(), value.to_owned())),
    }
}

fn pick<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(0..all.len())]
}

/// One of the first, most of the time.
fn pick_mostly(rng: &mut Rng, all: &[&'static str], first: usize) -> &'static str {
    if rng.u8(0..6) > 0 { pick(rng, &all[..first]) } else { pick(rng, all) }
}
