//! How far consumer groups lag, held against Kafka's own `kafka-consumer-groups`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bed::{
    ClientConfig, Kafka, Load, V2_8, eventually,
    load::LoadOptions,
    rdkafka::{
        consumer::{BaseConsumer, CommitMode, Consumer},
        message::Message,
    },
    topics::Topic,
};

use super::scene::{SOON, Scene, pass, run};

/// Between two looks, by the configuration of the stages.
const LOOK: Duration = Duration::from_secs(1);
/// A round, and a busy machine.
const ROUND: Duration = Duration::from_secs(2);

/// A consumer that reads as much as it is told, and commits that.
struct Reader {
    consumer: BaseConsumer,
    read: u64,
}

impl Reader {
    fn open(scene: &Scene, group: &str, topic: &str, more: &[(&str, &str)]) -> Result<Self> {
        let mut config: ClientConfig = scene.fleet.cluster.client();
        config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
        for (key, value) in more {
            config.set(*key, *value);
        }
        let consumer: BaseConsumer = config.create()?;
        consumer.subscribe(&[topic])?;
        Ok(Self { consumer, read: 0 })
    }

    /// Reads `count` records more and commits them.
    fn read(&mut self, count: u64) -> Result<()> {
        let (goal, until) = (self.read + count, Instant::now() + SOON);
        while self.read < goal {
            ensure!(Instant::now() < until, "{} of {goal} records came", self.read);
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    ensure!(message.payload().is_some());
                    self.read += 1;
                }
                Some(Err(error)) => println!("    the consumer: {error}"),
                None => {}
            }
        }
        Ok(self.consumer.commit_consumer_state(CommitMode::Sync)?)
    }
}

/// The lag of a group by topic, as Kafka's tool has it. The tool of 2.8 is the last that comes with the broker's own jars.
fn by_tool(scene: &Scene, group: &str) -> Result<BTreeMap<String, u64>> {
    let mut tool = Kafka::fetch(V2_8)?.tool("kafka.admin.ConsumerGroupCommand");
    tool.args(["--bootstrap-server", &scene.fleet.cluster.bootstrap(), "--describe", "--group", group]);
    let output = tool.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lags = BTreeMap::new();
    for line in text.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        if let [of, topic, _, _, _, lag, ..] = columns.as_slice()
            && *of == group
        {
            // A partition in which nothing is committed has none, and none is told of it here either.
            let lag: u64 =
                if *lag == "-" { 0 } else { lag.parse().with_context(|| format!("a lag in {line:?}"))? };
            *lags.entry((*topic).to_owned()).or_default() += lag;
        }
    }
    ensure!(!lags.is_empty(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    Ok(lags)
}

/// A series of the agents beside all brokers: where it is told, and what.
pub fn told(scene: &Scene, name: &str, labels: &[&str]) -> Vec<(i32, f64)> {
    let mut all = Vec::new();
    for id in scene.fleet.ids() {
        let Ok((200, text)) = run(scene.fleet.ask(id, "/metrics")) else { continue };
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Some(rest) = series.strip_prefix(name) else { continue };
            if (rest.is_empty() || rest.starts_with('{')) && labels.iter().all(|label| rest.contains(label)) {
                all.extend(value.parse::<f64>().map(|value| (id, value)));
            }
        }
    }
    all
}

fn group(name: &str) -> String {
    format!("group=\"{name}\"")
}

/// Of one group in one topic: the agent that tells, and the lag in messages; an error when it is told twice or not at all.
fn messages(scene: &Scene, name: &str, topic: &str) -> Result<(i32, u64)> {
    let topic = format!("topic=\"{topic}\"");
    match told(scene, "pillion_group_lag_messages", &[&group(name), &topic]).as_slice() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        [(id, value)] => Ok((*id, *value as u64)),
        other => bail!("{name} is told by {other:?}"),
    }
}

fn seconds(scene: &Scene, name: &str) -> Option<f64> {
    told(scene, "pillion_group_lag_seconds", &[&group(name)]).first().map(|(_, value)| *value)
}

/// Waits until the group is told, once, with this lag.
fn wait_messages(scene: &Scene, name: &str, topic: &str, lag: u64) -> Result<i32> {
    run(eventually(&format!("{name} lags {lag}"), SOON, async || {
        let (id, now) = tokio::task::block_in_place(|| messages(scene, name, topic))?;
        ensure!(now == lag, "{now}");
        Ok(id)
    }))
}

