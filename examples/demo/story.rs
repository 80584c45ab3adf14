//! What happens, and what should be said about it.

use std::{
    fmt::Write,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bed::{Fleet, Truth};
use serde::Serialize;

/// Long enough for anything that will happen at all.
pub const SOON: Duration = Duration::from_secs(90);
/// A change is seen by the next poll; and the truth and the answers are sampled each 250 ms, which blurs both.
const PROMPT: Duration = Duration::from_millis(750);
/// A broker that fell silent may be called ready until contact with the quorum is too old, and as long.
const SILENT: Duration = Duration::from_millis(5250);

/// How long a fault lasts on after everybody has noticed.
const LINGER: Duration = Duration::from_secs(5);

type Acting<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;
/// One part of the story.
pub type Chapter = for<'a> fn(&'a mut Stage<'_>) -> Acting<'a>;

/// The story.
pub const STORY: &[(&str, Chapter)] = &[
    ("All three are ready", |stage| Box::pin(all_ready(stage))),
    ("1003 is killed and comes back far behind", |stage| Box::pin(killed(stage))),
    ("1002 is cut off from the controller and goes on serving", |stage| Box::pin(cut_off(stage))),
    ("1001 is paused (SIGSTOP)", |stage| Box::pin(paused(stage))),
    ("1003 is stopped, and somebody forces it ready", |stage| Box::pin(forced(stage))),
];

/// How it goes on where there is TLS.
pub const TLS: &[(&str, Chapter)] =
    &[("Every certificate is replaced, no broker is restarted", |stage| Box::pin(rotated(stage)))];

/// What was said and true in one scene.
#[derive(Debug, Serialize)]
pub struct Scene {
    step: String,
    broker: i32,
    /// Pillion's answer and its first reason.
    pillion: String,
    /// What a TCP probe said.
    tcp: String,
    /// What the other brokers and the quorum say.
    truth: String,
    /// Seconds that pillion said ready while the broker was out.
    pillion_false_ready_s: f64,
    /// The same for a TCP probe.
    tcp_false_ready_s: f64,
    /// It was as it should be.
    pub good: bool,
}

/// Where a chapter plays.
pub struct Stage<'f> {
    fleet: &'f Fleet,
    title: &'static str,
    /// What was noted down.
    pub scenes: Vec<Scene>,
}

impl<'f> Stage<'f> {
    pub fn new(fleet: &'f Fleet, title: &'static str) -> Self {
        Self { fleet, title, scenes: Vec::new() }
    }

    /// Notes that the chapter broke off.
    pub fn failed(&mut self, why: &str) {
        let last = |text: &str| text.to_owned();
        self.scenes.push(Scene {
            step: format!("{}: {why}", self.title),
            broker: 0,
            pillion: last("-"),
            tcp: last("-"),
            truth: last("-"),
            pillion_false_ready_s: 0.0,
            tcp_false_ready_s: 0.0,
            good: false,
        });
    }

    /// Notes what is said now about a broker.
    fn note(&mut self, what: &str, broker: i32, since: Instant, good: bool) {
        self.note_within(PROMPT, what, broker, since, good);
    }

    /// Ready for no longer than `bound` while it was out.
    fn note_within(&mut self, bound: Duration, what: &str, broker: i32, since: Instant, good: bool) {
        let (ours, tcp) = self.fleet.score_since(broker, since);
        let answer = |yes: Option<bool>| if yes == Some(true) { "ready" } else { "not ready" };
        let last = |answers: Vec<(Instant, bool)>| answers.last().map(|(_, yes)| *yes);
        let said = self.fleet.said(broker);
        let reason = if self.fleet.is_ready(broker) { "" } else { said.lines().next().unwrap_or_default() };
        let code = reason.split(':').next().unwrap_or_default().trim();
        let ready = answer(last(self.fleet.ready_since(broker, since)));
        self.scenes.push(Scene {
            step: what.to_owned(),
            broker,
            pillion: if code.is_empty() { ready.to_owned() } else { format!("{ready}: {code}") },
            tcp: answer(last(self.fleet.tcp_since(broker, since))).to_owned(),
            truth: match self.fleet.truth.now(broker) {
                Truth::InSync => "in sync",
                Truth::Out => "out",
                Truth::Unknowable => "unknowable",
            }
            .to_owned(),
            pillion_false_ready_s: ours.false_ready.as_secs_f64(),
            tcp_false_ready_s: tcp.false_ready.as_secs_f64(),
            good: good && ours.false_ready <= bound,
        });
    }

    async fn back(&mut self, what: &str, broker: i32, since: Instant) -> Result<()> {
        self.fleet.wait(broker, true, SOON).await?;
        self.fleet.truth.wait(broker, Truth::InSync, SOON).await?;
        self.note(what, broker, since, true);
        Ok(())
    }

    async fn out(&mut self, broker: i32) -> Result<()> {
        self.fleet.wait(broker, false, SOON).await?;
        self.fleet.truth.wait_dropped(broker, SOON).await
    }
}

