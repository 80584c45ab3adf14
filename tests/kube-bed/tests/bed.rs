//! What the bed itself does, on the bed itself.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

use std::fs;
use std::net::ToSocketAddrs;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kube_bed::{Bed, Inside, enter};
use libtest_mimic::{Arguments, Trial};
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(120);
/// Longer than the bed's DNS needs to hear of a change.
const SOON: Duration = Duration::from_secs(20);
const PODS: &str = include_str!("pods.yaml");

type Test = (&'static str, fn(&Bed) -> Result<()>);

const TESTS: &[Test] = &[
    ("three_zones", three_zones),
    ("pods_have_volumes_names_and_a_way_to_the_api_server", pods),
    ("names_follow_the_pods", names),
    ("containers_outlive_the_api_server_and_the_kubelet", outages),
    ("a_scheduler_that_ends_is_started_again", scheduler),
    ("a_process_is_paused_and_killed_from_outside", processes),
    ("released_volumes_are_empty_and_free_again", volumes),
    ("alice_may_change_pods_but_no_rights", alice),
];

static BED: LazyLock<Mutex<Option<Bed>>> = LazyLock::new(Mutex::default);

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    // A list needs no bed.
    if !arguments.list {
        let inside = enter().expect("a way in");
        *BED.lock().unwrap() = Some(up(&inside).expect("a bed"));
    }
    let trial = |(name, test): &Test| {
        let test = *test;
        let play = move || {
            let bed = BED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            test(bed.as_ref().context("no bed")?).map_err(|error| format!("{error:#}").into())
        };
        Trial::test(*name, play)
    };
    libtest_mimic::run(&arguments, TESTS.iter().map(trial).collect()).exit();
}

fn up(inside: &Inside) -> Result<Bed> {
    let bed = Bed::up(inside)?;
    bed.admin().run("create namespace here")?;
    bed.admin().apply(PODS)?;
    rolled_out(&bed)?;
    Ok(bed)
}

fn rolled_out(bed: &Bed) -> Result<()> {
    let kubectl = bed.admin().within(PATIENCE);
    kubectl.run("-n here rollout status statefulset/pod --timeout=110s").map(drop)
}

fn three_zones(bed: &Bed) -> Result<()> {
    for node in &bed.nodes {
        let labels = bed.admin().get(&format!("node {}", node.name))?;
        let zone = &labels["metadata"]["labels"]["topology.kubernetes.io/zone"];
        ensure!(zone == node.zone(), "{} is in {zone}", node.name);
    }
    Ok(())
}

fn inside(bed: &Bed, pod: &str, script: &str) -> Result<String> {
    bed.admin().call(&["-n", "here", "exec", pod, "--", "sh", "-c", script])
}

fn pods(bed: &Bed) -> Result<()> {
    let zones: Vec<_> =
        (0..3).map(|n| inside(bed, &format!("pod-{n}"), "echo $ZONE")).collect::<Result<_>>()?;
    let mut zones: Vec<_> = zones.iter().map(|zone| zone.trim()).collect();
    zones.sort_unstable();
    ensure!(zones == ["zone-a", "zone-b", "zone-c"], "the pods are in {zones:?}");
    let found = inside(bed, "pod-0", "nslookup pod-1.pods.here.svc.cluster.local")?;
    ensure!(found.contains("10.88.0."), "a pod finds another by name: {found}");
    for api in ["$KUBERNETES_SERVICE_HOST/$KUBERNETES_SERVICE_PORT", "kubernetes.default.svc/443"] {
        inside(bed, "pod-0", &format!("timeout 5 bash -c '</dev/tcp/{api}'"))?;
    }
    inside(bed, "pod-0", "echo kept > /data/file")?;
    let path = bed.volumes.path("here", "data-pod-0")?;
    ensure!(fs::read_to_string(path.join("file"))? == "kept\n", "what a pod writes is in its volume");
    Ok(())
}

fn names(bed: &Bed) -> Result<()> {
    let address = |name: &str| (name, 1).to_socket_addrs().ok().and_then(|mut found| found.next());
    let name = "pod-2.pods.here.svc.cluster.local";
    let before = address(name).context("it has a name")?;
    bed.admin().run("-n here delete pod pod-2")?;
    rolled_out(bed)?;
    let started = Instant::now();
    while address(name).is_none_or(|now| now == before) {
        ensure!(started.elapsed() < SOON, "{name} still is {before}");
        thread::sleep(Duration::from_millis(50));
    }
    ensure!(address("pod-9.pods.here.svc.cluster.local").is_none(), "a pod that is not there has no name");
    Ok(())
}