/// A producer and a consumer at work: what is told lies between what the tool would have said before and after; when they
/// rest it is the same.
pub fn equals_the_tool(scene: &Scene) -> Result<()> {
    let (topic, name) = ("lagging", "readers");
    run(scene.fleet.cluster.create_topic(Topic::in_turn(topic)))?;
    let load = Load::start(
        &scene.fleet.cluster,
        topic,
        LoadOptions { rate: 300, size: 64, ..LoadOptions::default() },
    )?;
    run(load.wait_acked(600, SOON))?;
    let mut reader = Reader::open(scene, name, topic, &[])?;
    // From here on it has committed in every partition.
    let load = caught_up(scene, load, &mut reader, topic)?;
    run(load.wait_acked(600, SOON))?;
    run(eventually("it is told of", SOON, async || {
        tokio::task::block_in_place(|| messages(scene, name, topic)).map(drop)
    }))?;
    for _ in 0..3 {
        reader.read(150)?;
        // From before the round that we see to after the tool's own questions.
        let (written, read) = (load.acked(), reader.read);
        pass(LOOK + ROUND);
        let (_, ours) = messages(scene, name, topic)?;
        reader.read(100)?;
        let theirs = *by_tool(scene, name)?.get(topic).context("the topic")?;
        // Acknowledged before or on its way: what one batch holds.
        let written = u64::try_from(load.acked() - written)? + 50;
        let read = reader.read - read;
        println!(
            "    at work: ours {ours}, the tool's {theirs}; {written} written and {read} read meanwhile"
        );
        ensure!(
            theirs <= ours + written && ours <= theirs + read + written,
            "{ours} {theirs} {written} {read}"
        );
    }
    // It rests now, while the producer goes on: its lag in time is as long as it has rested, once all is read.
    let load = caught_up(scene, load, &mut reader, topic)?;
    let rests = Instant::now();
    pass(Duration::from_secs(8));
    let late = seconds(scene, name).context("a lag in seconds")?;
    let rested = rests.elapsed().as_secs_f64();
    println!("    it rests for {rested:.1} s: {late:.1} s by what is told");
    let blur = (LOOK + ROUND).as_secs_f64();
    ensure!(late <= rested + blur && late >= rested - 2.0 * blur, "{late} {rested}");
    run(load.stop())?;
    let rest = *by_tool(scene, name)?.get(topic).context("the topic")?;
    ensure!(rest > 1000, "{rest}");
    wait_messages(scene, name, topic, rest)?;
    let members = told(scene, "pillion_group_members", &[&group(name)]);
    ensure!(members.len() == 1 && (members[0].1 - 1.0).abs() < 0.1, "{members:?}");
    reader.read(rest / 2)?;
    let rest = *by_tool(scene, name)?.get(topic).context("the topic")?;
    let id = wait_messages(scene, name, topic, rest)?;
    reader.read(rest)?;
    ensure!(by_tool(scene, name)?.get(topic) == Some(&0));
    wait_messages(scene, name, topic, 0)?;
    ensure!(seconds(scene, name) == Some(0.0), "{:?}", seconds(scene, name));
    let status = run(scene.fleet.status(id))?;
    let worst = status.pointer("/lag/worst/0/group").and_then(serde_json::Value::as_str);
    ensure!(worst == Some(name), "{:#}", status["lag"]);
    Ok(())
}

/// Stops the producer when the consumer has read all, and starts another one.
fn caught_up(scene: &Scene, load: Load, reader: &mut Reader, topic: &str) -> Result<Load> {
    let report = run(load.stop())?;
    let left = u64::try_from(report.acked.len())?.saturating_sub(reader.read);
    reader.read(left)?;
    Load::start(&scene.fleet.cluster, topic, LoadOptions { rate: 300, size: 64, ..LoadOptions::default() })
}

/// A topic of one partition with so many records: who has read some of them lags by the rest.
fn filled(scene: &Scene, topic: &str, records: usize) -> Result<()> {
    run(scene.fleet.cluster.create_topic(Topic::assigned(topic, &[&[1001, 1002, 1003]])))?;
    run(scene.fleet.cluster.fill(topic, records * (64 << 10)))
}

/// A group of the new protocol (KIP-848) is told of, and its members.
pub fn of_the_new_protocol(scene: &Scene) -> Result<()> {
    let (topic, name) = ("lagging-anew", "new-readers");
    filled(scene, topic, 40)?;
    let mut reader = Reader::open(scene, name, topic, &[("group.protocol", "consumer")])?;
    reader.read(10)?;
    wait_messages(scene, name, topic, 30)?;
    // A member of this protocol says each few seconds that it is there, from a thread of the client's own.
    run(eventually("its member is told of", SOON, async || {
        let members = tokio::task::block_in_place(|| told(scene, "pillion_group_members", &[&group(name)]));
        ensure!(members.len() == 1 && (members[0].1 - 1.0).abs() < 0.1, "{members:?}");
        Ok(())
    }))
}

