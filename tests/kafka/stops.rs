//! What a stop of a broker would hurt.

use anyhow::{Result, ensure};
use bed::topics::Topic;

use super::scene::{SOON, Scene, run};

/// Waits until `/stopz` of a broker says all of these words, or yes where there are none.
pub(super) fn wait_stop(scene: &Scene, id: i32, words: &[&str]) -> Result<()> {
    run(bed::eventually(&format!("{id} says of its stop: {words:?}"), SOON, async || {
        let (status, said) = scene.fleet.ask(id, "/stopz").await?;
        let expected = if words.is_empty() { 200 } else { 503 };
        ensure!(status == expected && words.iter().all(|word| said.contains(word)), "{status} {said}");
        Ok(())
    }))
}

fn make(scene: &Scene, topic: &Topic<'_>) -> Result<()> {
    run(scene.fleet.cluster.create_topic(topic.clone()))
}

pub fn stoppable(scene: &Scene) -> Result<()> {
    scene.topic("kept")?;
    for id in [1001, 1002, 1003] {
        wait_stop(scene, id, &[])?;
    }
    // Waiting does not help: each has its own reason.
    make(scene, &Topic::assigned("single", &[&[1001]]))?;
    wait_stop(scene, 1001, &["single-replica", "single-0"])?;
    wait_stop(scene, 1002, &[])?;
    make(scene, &Topic::assigned("strict", &[&[1002, 1003, 1001]]).config("min.insync.replicas", "3"))?;
    wait_stop(scene, 1002, &["no-replica-to-spare", "strict-0"])?;
    make(scene, &Topic::assigned("beyond", &[&[1003]]).config("min.insync.replicas", "2"))?;
    wait_stop(scene, 1003, &["single-replica", "beyond-0"])?;
    for topic in ["single", "strict", "beyond"] {
        run(scene.fleet.cluster.delete_topic(topic))?;
    }
    for id in [1001, 1002, 1003] {
        wait_stop(scene, id, &[])?;
    }
    // With one away, no other may go. Topics of other tests are there, too.
    let node = scene.fleet.cluster.node(1003);
    node.kill()?;
    scene.wait_dropped(1003)?;
    for id in [1001, 1002] {
        wait_stop(scene, id, &["below-min-isr"])?;
    }
    wait_stop(scene, 1003, &["broker-not-listening"])?;
    node.start()?;
    scene.wait(1003, true)?;
    for id in [1001, 1002, 1003] {
        wait_stop(scene, id, &[])?;
    }
    Ok(())
}