async fn all_ready(stage: &mut Stage<'_>) -> Result<()> {
    let since = Instant::now();
    tokio::time::sleep(Duration::from_secs(4)).await;
    for id in stage.fleet.ids() {
        stage.back("all is well", id, since).await?;
    }
    Ok(())
}

async fn killed(stage: &mut Stage<'_>) -> Result<()> {
    let (fleet, since) = (stage.fleet, Instant::now());
    fleet.cluster.node(1003).kill()?;
    stage.out(1003).await?;
    stage.note("killed", 1003, since, true);
    fleet.cluster.fill("orders", 400 << 20).await?;
    fleet.cluster.node(1003).start()?;
    let since = Instant::now();
    bed::eventually("the port opens", SOON, async || {
        let open = fleet.tcp_since(1003, since).last().is_some_and(|(_, open)| *open);
        ensure!(open);
        Ok(())
    })
    .await?;
    let early = fleet.is_ready(1003) && fleet.truth.now(1003) == Truth::Out;
    stage.note("its port is open again", 1003, since, !early);
    stage.back("caught up", 1003, since).await
}

async fn cut_off(stage: &mut Stage<'_>) -> Result<()> {
    let (fleet, since) = (stage.fleet, Instant::now());
    fleet.cluster.net().cut_both(1002, 1)?;
    fleet.wait(1002, false, SOON).await?;
    stage.note("cut off; the others do not know yet", 1002, since, true);
    stage.out(1002).await?;
    tokio::time::sleep(LINGER).await;
    let (ours, _) = fleet.score_since(1002, since);
    stage.note("the others have dropped it", 1002, since, ours.false_ready.is_zero());
    let since = Instant::now();
    fleet.cluster.net().heal(1002, 1)?;
    stage.back("connected again", 1002, since).await
}

async fn paused(stage: &mut Stage<'_>) -> Result<()> {
    let (fleet, since) = (stage.fleet, Instant::now());
    fleet.cluster.node(1001).pause()?;
    stage.out(1001).await?;
    tokio::time::sleep(LINGER).await;
    stage.note_within(SILENT, "paused", 1001, since, true);
    let since = Instant::now();
    fleet.cluster.node(1001).resume()?;
    stage.back("resumed", 1001, since).await
}

async fn forced(stage: &mut Stage<'_>) -> Result<()> {
    let (fleet, since) = (stage.fleet, Instant::now());
    let node = fleet.cluster.node(1003);
    node.term()?;
    stage.out(1003).await?;
    node.wait_exit(SOON).await?;
    stage.note("stopped", 1003, since, true);
    let mut command = fleet.pillion(1003);
    command.args(["override", "ready", "--reason", "DEMO-1", "--for", "6s", "--by", "demo", "--run-dir"]);
    let output = command.arg(fleet.run_dir(1003)).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let forced_at = fleet.wait(1003, true, SOON).await?;
    let (status, said) = fleet.ask(1003, "/readyz").await?;
    let honest = status == 200 && said.contains("DEMO-1") && said.contains("broker-not-listening");
    stage.scenes.push(Scene {
        step: "forced ready by hand".to_owned(),
        broker: 1003,
        pillion: if honest { "FORCED ready, and says so" } else { "forced, and hides the truth" }.to_owned(),
        tcp: "not ready".to_owned(),
        truth: "out".to_owned(),
        pillion_false_ready_s: 0.0,
        tcp_false_ready_s: 0.0,
        good: honest,
    });
    fleet.wait(1003, false, SOON).await?;
    let since = Instant::now();
    let lasted = since - forced_at;
    stage.note("the force ended by itself", 1003, since, lasted < Duration::from_secs(10));
    node.start()?;
    stage.back("started again", 1003, since).await
}

async fn rotated(stage: &mut Stage<'_>) -> Result<()> {
    for id in super::BROKERS {
        let (since, pid) = (Instant::now(), stage.fleet.cluster.node(id).pid());
        let took = super::tls::rotate(stage.fleet, id).await?;
        let same = stage.fleet.cluster.node(id).pid() == pid && stage.fleet.is_ready(id);
        let what = format!("served after {:.1} s", took.as_secs_f64());
        stage.note(&what, id, since, same);
    }
    Ok(())
}

/// The summary, for people.
pub fn table(scenes: &[Scene]) -> String {
    let mut text = String::new();
    let head = ["", "step", "broker", "pillion", "TCP probe", "truth", "false ready s (pillion / TCP)"];
    let rows: Vec<[String; 7]> = scenes.iter().map(row).collect();
    let mut widths = head.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut line = |cells: &[String]| {
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        text.push('\n');
    };
    line(&head.map(str::to_owned));
    for row in rows {
        line(&row);
    }
    text
}

fn row(scene: &Scene) -> [String; 7] {
    [
        if scene.good { "ok" } else { "NO" }.to_owned(),
        scene.step.clone(),
        scene.broker.to_string(),
        scene.pillion.clone(),
        scene.tcp.clone(),
        scene.truth.clone(),
        format!("{:.1} / {:.1}", scene.pillion_false_ready_s, scene.tcp_false_ready_s),
    ]
}
