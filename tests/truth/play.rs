//! Plays one fault, reports it, and judges what pillion said of it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bed::{
    Truth,
    contenders::{ALL, BY_ANSWERS, Contender, PILLION, TCP},
    report::{self, About, Broker, Run, Seen},
};

use super::{
    fault::{BLUR, Fault},
    scene::{self, Scene},
    story::Story,
};

/// Plays it, keeps and prints every contender's seconds, and fails where pillion's exceed its bounds.
pub fn play(fault: &Fault, place: usize) -> Result<()> {
    scene::on(fault.stage, |scene| {
        println!("\n    {}: {}", fault.full_name(), fault.title);
        let mut story = Story::begin();
        (fault.act)(scene, &mut story)?;
        let (from, to) = story.end()?;
        scene.contenders.check()?;
        let said = |id: &i32| scene.fleet.said_since(*id, from);
        let seen = Seen {
            fault: story.fault.unwrap_or(from),
            brokers: fault.subjects.iter().map(|id| broker(scene, &story, *id, (from, to))).collect(),
            events: story.events.clone(),
            said: story.said.clone().unwrap_or_else(|| said_once(fault.subjects.iter().flat_map(said))),
        };
        let run = Run::new(about(fault, place), &seen);
        report::save(&directory(), &run)?;
        print!("{}", report::lines(&run));
        let held = run.subjects.iter().try_for_each(|subject| hold(fault, subject));
        if held.is_err() {
            run.subjects.iter().for_each(print);
        }
        held
    })
}

/// Where the results lie, whoever's target directory it is.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/truth")
}

fn about(fault: &Fault, place: usize) -> About {
    let seconds = |(time, why): (Duration, &str)| (time.as_secs_f64(), why.to_owned());
    let ((bound_s, bound_why), (grace_s, grace_why)) = (seconds(fault.bound), seconds(fault.grace));
    About {
        fault: fault.name.to_owned(),
        title: fault.title.to_owned(),
        mode: fault.stage.mode().to_owned(),
        kafka: fault.stage.kafka().to_owned(),
        date: jiff::Zoned::now().date().to_string(),
        cores: std::thread::available_parallelism().map_or(1, Into::into),
        place,
        right: fault.right.to_owned(),
        bound_s,
        bound_why,
        grace_s,
        grace_why,
    }
}

/// What was true of one broker, and what was said of it.
fn broker(scene: &Scene, story: &Story, id: i32, (from, to): (Instant, Instant)) -> Broker {
    let mut truth = scene.fleet.truth.timeline(id);
    for (at, truth) in &mut truth {
        let unknowable = |(from, to): &(Instant, Instant)| (from..=to).contains(&&*at);
        if *truth == Truth::InSync && story.unknowable.iter().any(unknowable) {
            *truth = Truth::Unknowable;
        }
    }
    let answers = |contender: Contender| {
        let elsewhere = story.answers.iter().find(|(other, _)| *other == contender);
        match elsewhere {
            Some((_, timeline)) => Some(timeline.clone()),
            None if contender == PILLION => Some(scene.fleet.ready_since(id, from)),
            None if contender == BY_ANSWERS => scene.by_answers(id),
            None => Some(scene.contenders.timeline(contender, id)),
        }
    };
    let said = |contender| Some((contender, within(answers(contender)?, from, to)));
    Broker { id, truth: within(truth, from, to), said: ALL.into_iter().filter_map(said).collect() }
}

/// What was said in the window, and what held when it opened.
fn within<T: Copy>(timeline: Vec<(Instant, T)>, from: Instant, to: Instant) -> Vec<(Instant, T)> {
    let before = timeline.iter().rev().find(|(at, _)| *at < from).map(|(_, value)| (from, *value));
    let inside = timeline.into_iter().filter(|(at, _)| (from..=to).contains(at));
    before.into_iter().chain(inside).collect()
}

/// Of several brokers that say the same, one is enough.
fn said_once(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for said in all {
        let reason = |text: &str| text.split(':').next().map(str::to_owned);
        if !kept.iter().any(|one| reason(one) == reason(&said)) {
            kept.push(said);
        }
    }
    kept
}

/// pillion keeps the bounds of the fault; both samplings blur them. Nobody can call a broker ready that does not take a
/// connection, as one does not at first that was paused while others filled its backlog: such time is the broker's.
fn hold(fault: &Fault, subject: &report::Subject) -> Result<()> {
    let Some(ours) = subject.lanes.first().map(|lane| lane.wrong) else { return Ok(()) };
    let id = subject.broker;
    let port = subject.lanes.iter().find(|lane| lane.contender == TCP.name);
    let closed = port.map_or(0.0, |lane| lane.wrong.false_unready_s);
    for (what, seconds, (bound, why), more) in [
        ("false ready", ours.false_ready_s, fault.bound, 0.0),
        ("false unready", ours.false_unready_s, fault.grace, closed),
    ] {
        let allowed = (bound + BLUR).as_secs_f64() + more;
        ensure!(seconds <= allowed, "{id}: {seconds} s {what}, {allowed} s with the blur are allowed: {why}");
    }
    Ok(())
}

/// Every change of the truth and of pillion's answer, in seconds from the fault.
fn print(subject: &report::Subject) {
    println!("    {} truth: {:?}", subject.broker, subject.truth);
    if let Some(ours) = subject.lanes.first() {
        println!("    {} {}: {:?}", subject.broker, ours.contender, ours.samples);
    }
}