/// The coordinator of groups is stopped: others tell of them, none is lost, and none is told twice for longer than a look.
pub fn coordinator_moves(scene: &Scene) -> Result<()> {
    let topic = "lagging-on";
    filled(scene, topic, 40)?;
    let names: Vec<String> = (0..8).map(|number| format!("mover-{number}")).collect();
    for (name, read) in names.iter().zip(1..) {
        Reader::open(scene, name, topic, &[])?.read(read)?;
    }
    let lag = |place: usize| 39 - u64::try_from(place).unwrap_or_default();
    let tells = |name: &str, place: usize| wait_messages(scene, name, topic, lag(place));
    let before: Vec<i32> =
        names.iter().enumerate().map(|(at, name)| tells(name, at)).collect::<Result<_>>()?;
    println!("    told by {before:?}");
    for id in scene.fleet.ids() {
        // A broker lists the groups that it coordinates, and no others.
        let coordinated = before.iter().filter(|teller| **teller == id).count();
        let status = run(scene.fleet.status(id))?;
        let movers = names.iter().filter(|name| status["lag"].to_string().contains(&format!("\"{name}\"")));
        ensure!(movers.count() == coordinated, "{id}: {:#}", status["lag"]);
    }
    let gone = before[0];
    let moved = names.iter().zip(&before).filter(|(_, id)| **id == gone).count();
    let since = Instant::now();
    let (mut doubled, mut worst) = (BTreeMap::<String, Instant>::new(), Duration::ZERO);
    scene.node(gone).term()?;
    while since.elapsed() < Duration::from_secs(20) {
        let all = told(scene, "pillion_group_lag_messages", &["group=\"mover-", "topic=\"lagging-on\""]);
        for (place, name) in names.iter().enumerate() {
            let of = told(scene, "pillion_group_lag_messages", &[&group(name)]);
            #[expect(clippy::cast_precision_loss, reason = "a count")]
            let right = of.iter().all(|(_, value)| (value - lag(place) as f64).abs() < 0.1);
            ensure!(right, "{name} is told with {of:?} in place of {}", lag(place));
            if of.len() > 1 {
                let first = *doubled.entry(name.clone()).or_insert_with(Instant::now);
                worst = worst.max(first.elapsed());
            } else {
                doubled.remove(name);
            }
        }
        ensure!(all.len() <= 2 * names.len());
        pass(Duration::from_millis(100));
    }
    println!(
        "    {gone} stopped, {moved} group(s) moved; told twice for {:.1} s at the most",
        worst.as_secs_f64()
    );
    ensure!(worst <= LOOK + ROUND, "{worst:?}");
    for (at, name) in names.iter().enumerate() {
        ensure!(tells(name, at)? != gone);
        let theirs = by_tool(scene, name)?;
        ensure!(theirs.get(topic) == Some(&lag(at)), "{name}: {theirs:?}");
    }
    scene.start(gone)?;
    scene.wait(gone, true)?;
    for (at, name) in names.iter().enumerate() {
        tells(name, at)?;
    }
    Ok(())
}

/// Every broker coordinates a group here, and every broker leads partitions: each agent asks every broker.
pub fn of_all_coordinators(scene: &Scene, topic: &str) -> Result<()> {
    run(scene.fleet.cluster.create_topic(Topic::in_turn(topic)))?;
    run(scene.fleet.cluster.fill(topic, 120 * (64 << 10)))?;
    let mut tellers = BTreeMap::new();
    for number in 0..12 {
        if tellers.len() == scene.fleet.ids().into_iter().filter(|id| *id > 1000).count() {
            break;
        }
        let name = format!("{topic}-{number}");
        // Everything is read at first, so that something is committed in every partition.
        let mut reader = Reader::open(scene, &name, topic, &[])?;
        reader.read(120)?;
        let teller = wait_messages(scene, &name, topic, 0)?;
        tellers.entry(teller).or_insert((name, reader));
    }
    println!("    told by {:?}", tellers.keys());
    ensure!(tellers.len() == 3);
    run(scene.fleet.cluster.fill(topic, 30 * (64 << 10)))?;
    for (at, (teller, (name, reader))) in tellers.iter_mut().enumerate() {
        reader.read(u64::try_from(at + 1)? * 7)?;
        let theirs = *by_tool(scene, name)?.get(topic).context("the topic")?;
        let ours = wait_messages(scene, name, topic, theirs)?;
        let late = seconds(scene, name).context("a lag in seconds")?;
        println!("    {name}: {theirs} by the tool and by {ours}, {late:.1} s");
        ensure!(ours == *teller && late > 0.0 && theirs == 30 - u64::try_from(at + 1)? * 7);
    }
    Ok(())
}

/// Cut off from the controllers a broker goes on to name its groups; its agent does not.
pub fn cut_off(scene: &Scene) -> Result<()> {
    let (topic, name) = ("lagging-off", "cut-off");
    filled(scene, topic, 12)?;
    Reader::open(scene, name, topic, &[])?.read(5)?;
    let gone = wait_messages(scene, name, topic, 7)?;
    for controller in scene.fleet.cluster.controllers() {
        scene.fleet.cluster.net().cut(gone, controller.id())?;
    }
    scene.wait(gone, false)?;
    let own = |all: Vec<(i32, f64)>| all.iter().any(|(id, _)| *id == gone);
    let series = "pillion_group_lag_messages";
    ensure!(!own(told(scene, series, &[&group(name)])), "{gone} goes on to tell of {name}");
    let teller = wait_messages(scene, name, topic, 7)?;
    ensure!(teller != gone);
    scene.fleet.cluster.net().heal_all()?;
    scene.wait(gone, true)?;
    wait_messages(scene, name, topic, 7).map(drop)
}
