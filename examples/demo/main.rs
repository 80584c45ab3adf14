//! The demo: three real brokers, each prepared and watched by pillion, and a story in which they get into trouble.
//!
//! Run it with `make demo`, or `make demo TLS=1`. It ends by itself within three minutes, and with 0 only if every step went as it should.
#![allow(clippy::print_stdout, reason = "it is made to be watched")]

mod clients;
mod story;
mod tls;
mod view;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, Result};
use bed::{Cluster, Fleet, NEWEST, topics::Topic};

use clients::{Clients, Report};
use story::{Chapter, STORY, TLS};
use view::View;

/// The brokers.
const BROKERS: [i32; 3] = [1001, 1002, 1003];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match tell().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tell() -> Result<bool> {
    let (began, secured) = (Instant::now(), is_set("TLS"));
    println!(
        "Starting Kafka {NEWEST}{}: one controller and three brokers, each prepared by `pillion init` ...",
        if secured { " with TLS everywhere" } else { "" }
    );
    let builder = Cluster::builder(NEWEST).controllers(1).brokers(3);
    let fleet = if secured {
        Fleet::start_beside_all(tls::everywhere(builder), &pillion()?, "").await?
    } else {
        Fleet::start(builder, &pillion()?, "").await?
    };
    println!("Started after {:.0} s. The pages:", began.elapsed().as_secs_f64());
    for id in fleet.ids() {
        println!("  node {id}: http://{}/", fleet.agent(id));
    }
    fleet.wait_all_ready(story::SOON).await?;
    fleet.cluster.create_topic(Topic::in_turn("orders")).await?;
    let clients = Clients::start(&fleet.cluster, "orders", secured)?;
    let view = View::new();
    let mut told = Vec::new();
    for (title, chapter) in STORY.iter().chain(TLS.iter().filter(|_| secured)) {
        told.extend(play(&fleet, &view, title, *chapter).await);
    }
    view.end();
    let report = clients.stop().await?;
    println!("\n{report}\n");
    let good = told.iter().all(|scene| scene.good) && report.failed.is_empty();
    println!("{}", story::table(&told));
    save(&told, &report, began)?;
    println!(
        "{} after {:.0} s.",
        if good { "All as it should be" } else { "NOT as it should be" },
        began.elapsed().as_secs_f64()
    );
    if is_set("KEEP") {
        println!("\nLeft running, as KEEP=1 asks. Look at the pages above; end with Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(good)
}

/// Whether a variable asks for something.
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| value == "1")
}

async fn play(fleet: &Fleet, view: &View, title: &'static str, chapter: Chapter) -> Vec<story::Scene> {
    view.title(title);
    let mut stage = story::Stage::new(fleet, title);
    let outcome = {
        let acting = chapter(&mut stage);
        tokio::pin!(acting);
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(500));
        loop {
            tokio::select! {
                outcome = &mut acting => break outcome,
                _ = ticks.tick() => view.show(fleet),
            }
        }
    };
    if let Err(error) = outcome {
        view.end();
        println!("  this step failed: {error:#}");
        stage.failed(&format!("{error:#}"));
    }
    stage.scenes
}

/// The binary: the one that was built beside this example, unless told.
fn pillion() -> Result<PathBuf> {
    if let Some(path) = env::var_os("PILLION_BIN") {
        return Ok(path.into());
    }
    let own = env::current_exe()?;
    let target = own.ancestors().nth(2).context("an example lies in target/<profile>/examples")?;
    let pillion = target.join("pillion");
    anyhow::ensure!(pillion.exists(), "{} is missing: run `cargo build` first", pillion.display());
    Ok(pillion)
}

fn save(told: &[story::Scene], report: &Report, began: Instant) -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo");
    fs::create_dir_all(&dir)?;
    let json = serde_json::json!({
        "kafka": NEWEST,
        "seconds": began.elapsed().as_secs_f64(),
        "steps": told,
        "producer": { "acknowledged": report.acked, "failed": report.failed.len() },
    });
    fs::write(dir.join("demo.json"), serde_json::to_string_pretty(&json)?)?;
    println!("Written to target/demo/demo.json.");
    Ok(())
}
