//! The pods of a namespace through time, each change with its instant.

use std::io::BufReader;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Deserializer, Value};

use crate::{kubectl::Kubectl, pod::Pod};

/// How long after a watch ended the next one begins: the API server may be away.
const AGAIN: Duration = Duration::from_millis(300);

/// A change of a pod, or its end.
#[derive(Debug, Clone)]
pub struct Moment {
    /// When it was told.
    pub at: Instant,
    /// As it was then.
    pub pod: Pod,
    /// The object is gone.
    pub gone: bool,
}

/// One life of a pod: the time from one object to the next of the same name.
#[derive(Debug, Clone)]
pub struct Life {
    /// When it was first told.
    pub created: Instant,
    /// When it first was ready.
    pub ready: Option<Instant>,
    /// When it was told to end.
    pub deleted: Option<Instant>,
    /// When it was gone.
    pub gone: Option<Instant>,
    /// As it was last told.
    pub last: Pod,
}

/// A watch that goes on until it is dropped, over restarts of the API server too.
pub struct PodWatch {
    moments: Arc<Mutex<Vec<Moment>>>,
    stop: Arc<AtomicBool>,
    child: Arc<Mutex<Option<Child>>>,
}

impl PodWatch {
    /// Starts to watch a namespace.
    pub fn start(kubectl: Kubectl) -> Self {
        let (moments, stop, child) =
            (Arc::<Mutex<Vec<Moment>>>::default(), Arc::<AtomicBool>::default(), Arc::default());
        let watch =
            Self { moments: Arc::clone(&moments), stop: Arc::clone(&stop), child: Arc::clone(&child) };
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                // A watch that cannot be had now is tried again; nothing else is lost by that.
                let _ = follow(&kubectl, &moments, &child);
                std::thread::sleep(AGAIN);
            }
        });
        watch
    }

    /// A pod as it is now.
    pub fn now(&self, name: &str) -> Option<Pod> {
        let moments = self.moments.lock().expect("moments");
        let last = moments.iter().rev().find(|moment| moment.pod.name == name)?;
        (!last.gone).then(|| last.pod.clone())
    }

    /// A pod that must be there.
    pub fn get(&self, name: &str) -> Result<Pod> {
        self.now(name).with_context(|| format!("there is no pod {name}"))
    }

    /// That these pods are still the same, and none of their containers was started again.
    pub fn same_lives(&self, before: &[Pod]) -> Result<()> {
        for old in before {
            let now = self.get(&old.name)?;
            ensure!(
                now.uid == old.uid && now.restarts == old.restarts,
                "{} was restarted: {now:?}",
                old.name
            );
        }
        Ok(())
    }

    /// Waits until this is so of a pod, and says since when.
    pub fn wait(
        &self,
        name: &str,
        what: &str,
        patience: Duration,
        holds: impl Fn(&Pod) -> bool,
    ) -> Result<Instant> {
        let began = Instant::now();
        loop {
            {
                let moments = self.moments.lock().expect("moments");
                let mut of = moments.iter().rev().filter(|moment| moment.pod.name == name).peekable();
                let there = |moment: &&Moment| !moment.gone && holds(&moment.pod);
                if of.peek().is_some_and(&there) {
                    return Ok(of.take_while(there).last().map_or(began, |moment| moment.at));
                }
            }
            ensure!(
                began.elapsed() < patience,
                "{name} was not {what} within {patience:?}; last seen: {:?}",
                self.now(name)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The lives of a pod that had not ended at an instant, in their order.
    pub fn lives(&self, name: &str, since: Instant) -> Vec<Life> {
        let mut lives: Vec<Life> = Vec::new();
        let moments = self.moments.lock().expect("moments");
        for Moment { at, pod, gone } in moments.iter().filter(|moment| moment.pod.name == name) {
            if lives.last().is_none_or(|life| life.last.uid != pod.uid) {
                if let Some(before) = lives.last_mut() {
                    before.gone.get_or_insert(*at);
                }
                let (created, last) = (*at, pod.clone());
                lives.push(Life { created, ready: None, deleted: None, gone: None, last });
            }
            let Some(life) = lives.last_mut() else { continue };
            life.last = pod.clone();
            if pod.ready {
                life.ready.get_or_insert(*at);
            }
            if pod.deleting || *gone {
                life.deleted.get_or_insert(*at);
            }
            if *gone {
                life.gone.get_or_insert(*at);
            }
        }
        lives.retain(|life| life.gone.is_none_or(|gone| gone >= since));
        lives
    }
}

impl Drop for PodWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(child) = self.child.lock().expect("child").as_mut() {
            // It may have ended by itself.
            let _ = child.kill();
        }
    }
}

/// Follows one watch to its end.
fn follow(kubectl: &Kubectl, moments: &Mutex<Vec<Moment>>, slot: &Mutex<Option<Child>>) -> Result<()> {
    let mut child = kubectl.follow("get pods --watch --output-watch-events -o json")?;
    let output = child.stdout.take().context("its output")?;
    *slot.lock().expect("child") = Some(child);
    let events = Deserializer::from_reader(BufReader::new(output)).into_iter::<Value>();
    for event in events {
        let Ok(event) = event else { break };
        let (pod, gone) = (Pod::read(&event["object"]), event["type"] == "DELETED");
        moments.lock().expect("moments").push(Moment { at: Instant::now(), pod, gone });
    }
    if let Some(mut child) = slot.lock().expect("child").take() {
        let _ = child.kill();
        child.wait()?;
    }
    Ok(())
}
