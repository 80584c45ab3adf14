//! Rolling restarts under load.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    figures::Figures,
    load::Beside,
    scene::{BROKERS, KAFKA, SOON, Scene, features, project},
};

/// How much longer than its parts a roll may take: what is between one broker in sync and the next one's end.
const OVERHEAD: f64 = 1.2;
/// Bytes a second that a broker may fetch while it catches up: what would be an hour's backlog elsewhere lasts seconds
/// here, for either probe alike.
const CATCH_UP: &str = "2000000";

/// pillion beside the brokers.
pub fn pillion(scene: &Scene, figures: &mut Figures) -> Result<()> {
    scene.settle(&project("deploy/base"))?;
    let beside = Beside::start(scene, "rolled")?;
    scene.throttle(Some(CATCH_UP))?;
    let began = Instant::now();
    // Another template: the features are turned on.
    scene.kubectl.apply(&features())?;
    let rolled = rolled(scene, &beside, began)?;
    beside.flows()?;
    let lived = beside.stop()?;
    scene.throttle(None)?;

    lived.note("", figures);
    note(&rolled, "", figures);
    lived.spotless()?;
    ensure!(lived.most_out <= 1, "{} brokers were out of the ISR at once", lived.most_out);
    let ratio = rolled.took.as_secs_f64() / rolled.parts.as_secs_f64();
    let why = "the next broker is taken when this one is in sync, not later";
    figures.bounded("time over the sum of stop, start and catch-up", ratio, "times", OVERHEAD, why)
}

/// A TCP probe of the broker's port instead.
pub fn tcp(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let beside = Beside::start(scene, "rolled-by-tcp")?;
    scene.throttle(Some(CATCH_UP))?;
    let began = Instant::now();
    scene.kubectl.apply(&project("tests/e2e/overlays/tcp"))?;
    let rolled = rolled(scene, &beside, began)?;
    beside.flows()?;
    let lived = beside.stop()?;
    lived.note("", figures);
    note(&rolled, "", figures);
    figures.time("more than one out of the ISR for", lived.several_out);
    // Back to what the others play on: a roll with pillion's probe again.
    scene.throttle(None)?;
    scene.heal()?;
    ensure!(lived.most_out > 1, "the open port of one broker let no other one go: it costs nothing here");
    Ok(())
}

/// A roll, and its parts.
struct Rolled {
    took: Duration,
    parts: Duration,
    stop: Duration,
    start: Duration,
}

fn note(rolled: &Rolled, named: &str, figures: &mut Figures) {
    figures.time(&format!("{named}the roll took"), rolled.took);
    figures.time(&format!("{named}a stop, on average"), rolled.stop / 3);
    figures.time(&format!("{named}a start and catch-up, on average"), rolled.start / 3);
}

/// Waits for the end of the roll: every broker was replaced, and is in sync.
fn rolled(scene: &Scene, beside: &Beside, began: Instant) -> Result<Rolled> {
    for pod in BROKERS {
        let old = scene.pods.lives(pod, began).first().map(|life| life.last.uid.clone());
        let renewed = |pod: &crate::pod::Pod| pod.well() && Some(&pod.uid) != old.as_ref();
        scene.pods.wait(pod, "replaced and ready", SOON, renewed)?;
    }
    scene.all_ready()?;
    beside.in_sync()?;
    let rounds = beside.isr.since(began);
    let (mut last, mut stop, mut start) = (began, Duration::ZERO, Duration::ZERO);
    for (id, pod) in (1001..).zip(BROKERS) {
        let lives = scene.pods.lives(pod, began);
        let [old, new] = lives.as_slice() else {
            anyhow::bail!("{pod} had {} lives in one roll", lives.len());
        };
        let (deleted, gone) = (old.deleted.context("never told")?, old.gone.context("never gone")?);
        // The first round after the last one in which it was out.
        let out = |round: &bed::isr::Round| round.out.as_ref().is_none_or(|out| out.contains(&id));
        let behind = rounds.iter().rposition(|round| round.at > new.created && out(round));
        let in_sync = behind.map_or(new.created, |index| rounds[(index + 1).min(rounds.len() - 1)].at);
        ensure!(new.last.restarted(KAFKA) == 0, "Kafka was started again in {pod}");
        println!(
            "    {pod}: stop {:.1} s, start and catch-up {:.1} s, ready {:.1} s after it was created",
            (gone - deleted).as_secs_f64(),
            (in_sync - new.created).as_secs_f64(),
            new.ready.map_or(f64::NAN, |ready| (ready - new.created).as_secs_f64()),
        );
        stop += gone - deleted;
        start += in_sync - new.created;
        last = last.max(in_sync);
    }
    Ok(Rolled { took: last - began, parts: stop + start, stop, start })
}
