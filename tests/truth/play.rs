//! Plays one fault and judges what was said of it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::{
    Score, Truth,
    contenders::{OTHERS, PILLION},
    score::score,
};

use super::{
    fault::{BLUR, Fault},
    scene::{self, Scene},
    story::Story,
};

type Answers = Vec<(Instant, bool)>;

/// Plays it, prints every contender's seconds, and fails where pillion's exceed its bounds.
pub fn play(fault: &Fault) -> Result<()> {
    scene::on(fault.stage, |scene| {
        println!("\n    {}: {}", fault.full_name(), fault.title);
        let mut story = Story::begin();
        (fault.act)(scene, &mut story)?;
        let window = story.end()?;
        scene.contenders.check()?;
        let seen: Vec<Seen> = fault.subjects.iter().map(|id| Seen::of(scene, &story, *id, window)).collect();
        for seen in &seen {
            for (contender, answers) in &seen.lanes {
                print_score(seen.id, contender, &score(&seen.truth, answers));
            }
        }
        let held = seen.iter().try_for_each(|seen| hold(fault, seen));
        if held.is_err() {
            seen.iter().for_each(|seen| seen.print(window.0));
        }
        held
    })
}

/// What was true of one broker, and what was said of it.
struct Seen {
    id: i32,
    truth: Vec<(Instant, Truth)>,
    /// pillion first.
    lanes: Vec<(&'static str, Answers)>,
}

impl Seen {
    fn of(scene: &Scene, story: &Story, id: i32, (from, to): (Instant, Instant)) -> Self {
        let mut truth = scene.fleet.truth.timeline(id);
        for (at, truth) in &mut truth {
            let unknowable = |(from, to): &(Instant, Instant)| (from..=to).contains(&&*at);
            if *truth == Truth::InSync && story.unknowable.iter().any(unknowable) {
                *truth = Truth::Unknowable;
            }
        }
        let own = story.answers.clone().unwrap_or_else(|| scene.fleet.ready_since(id, from));
        let others = OTHERS.into_iter().map(|other| (other.name, scene.contenders.timeline(other, id)));
        let lanes = std::iter::once((PILLION.name, own)).chain(others);
        let lanes = lanes.map(|(name, answers)| (name, within(answers, from, to))).collect();
        Self { id, truth: within(truth, from, to), lanes }
    }
}

impl Seen {
    /// Every change of the truth and of pillion's answer, in seconds from `from`.
    fn print(&self, from: Instant) {
        let s = |at: Instant| at.saturating_duration_since(from).as_secs_f64();
        let mut truth = self.truth.clone();
        truth.dedup_by_key(|(_, truth)| *truth);
        let truth: Vec<String> = truth.iter().map(|(at, truth)| format!("{:.2} {truth:?}", s(*at))).collect();
        println!("    {} truth: {}", self.id, truth.join(", "));
        for (name, answers) in self.lanes.iter().take(1) {
            let mut answers = answers.clone();
            answers.dedup_by_key(|(_, ready)| *ready);
            let said: Vec<String> =
                answers.iter().map(|(at, ready)| format!("{:.2} {ready}", s(*at))).collect();
            println!("    {} {name}: {}", self.id, said.join(", "));
        }
    }
}

/// What was said in the window, and what held when it opened.
fn within<T: Copy>(timeline: Vec<(Instant, T)>, from: Instant, to: Instant) -> Vec<(Instant, T)> {
    let before = timeline.iter().rev().find(|(at, _)| *at < from).map(|(_, value)| (from, *value));
    let inside = timeline.into_iter().filter(|(at, _)| (from..=to).contains(at));
    before.into_iter().chain(inside).collect()
}

fn print_score(id: i32, contender: &str, score: &Score) {
    let s = |duration: Duration| duration.as_secs_f64();
    println!(
        "    {id} {contender:<24} false ready {:5.1} s, false unready {:5.1} s, unready while unknowable {:5.1} s",
        s(score.false_ready),
        s(score.false_unready),
        s(score.unready_unknowable)
    );
}

/// pillion keeps the bounds of the fault; both samplings blur them.
fn hold(fault: &Fault, seen: &Seen) -> Result<()> {
    let Some((_, answers)) = seen.lanes.first() else { return Ok(()) };
    let score = score(&seen.truth, answers);
    let (bound, why) = fault.bound;
    ensure!(
        score.false_ready <= bound + BLUR,
        "{}: false ready {score:?}, allowed {bound:?}: {why}",
        seen.id
    );
    let (grace, why) = fault.grace;
    ensure!(
        score.false_unready <= grace + BLUR,
        "{}: false unready {score:?}, allowed {grace:?}: {why}",
        seen.id
    );
    Ok(())
}
