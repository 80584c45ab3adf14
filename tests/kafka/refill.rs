//! How far a broker that refills has come.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::topics::Topic;
use serde_json::Value;

use super::scene::{SOON, Scene, pass, run};

const TOPIC: &str = "refilled";
/// Bytes that come while the broker is away.
const MISSED: u64 = 160 << 20;
/// Bytes a second that it may copy.
const LIMIT: u64 = 4 << 20;
const FOLLOWER: &str = "follower.replication.throttled.rate";
const LEADER: &str = "leader.replication.throttled.rate";

/// One look at the agent.
struct Look {
    left: u64,
    needs: u64,
    rate: Option<u64>,
    seconds_left: Option<u64>,
    throttles: String,
}

fn look(status: &Value) -> Option<Look> {
    let refill = status.get("refill")?;
    let number = |key: &str| refill.get(key).and_then(Value::as_u64);
    Some(Look {
        left: number("leftBytes")?,
        needs: number("needsBytes")?,
        rate: number("rateBytesPerSecond"),
        seconds_left: number("timeLeftSeconds"),
        throttles: refill.get("throttles")?.to_string(),
    })
}

/// A broker that was away while much came, and may copy no faster than it is told.
pub fn progress(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let replicas: [&[i32]; 2] = [&[1001, 1002, 1003], &[1002, 1001, 1003]];
    let topic = Topic::assigned(TOPIC, &replicas).config("follower.replication.throttled.replicas", "*");
    run(cluster.create_topic(topic))?;
    run(cluster.set_on_broker(1003, FOLLOWER, Some(&LIMIT.to_string())))?;
    // It slows nobody, for the topic names no leader; it is told all the same.
    run(cluster.set_on_broker(1002, LEADER, Some("900000000")))?;
    scene.stop(1003)?;
    run(cluster.fill(TOPIC, usize::try_from(MISSED)?))?;
    scene.start(1003)?;
    let looks = follow(scene)?;
    judge(&looks)?;
    ended(scene)?;
    run(cluster.set_on_broker(1003, FOLLOWER, None))?;
    run(cluster.set_on_broker(1002, LEADER, None))?;
    run(cluster.delete_topic(TOPIC))
}

/// What the agent says until it calls the broker ready.
fn follow(scene: &Scene) -> Result<Vec<Look>> {
    let (began, mut looks, mut shown) = (Instant::now(), Vec::<Look>::new(), false);
    while !scene.fleet.is_ready(1003) {
        ensure!(began.elapsed() < SOON, "it is not ready: {}", scene.fleet.said(1003));
        if let Some(next) = look(&run(scene.fleet.status(1003))?)
            && looks.last().is_none_or(|last| (last.left, last.rate) != (next.left, next.rate))
        {
            println!(
                "    after {:.0} s: {} of {} left, {:?} a second, {:?} s to go, {}",
                began.elapsed().as_secs_f64(),
                next.left,
                next.needs,
                next.rate,
                next.seconds_left,
                next.throttles
            );
            if next.rate.is_some() && !std::mem::replace(&mut shown, true) {
                told(scene)?;
            }
            looks.push(next);
        }
        pass(Duration::from_millis(500));
    }
    ensure!(shown, "no rate was ever told");
    Ok(looks)
}

/// The metrics and the words of the same instant.
fn told(scene: &Scene) -> Result<()> {
    let (_, metrics) = run(scene.fleet.ask(1003, "/metrics"))?;
    for name in ["partitions 2", "left_bytes ", "rate_bytes_per_second ", "time_left_seconds "] {
        let name = format!("pillion_refill_{name}");
        ensure!(metrics.lines().any(|line| line.starts_with(&name)), "{name}: {metrics}");
    }
    let output = scene.fleet.pillion(1003).arg("status").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let words = "2 partition(s) not in sync lack ";
    let line = said.lines().find(|line| line.contains(words)).with_context(|| said.to_string())?;
    println!("    {}", line.trim());
    ensure!(said.contains(&format!("{FOLLOWER} of broker 1003: 4096 KiB a second")), "{said}");
    let (_, page) = run(scene.fleet.ask(1003, "/"))?;
    ensure!(page.contains(words), "{page}");
    Ok(())
}

fn judge(looks: &[Look]) -> Result<()> {
    let (first, last) =
        (looks.first().context("nothing was told")?, looks.last().context("nothing was told")?);
    ensure!(first.left > MISSED / 2 && first.needs >= MISSED, "{} of {}", first.left, first.needs);
    ensure!(last.left < first.left / 2, "at last {} were left", last.left);
    for pair in looks.windows(2) {
        ensure!(pair[1].left <= pair[0].left, "what is left grew from {} to {}", pair[0].left, pair[1].left);
    }
    for look in looks.iter().filter(|look| look.rate.is_some()) {
        let rate = look.rate.context("a rate")?;
        // The broker's own quota evens out over 11 s, and lets more through at first.
        ensure!((LIMIT / 2..=LIMIT * 2).contains(&rate), "{rate} bytes a second, and {LIMIT} are allowed");
        let expected = look.left.div_ceil(rate);
        ensure!(look.seconds_left == Some(expected), "{:?} s, and not {expected}", look.seconds_left);
    }
    for look in looks {
        // Leaders of what is in sync by then are not asked.
        let both = look.needs >= MISSED;
        for (broker, setting, rate, due) in [(1003, FOLLOWER, LIMIT, true), (1002, LEADER, 900_000_000, both)]
        {
            let told = format!("{{\"broker\":{broker},\"rate\":{rate},\"setting\":\"{setting}\"}}");
            ensure!(look.throttles.contains(&told) || !due, "{told}: {}", look.throttles);
        }
    }
    Ok(())
}

/// In sync, there is nothing to tell.
fn ended(scene: &Scene) -> Result<()> {
    run(bed::eventually("the refill is over", SOON, async || {
        let status = scene.fleet.status(1003).await?;
        ensure!(status.get("refill").is_none(), "{:#}", status["refill"]);
        let (_, metrics) = scene.fleet.ask(1003, "/metrics").await?;
        for line in [
            "pillion_refill_partitions 0",
            "pillion_refill_left_bytes 0",
            "pillion_refill_time_left_seconds 0.0",
        ] {
            ensure!(metrics.lines().any(|there| there == line), "{line}: {metrics}");
        }
        Ok(())
    }))
}
