//! The agent itself: killed, stopped, paused, told to force.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::scene::{BLUR, Scene, pass, run};

pub fn killed(scene: &Scene) -> Result<()> {
    let pid = scene.fleet.cluster.node(1001).pid();
    let before = transitions(scene, 1001)?;
    scene.fleet.signal_agent(1001, Signal::KILL)?;
    scene.fleet.reap_agent(1001, Duration::from_secs(5))?;
    scene.wait(1001, false)?;
    let since = Instant::now();
    scene.fleet.start_agent(1001)?;
    scene.wait(1001, true)?;
    println!("    ready {:.1} s after the agent's restart", since.elapsed().as_secs_f64());
    ensure!(scene.fleet.cluster.node(1001).pid() == pid, "the broker noticed nothing");
    let after = transitions(scene, 1001)?;
    ensure!(after > before, "the history is kept over the restart: {before} then {after}");
    ensure!(scene.score(1001, since).false_ready.is_zero());
    Ok(())
}

fn transitions(scene: &Scene, id: i32) -> Result<usize> {
    let status = run(scene.fleet.status(id))?;
    Ok(status.get("history").and_then(|history| history.as_array()).context("a history")?.len())
}

pub fn terminated(scene: &Scene) -> Result<()> {
    scene.fleet.signal_agent(1002, Signal::TERM)?;
    let took = scene.fleet.reap_agent(1002, Duration::from_secs(2))?;
    println!("    ended {:.0} ms after TERM", took.as_secs_f64() * 1000.0);
    scene.wait(1002, false)?;
    Ok(())
}

/// What an agent knew before it was paused is no answer after it.
pub fn paused(scene: &Scene) -> Result<()> {
    let node = scene.fleet.cluster.node(1003);
    scene.fleet.signal_agent(1003, Signal::STOP)?;
    node.kill()?;
    pass(Duration::from_secs(12));
    let since = Instant::now();
    scene.fleet.signal_agent(1003, Signal::CONT)?;
    let (status, said) = run(scene.fleet.ask(1003, "/readyz"))?;
    ensure!(status == 503, "asked at once it answered {status}: {said}");
    pass(Duration::from_secs(2));
    let ready = scene.fleet.ready_since(1003, since + BLUR).into_iter().filter(|(_, ready)| *ready).count();
    ensure!(ready == 0, "it was called ready {ready} times while it was dead");
    node.start()?;
    scene.wait(1003, true)?;
    Ok(())
}

pub fn forced(scene: &Scene) -> Result<()> {
    let tell = |words: &[&str]| -> Result<String> {
        let mut command = scene.fleet.pillion(1002);
        command.arg("override").args(words).arg("--run-dir").arg(scene.fleet.run_dir(1002));
        let output = command.output()?;
        ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    tell(&["hold", "--reason", "INC-1", "--for", "5m"])?;
    scene.wait(1002, false)?;
    scene.says(1002, "INC-1")?;
    tell(&["clear"])?;
    scene.wait(1002, true)?;
    scene.fleet.cluster.node(1002).kill()?;
    scene.wait(1002, false)?;
    tell(&["ready", "--reason", "INC-2", "--for", "8s", "--by", "alice"])?;
    let forced = scene.wait(1002, true)?;
    let (status, said) = run(scene.fleet.ask(1002, "/readyz"))?;
    ensure!(
        status == 200 && said.contains("INC-2") && said.contains("broker-not-listening"),
        "{status} {said}"
    );
    scene.wait(1002, false)?;
    println!("    the force ended by itself after {:.1} s", forced.elapsed().as_secs_f64());
    scene.fleet.cluster.node(1002).start()?;
    scene.wait(1002, true)?;
    Ok(())
}
