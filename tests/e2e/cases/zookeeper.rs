//! `deploy/zookeeper` as it is: an ensemble of three, pillion in every pod.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::scene::run;
use serde_json::Value;

use crate::{
    dump,
    figures::Figures,
    kubectl::Kubectl,
    pod::Pod,
    pods::PodWatch,
    scene::{SOON, Scene, pass, project},
};

/// The namespace, the `StatefulSet`, and the server's container.
const SERVER: &str = "zookeeper";
const PODS: [&str; 3] = ["zookeeper-0", "zookeeper-1", "zookeeper-2"];
/// What a server that stands still said counts for 3 s; then a probe each second, and the kubelet.
const STANDS_STILL: Duration = Duration::from_secs(3 + 1 + 2);

struct Ensemble<'a> {
    scene: &'a Scene,
    kubectl: &'a Kubectl,
    pods: PodWatch,
}

/// It comes up on empty volumes; its leader is deleted, a follower stands still, all of it is rolled.
pub fn ensemble(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let outcome = scene.alone_in(SERVER, |kubectl| {
        let ensemble = Ensemble { scene, kubectl, pods: PodWatch::start(kubectl.clone()) };
        let outcome = ensemble.play(figures);
        if outcome.is_err() {
            dump::namespace(kubectl);
        }
        outcome
    });
    scene.bed.volumes.renew()?;
    outcome
}

impl Ensemble<'_> {
    fn play(&self, figures: &mut Figures) -> Result<()> {
        let began = Instant::now();
        self.kubectl.apply(&project("deploy/zookeeper"))?;
        figures.time("all three ready after", self.ready()? - began);
        let (leader, followers) = self.roles()?;
        println!("    {leader} leads {followers:?}");
        self.says(leader, "yes")?;
        for follower in followers {
            self.says(follower, "ensemble-unknown")?;
        }
        ensure!(self.served()? == self.ips(&PODS)?, "not all of them serve clients");
        self.stands_still(followers[0], figures)?;
        self.leader_deleted(leader, figures)?;
        self.rolled(figures)
    }

    /// Clients are led elsewhere while a server stands still, and nothing is started again for that.
    fn stands_still(&self, pod: &str, figures: &mut Figures) -> Result<()> {
        let before = self.all()?;
        let others: Vec<&str> = PODS.into_iter().filter(|other| *other != pod).collect();
        let processes = self.scene.bed.processes(SERVER, pod, SERVER)?;
        let server = processes.iter().find(|process| process.name == "java").context("no server")?;
        let paused = Instant::now();
        server.pause()?;
        let unready = self.pods.wait(pod, "unready", SOON, |pod| !pod.ready)?;
        figures.at_most(
            "unready once it stands still",
            unready - paused,
            STANDS_STILL,
            "3 s, and a probe",
        )?;
        run(bed::eventually("clients are led to the others", SOON, async || {
            let (found, wanted) = (self.served()?, self.ips(&others)?);
            ensure!(found == wanted, "{found:?}, not {wanted:?}");
            Ok(())
        }))?;
        // Longer than the probes of liveness take to act on a failure.
        pass(Duration::from_secs(45));
        server.resume()?;
        let resumed = Instant::now();
        figures.time("ready again after", self.ready()? - resumed);
        self.pods.same_lives(&before)
    }

    /// The others elect another one; the one that comes back has kept its volume, and so its id.
    fn leader_deleted(&self, leader: &str, figures: &mut Figures) -> Result<()> {
        let before = self.pods.get(leader)?;
        let began = Instant::now();
        self.kubectl.run(&format!("delete pod {leader} --wait=false"))?;
        self.pods.wait(leader, "another one", SOON, |pod| pod.uid != before.uid)?;
        figures.time("all three ready after the leader was deleted", self.ready()? - began);
        let (now, _) = self.roles()?;
        println!("    {now} leads");
        ensure!(now != leader, "it leads again, although a majority was there without it");
        Ok(())
    }

    /// One after the other: never is one of them told to end while another one is not ready.
    fn rolled(&self, figures: &mut Figures) -> Result<()> {
        let began = Instant::now();
        self.kubectl.run(&format!("rollout restart statefulset {SERVER}"))?;
        figures.time("rolled in", self.ready()? - began);
        let mut ends = Vec::new();
        for pod in PODS {
            let lives = self.pods.lives(pod, began);
            let [old, new] = &lives[..] else { anyhow::bail!("{pod} had {} lives", lives.len()) };
            ends.push((old.deleted.context("not deleted")?, new.ready.context("not ready")?));
        }
        ends.sort_unstable();
        for pair in ends.windows(2) {
            ensure!(
                pair[0].1 <= pair[1].0,
                "one was told to end before the one before it was ready: {ends:?}"
            );
        }
        Ok(())
    }

    /// Waits until nothing is left to roll and all are ready; says since when.
    fn ready(&self) -> Result<Instant> {
        let line = format!("rollout status statefulset/{SERVER} --timeout=350s");
        self.kubectl.within(SOON).run(&line)?;
        let mut last = None;
        for pod in PODS {
            last = last.max(Some(self.pods.wait(pod, "ready", SOON, Pod::well)?));
        }
        last.context("there are pods")
    }

    fn all(&self) -> Result<Vec<Pod>> {
        PODS.iter().map(|pod| self.pods.get(pod)).collect()
    }

    /// The one that leads, and those that follow it.
    fn roles(&self) -> Result<(&'static str, [&'static str; 2])> {
        run(bed::eventually("one leads, and two follow", SOON, async || {
            let states: Vec<_> = PODS.iter().map(|pod| self.kubectl.status(pod)).collect::<Result<_>>()?;
            let of = |wanted: &str| -> Vec<&'static str> {
                let state = |status: &Value| status["observations"]["server"]["state"] == wanted;
                PODS.iter().zip(&states).filter(|(_, status)| state(status)).map(|(pod, _)| *pod).collect()
            };
            match (&of("leader")[..], &of("follower")[..]) {
                ([leader], [one, other]) => Ok((*leader, [*one, *other])),
                (leaders, followers) => anyhow::bail!("{leaders:?} lead, {followers:?} follow"),
            }
        }))
    }

    /// Whether it may stop, in a word.
    fn says(&self, pod: &str, word: &str) -> Result<()> {
        run(bed::eventually(&format!("{pod} says {word}"), SOON, async || {
            let told = &self.kubectl.status(pod)?["verdicts"]["stoppable"];
            let said = if told["answer"] == "yes" { &told["answer"] } else { &told["reasons"][0]["code"] };
            ensure!(said == word, "it says {said}");
            Ok(())
        }))
    }

    /// The addresses that the Service for clients leads to.
    fn served(&self) -> Result<BTreeSet<String>> {
        let line = format!("get endpointslices -l kubernetes.io/service-name={SERVER}");
        let slices = self.kubectl.json(&line)?;
        let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
        let endpoints = list(&slices, "items").into_iter().flat_map(|slice| list(&slice, "endpoints"));
        let serving = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
        Ok(serving.filter_map(|one| one["addresses"][0].as_str().map(str::to_owned)).collect())
    }

    fn ips(&self, pods: &[&str]) -> Result<BTreeSet<String>> {
        pods.iter().map(|pod| Ok(self.pods.get(pod)?.ip)).collect()
    }
}