fn outages(bed: &Bed) -> Result<()> {
    let before = bed.processes("here", "pod-0", "main")?;
    let api = &bed.control_plane.api_server;
    api.pause()?;
    ensure!(
        bed.admin().within(Duration::from_secs(3)).run("get nodes").is_err(),
        "a paused API server answers"
    );
    api.resume()?;
    bed.control_plane.wait(bed.admin())?;
    api.stop()?;
    for node in &bed.nodes {
        node.kubelet.restart()?;
    }
    thread::sleep(Duration::from_secs(5));
    ensure!(bed.admin().run("get nodes").is_err(), "a stopped API server answers");
    api.start()?;
    bed.control_plane.wait(bed.admin())?;
    bed.wait_ready()?;
    rolled_out(bed)?;
    ensure!(bed.processes("here", "pod-0", "main")?.first() == before.first(), "the container runs on");
    Ok(())
}

fn scheduler(bed: &Bed) -> Result<()> {
    let scheduler = &bed.control_plane.scheduler;
    let before = scheduler.pid().context("it runs")?;
    let pid = Pid::from_raw(i32::try_from(before)?).context("a process")?;
    kill_process(pid, Signal::KILL)?;
    bed.admin().eventually("another one runs", SOON, |_| {
        ensure!(scheduler.pid() != Some(before), "the one that was killed is not replaced");
        Ok(())
    })?;
    bed.admin().run("-n here delete pod pod-2")?;
    rolled_out(bed)?;
    scheduler.stop()?;
    thread::sleep(Duration::from_secs(3));
    ensure!(scheduler.pid().is_none(), "one that was stopped came back");
    scheduler.start()
}

fn processes(bed: &Bed) -> Result<()> {
    let state = |pid: i32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let found = bed.processes("here", "pod-1", "main")?;
    let shell = found.iter().find(|process| process.name == "sh").context("no sh")?;
    shell.pause()?;
    bed.admin().eventually("the process is paused", SOON, |_| {
        let now = state(shell.pid);
        ensure!(now.contains("State:\tT"), "{:?}", now.lines().nth(2));
        Ok(())
    })?;
    shell.resume()?;
    shell.kill()?;
    bed.admin().eventually("the container is started again", PATIENCE, |kubectl| {
        let restarts =
            kubectl.run("-n here get pod pod-1 -o jsonpath={.status.containerStatuses[0].restartCount}")?;
        if restarts != "1" {
            bail!("{restarts:?} restarts");
        }
        bed.processes("here", "pod-1", "main").map(drop)
    })
}

fn volumes(bed: &Bed) -> Result<()> {
    let path = bed.volumes.path("here", "data-pod-0")?;
    ensure!(path.join("file").exists() || fs::write(path.join("file"), "kept").is_ok(), "there is a file");
    let kubectl = bed.admin().within(PATIENCE);
    kubectl.run("-n here delete statefulset pod --cascade=foreground")?;
    kubectl.run("-n here delete persistentvolumeclaims --all")?;
    kubectl.eventually("the volumes are given back", PATIENCE, |kubectl| {
        bed.volumes.renew()?;
        let phases = kubectl.run("get persistentvolumes -o jsonpath={.items[*].status.phase}")?;
        let used = phases.split_whitespace().filter(|phase| *phase != "Available").count();
        ensure!(used == 0, "{used} are not free");
        Ok(())
    })?;
    ensure!(fs::read_dir(path)?.next().is_none(), "a released volume is empty");
    kubectl.apply(PODS)?;
    rolled_out(bed)
}

fn alice(bed: &Bed) -> Result<()> {
    bed.alice().run("-n here annotate pod pod-0 by=alice")?;
    let refused = bed.alice().run("create clusterrolebinding more --clusterrole=cluster-admin --user=alice");
    let said = format!("{:#}", refused.err().context("alice made herself an admin")?);
    ensure!(said.contains("forbidden"), "{said}");
    Ok(())
}
