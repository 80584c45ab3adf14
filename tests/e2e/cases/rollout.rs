//! A rollout that begins while brokers are unready, by pods that stand in for them.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::{
    figures::Figures,
    kubectl::Kubectl,
    pod::Pod,
    pods::PodWatch,
    scene::{BROKERS, SOON, Scene, pass, project},
};

const NAMESPACE: &str = "stand-ins";
const POLICY: &str = "pillion-rollout";
/// The controller acts within a second, a stand-in ends within two.
const ENOUGH: Duration = Duration::from_secs(12);

/// What the controller does by itself, and with the policy.
pub fn waits(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let kubectl = scene.kubectl.in_namespace(NAMESPACE);
    kubectl.apply(&project("tests/e2e/overlays/stand-ins"))?;
    let pods = PodWatch::start(kubectl.clone());
    let stand = Stand { kubectl, pods };
    let outcome = stand.play(figures);
    stand.kubectl.within(SOON).run(&format!("delete namespace {NAMESPACE} --wait"))?;
    outcome
}

struct Stand {
    kubectl: Kubectl,
    pods: PodWatch,
}

impl Stand {
    fn play(&self, figures: &mut Figures) -> Result<()> {
        // The cases before may have left it.
        self.kubectl.run(&format!("delete validatingadmissionpolicybinding {POLICY} --ignore-not-found"))?;
        self.all(true)?;
        self.all(false)?;
        figures.count(
            "without the policy, unready pods that a rollout takes at once",
            self.rolled()?,
            "of 3",
        );

        self.kubectl.apply(&project("tests/e2e/overlays/rollout-policy"))?;
        self.all(true)?;
        self.all(false)?;
        let before = self.lives()?;
        figures.zero("with the policy", self.rolled()?, "of 3")?;
        // Ready again, it goes on by itself, from the last to the first.
        for pod in BROKERS {
            self.tell(pod, true)?;
        }
        for (pod, old) in BROKERS.into_iter().zip(&before).rev() {
            self.pods.wait(pod, "replaced", SOON, |now| now.uid != *old)?;
            self.tell(pod, true)?;
        }
        self.all(true)?;

        // A revision that never gets ready is reverted without a hand on its pod.
        let before = self.lives()?;
        self.kubectl.run("rollout restart statefulset/kafka")?;
        self.pods.wait("kafka-2", "replaced by a bad one", SOON, |now| now.uid != before[2] && runs(now))?;
        let bad = self.pods.get("kafka-2")?.uid;
        self.kubectl.run("rollout undo statefulset/kafka")?;
        self.pods.wait("kafka-2", "replaced by a good one", SOON, |now| now.uid != bad)?;
        self.all(true)?;
        ensure!(self.lives()?[..2] == before[..2], "the others were touched");
        Ok(())
    }

    /// Has all of them ready, or not.
    fn all(&self, ready: bool) -> Result<()> {
        for pod in BROKERS {
            self.tell(pod, ready)?;
        }
        for pod in BROKERS {
            self.pods.wait(pod, "as it was told", SOON, |now| now.ready == ready && !now.deleting)?;
        }
        Ok(())
    }

    fn tell(&self, pod: &str, ready: bool) -> Result<()> {
        self.pods.wait(pod, "running", SOON, runs)?;
        let command = if ready { "touch" } else { "rm" };
        self.kubectl.run(&format!("exec {pod} -c kafka -- {command} /tmp/ready")).map(drop)
    }

    fn lives(&self) -> Result<Vec<String>> {
        BROKERS.iter().map(|pod| Ok(self.pods.get(pod)?.uid)).collect()
    }

    /// Starts a rollout, and counts whom it takes.
    fn rolled(&self) -> Result<usize> {
        let before = self.lives()?;
        self.kubectl.run("rollout restart statefulset/kafka")?;
        pass(ENOUGH);
        let taken = |(pod, old): (&&str, &String)| {
            self.pods.now(pod).is_none_or(|now| now.uid != *old || now.deleting)
        };
        Ok(BROKERS.iter().zip(&before).filter(|pair| taken((pair.0, pair.1))).count())
    }
}

fn runs(pod: &Pod) -> bool {
    pod.phase == "Running" && !pod.deleting
}