/// What a command says, and its exit code.
fn check(scene: &Scene, ask: i32, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pillion"));
    let node = scene.node(ask);
    let at = if ask < 1000 { node.controller_addr() } else { node.bootstrap() };
    command.args(arguments).args(["--bootstrap", &at.to_string()]);
    let output = command.env_remove("PILLION_CONFIG").output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

fn answers(scene: &Scene, ask: i32, arguments: &[&str], code: i32, words: &[&str]) -> Result<()> {
    let (exit, said) = check(scene, ask, arguments)?;
    ensure!(
        exit == Some(code) && words.iter().all(|word| said.contains(word)),
        "{arguments:?}: {exit:?} {said}"
    );
    println!("    {}", said.trim().replace('\n', "\n    "));
    Ok(())
}

pub fn several(scene: &Scene) -> Result<()> {
    scene.topic("several")?;
    for id in [1001, 1002, 1003] {
        scene.wait_truth(id, bed::Truth::InSync)?;
    }
    answers(scene, 1002, &["stop-check", "--brokers", "1001"], 0, &["1001 may stop"])?;
    answers(
        scene,
        1002,
        &["stop-check", "--brokers", "1001,1003"],
        1,
        &["1001, 1003 should not stop", "below-min-isr"],
    )?;
    answers(
        scene,
        1001,
        &["stop-check", "--brokers", "1001,1002,1003", "--json"],
        1,
        &["\"last-in-sync\"", "\"stoppable\": false"],
    )?;
    answers(
        scene,
        1001,
        &["stop-check", "--brokers", "1009"],
        64,
        &["node 1009 is not there", "1001 in zone-"],
    )?;
    answers(scene, 1001, &["stop-check", "--zone", "zone-a"], 0, &["may stop"])?;
    answers(scene, 1001, &["stop-check", "--zone", "nowhere"], 64, &["no broker is in zone nowhere"])?;
    // Controllers that are nothing else.
    answers(scene, 1001, &["stop-check", "--brokers", "1"], 0, &["1 may stop"])?;
    answers(scene, 1, &["stop-check", "--brokers", "1001"], 69, &["it is a controller: ask a broker"])?;
    answers(
        scene,
        1001,
        &["stop-check", "--brokers", "1,2"],
        1,
        &["no-majority-left", "of 3 voters of the quorum 1 would be left"],
    )?;
    // For ever: not while it has replicas, or a vote; one that is not there has neither.
    let remove = |id| ["decommission-check", "--broker", id];
    answers(scene, 1001, &remove("1003"), 1, &["1003 may not be removed yet", "has-replicas"])?;
    answers(scene, 1001, &remove("1"), 1, &["still-a-voter"])?;
    answers(scene, 1001, &remove("1009"), 0, &["1009 is not registered"])?;
    let json = ["decommission-check", "--broker", "1009", "--json"];
    answers(scene, 1001, &json, 0, &["\"registered\": false", "\"removable\": true"])?;
    // Who lost its controllers is not believed.
    let cut = scene.fleet.cluster.node(1003);
    let controllers: Vec<_> = scene.fleet.cluster.controllers().collect();
    for controller in &controllers {
        controller.pause()?;
    }
    let said = check(scene, cut.id(), &["stop-check", "--brokers", "1001"]);
    for controller in &controllers {
        controller.resume()?;
    }
    let (exit, said) = said?;
    ensure!(
        exit == Some(69) && said.contains("nothing shows that its metadata is current"),
        "{exit:?} {said}"
    );
    for id in [1001, 1002, 1003] {
        scene.wait(id, true)?;
    }
    Ok(())
}

/// One was killed a moment ago: by all metadata another may go, as long as nobody has noticed. In the end all have.
pub fn several_after_a_kill(scene: &Scene) -> Result<()> {
    scene.topic("several-after-a-kill")?;
    for id in [1001, 1002, 1003] {
        scene.wait_truth(id, bed::Truth::InSync)?;
    }
    let question = ["stop-check", "--brokers", "1001"];
    answers(scene, 1001, &question, 0, &["1001 may stop"])?;
    scene.node(1002).kill()?;
    answers(
        scene,
        1003,
        &question,
        1,
        &["neighbour-silent", "broker 1002 does not answer and counts as live"],
    )?;
    let json = ["stop-check", "--brokers", "1001", "--json"];
    answers(scene, 1003, &json, 1, &["\"code\": \"neighbour-silent\"", "\"stoppable\": false"])?;
    // The one that is down may stop: nobody else goes.
    answers(scene, 1003, &["stop-check", "--brokers", "1002"], 0, &["1002 may stop"])?;
    let mut early = Vec::new();
    run(bed::eventually("the controllers have noticed", SOON, async || {
        let (exit, said) = check(scene, 1003, &question)?;
        let noticed = said.contains("below-min-isr") && !said.contains("neighbour-silent");
        if exit != Some(1) {
            early.push(said.clone());
        }
        ensure!(noticed, "{exit:?} {said}");
        Ok(())
    }))?;
    ensure!(early.is_empty(), "it said yes in between: {early:?}");
    answers(
        scene,
        1003,
        &["stop-check", "--brokers", "1002"],
        0,
        &["1002 is already down", "nobody else would stop"],
    )?;
    let both = ["1002 is already down", "1001 should not stop", "below-min-isr"];
    answers(scene, 1003, &["stop-check", "--brokers", "1001,1002"], 1, &both)?;
    answers(scene, 1003, &["stop-check", "--zone", "zone-a", "--json"], 0, &["\"down\": [\n    1002\n  ]"])?;
    scene.node(1002).start()?;
    scene.wait(1002, true)?;
    Ok(())
}

/// Without a quorum all brokers that stay must say the same, and `ZooKeeper` must serve the controller.
pub fn several_of_zookeeper(scene: &Scene) -> Result<()> {
    scene.topic("several")?;
    for id in [1001, 1002, 1003] {
        scene.wait_truth(id, bed::Truth::InSync)?;
    }
    let ask =
        |ids, code, words: &[&str]| answers(scene, 1001, &["stop-check", "--brokers", ids], code, words);
    ask("1001", 0, &["1001 may stop"])?;
    ask("1001,1003", 1, &["1001, 1003 should not stop", "below-min-isr"])?;
    ask("1001,1002,1003", 1, &["last-in-sync"])?;
    ask("1009", 64, &["node 1009 is not there"])?;
    answers(scene, 1003, &["stop-check", "--zone", "zone-a", "--json"], 0, &["\"stoppable\": true"])?;
    let never = ["decommission-check", "--broker", "1003"];
    answers(scene, 1001, &never, 69, &["it does not run in KRaft mode"])?;
    make(scene, &Topic::assigned("strict", &[&[1002, 1003, 1001]]).config("min.insync.replicas", "3"))?;
    ask("1002", 1, &["no-replica-to-spare", "strict-0"])?;
    run(scene.fleet.cluster.delete_topic("strict"))?;
    without_the_others(scene)
}

/// Who must be believed is away.
fn without_the_others(scene: &Scene) -> Result<()> {
    const ZOOKEEPER: i32 = 1;
    let controller = run(scene.fleet.cluster.controller())?;
    let others: Vec<i32> = [1001, 1002, 1003].into_iter().filter(|id| *id != controller).collect();
    let (gone, asked) = (others[0], others[1]);
    let one = asked.to_string();
    let question = ["stop-check", "--brokers", &one];
    // One that was killed is in every ISR until its session has run out: nobody is told that another may go.
    scene.node(gone).kill()?;
    answers(scene, asked, &question, 69, &[&format!("it lists {gone}, which does not answer")])?;
    scene.wait_dropped(gone)?;
    run(bed::eventually("the others agree that one is away", SOON, async || {
        let (exit, said) = check(scene, asked, &question)?;
        ensure!(exit == Some(1) && said.contains("below-min-isr"), "{exit:?} {said}");
        Ok(())
    }))?;
    scene.start(gone)?;
    scene.wait(gone, true)?;
    // One that lost its session never learns it: the others contradict it.
    scene.fleet.cluster.net().cut_both(gone, ZOOKEEPER)?;
    scene.wait_dropped(gone)?;
    answers(scene, gone, &question, 69, &["with the controller"])?;
    scene.fleet.cluster.net().heal(gone, ZOOKEEPER)?;
    scene.wait_truth(gone, bed::Truth::InSync)?;
    scene.wait(gone, true)?;
    // Where ZooKeeper is away all metadata stands still, and looks perfect.
    let zookeeper = scene.node(ZOOKEEPER);
    zookeeper.pause()?;
    let said = answers(scene, asked, &question, 69, &["for which it asks ZooKeeper: timed out"]);
    zookeeper.resume()?;
    said?;
    for id in [1001, 1002, 1003] {
        scene.wait_truth(id, bed::Truth::InSync)?;
        scene.wait(id, true)?;
    }
    Ok(())
}

/// Three controllers, of which one may go.
pub fn voters(scene: &Scene) -> Result<()> {
    let ids = scene.fleet.ids().into_iter().filter(|id| *id < 1000).collect::<Vec<_>>();
    ensure!(ids.len() == 3, "{ids:?}");
    for id in &ids {
        wait_stop(scene, *id, &[])?;
    }
    for (gone, others) in [(ids[0], &ids[1..]), (ids[2], &ids[..2])] {
        scene.node(gone).kill()?;
        for id in others {
            wait_stop(scene, *id, &["no-majority-left", "of 3 voters of the quorum 1 would be left"])?;
        }
        scene.node(gone).start()?;
        for id in &ids {
            wait_stop(scene, *id, &[])?;
        }
    }
    Ok(())
}

/// A broker that is empty, and gone, is taken out of the list; it may come back. No other test may have left a topic.
pub fn unregistered(scene: &Scene) -> Result<()> {
    scene.topic("leaving")?;
    scene.wait(1003, true)?;
    let unregister = ["unregister", "--broker", "1003", "--yes"];
    answers(scene, 1001, &unregister, 1, &["1003 may not be removed yet", "has-replicas", "leaving"])?;
    run(scene.fleet.cluster.delete_topic("leaving"))?;
    run(bed::eventually("it has no replica", SOON, async || {
        let (exit, said) = check(scene, 1001, &["decommission-check", "--broker", "1003"])?;
        ensure!(exit == Some(0), "{said}");
        Ok(())
    }))?;
    answers(scene, 1001, &unregister, 1, &["1003 is alive: stop it first"])?;
    answers(scene, 1001, &["unregister", "--broker", "1003"], 1, &["1003 is alive"])?;
    scene.stop(1003)?;
    run(bed::eventually("it is not alive", SOON, async || {
        let (_, said) = check(scene, 1001, &["decommission-check", "--broker", "1003", "--json"])?;
        ensure!(said.contains("\"alive\": false"), "{said}");
        Ok(())
    }))?;
    let away = ["may be removed for ever", "next: pillion unregister"];
    answers(scene, 1001, &["decommission-check", "--broker", "1003"], 0, &away)?;
    answers(scene, 1001, &["unregister", "--broker", "1003"], 64, &["say --yes"])?;
    answers(scene, 1001, &unregister, 0, &["1003 is unregistered"])?;
    answers(scene, 1001, &unregister, 0, &["1003 is not registered"])?;
    scene.start(1003)?;
    scene.wait(1003, true)?;
    Ok(())
}
