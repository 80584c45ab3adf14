//! Resource figures against what other tools read under load, and log dirs in trouble.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Load, load::LoadOptions, process, topics::Topic};
use rustix::process::Signal;

use super::scene::{SOON, Scene, pass, run};

/// The broker whose figures are read.
const MEASURED: i32 = 1002;
/// The one whose second log dir is a small file system of its own.
const SMALL: i32 = 1003;
/// How far a figure may be from what another tool reads.
const OFF: f64 = 0.02;
/// A look may be so old, and a machine so busy; meanwhile the others are read again and again.
const READING: Duration = Duration::from_secs(24);

/// What other tools say: `name value` lines. Arguments: the process, and the log dirs.
const OTHERS: &str = r#"
pid=$1; shift
for dir in "$@"; do
  df --block-size=1 --output=size,avail,itotal,iavail "$dir" | tail -1 | {
    read -r size avail inodes free
    echo "log_dir_size_bytes{dir=\"$dir\"} $size"
    echo "log_dir_available_bytes{dir=\"$dir\"} $avail"
    echo "log_dir_inodes{dir=\"$dir\"} $inodes"
    echo "log_dir_available_inodes{dir=\"$dir\"} $free"
  }
  find "$dir" -path '*/__cluster_metadata-0' -prune -o -name '*.log' -printf '%s\n' |
    awk -v dir="$dir" '{ all += $1 } END { print "log_dir_kafka_bytes{dir=\"" dir "\"} " all + 0 }'
done
awk '{ print "broker_cpu_seconds_total " ($14 + $15) / '"$(getconf CLK_TCK)"' }' "/proc/$pid/stat"
ps -o rss=,nlwp= -p "$pid" | awk '{ print "broker_memory_resident_bytes " $1 * 1024; print "broker_threads " $2 }'
echo "broker_open_files $(ls "/proc/$pid/fd" | wc -l)"
echo "broker_sockets $(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)"
echo "broker_open_files_limit $(prlimit --pid "$pid" --nofile --output SOFT --noheadings --raw)"
echo "broker_start_time_seconds $(date -d "$(ps -o lstart= -p "$pid")" +%s)"
"#;

/// The same of the control group of memory, in either version. Argument: the process.
const GROUP: &str = r#"
if group=$(sed -n 's/^[0-9]*:memory://p' "/proc/$1/cgroup") && [ -n "$group" ]; then
  cd "/sys/fs/cgroup/memory$group"; usage=memory.usage_in_bytes idle=total_inactive_file cache=total_cache
else
  cd "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; usage=memory.current idle=inactive_file cache=file
fi
used=$(cat $usage)
echo "broker_memory_usage_bytes $used"
awk -v used="$used" -v idle=$idle '$1 == idle { print "broker_memory_working_set_bytes " used - $2 }' memory.stat
awk -v cache=$cache '$1 == cache { print "broker_memory_page_cache_bytes " $2 }' memory.stat
"#;

/// The same of the network, in the broker's namespace.
const NETWORK: &str = r#"
cd /sys/class/net; for one in *; do
  [ "$one" = lo ] && continue
  echo "pod_network_receive_bytes_total{interface=\"$one\"} $(cat "$one/statistics/rx_bytes")"
  echo "pod_network_transmit_bytes_total{interface=\"$one\"} $(cat "$one/statistics/tx_bytes")"
done
"#;

/// The bed's namespaces of the network bring a bare `/sys`: here the control groups of the machine are mounted there, for
/// the agent, as a container runtime does it.
const MOUNT_GROUPS: &str = r"
mount -t tmpfs tmpfs /sys/fs/cgroup
if grep -q ':memory:' /proc/self/cgroup; then
  mkdir /sys/fs/cgroup/memory && mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory
else
  umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
";

/// The smallest and the largest reading of each figure.
type Readings = BTreeMap<String, (f64, f64)>;

pub fn figures(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let agent = scene.fleet.agent_pid(MEASURED).context("no agent")?;
    succeeds(within(agent).args(["sh", "-ec", MOUNT_GROUPS]))?;
    let here: [&[i32]; 4] = [&[MEASURED, 1001], &[1001, MEASURED], &[MEASURED, 1001], &[1001, MEASURED]];
    run(cluster.create_topic(Topic::assigned("measured", &here)))?;
    let options = LoadOptions { rate: 3000, size: 2048, ..LoadOptions::default() };
    let load = Load::start(cluster, "measured", options)?;
    run(load.wait_acked(3000, SOON))?;
    compare(scene, "under load")?;
    let report = run(load.stop())?;
    println!("    {} records of 2 kB were acknowledged", report.acked.len());
    ensure!(report.errors.is_empty(), "{:?}", report.errors.first());
    compare(scene, "after it")?;
    run(cluster.delete_topic("measured"))
}

fn compare(scene: &Scene, when: &str) -> Result<()> {
    let node = scene.fleet.cluster.node(MEASURED);
    let pid = node.pid().context("the broker runs")?.to_string();
    let mut readings = Readings::new();
    let began = Instant::now();
    while began.elapsed() < READING {
        let mut network = node.in_netns("sh");
        network.args(["-ec", NETWORK]);
        let (mut others, mut group) = (Command::new("sh"), Command::new("sh"));
        others.args(["-ec", OTHERS, "sh", &pid]).args(node.data_dirs());
        group.args(["-ec", GROUP, "sh", &pid]);
        for mut command in [others, group, network] {
            for line in text(&command.output()?)?.lines() {
                let (name, value) = line.rsplit_once(' ').context("a name and a value")?;
                let value: f64 = value.parse().with_context(|| line.to_owned())?;
                let (low, high) = readings.entry(name.to_owned()).or_insert((value, value));
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
        pass(Duration::from_millis(500));
    }
    let (_, told) = run(scene.fleet.ask(MEASURED, "/metrics"))?;
    let mut worst = (0.0, "");
    for (name, (low, high)) in &readings {
        let value = value(&told, name).with_context(|| format!("{name} is not told: {told}"))?;
        // `ps` reckons the start from whole seconds; of all else 2 % is asked.
        let (low, high) = if name == "broker_start_time_seconds" {
            (low - 2.0, high + 2.0)
        } else {
            (low * (1.0 - OFF), high * (1.0 + OFF))
        };
        ensure!((low..=high).contains(&value), "{when}: {name} is {value}, others say {low} to {high}");
        let (low, high) = readings[name];
        let off = (low - value).max(value - high).max(0.0) / high.max(1.0);
        if off > worst.0 {
            worst = (off, name);
        }
    }
    println!(
        "    {when}: {} figures, the worst is {:.2} % off: {}",
        readings.len(),
        worst.0 * 100.0,
        worst.1
    );
    Ok(())
}

pub fn troubles(scene: &Scene) -> Result<()> {
    let node = scene.fleet.cluster.node(SMALL);
    let [first, small] = node.data_dirs() else { anyhow::bail!("two log dirs") };
    let agent = scene.fleet.agent_pid(SMALL).context("no agent")?;
    // Where nothing answers the kernel: every look at it waits for ever.
    let since = Instant::now();
    let mut hung = Hung::mount(agent, first)?;
    scene.wait_told(&stuck(first), 1.0)?;
    let told = scene.told(&stuck(small))?;
    ensure!(told == 0.0, "the other log dir answers");
    let (status, said) = run(scene.fleet.ask(SMALL, "/readyz"))?;
    ensure!(status == 200, "{said}");
    let trouble = scene.trouble(first)?.unwrap_or_default();
    println!("    {}: {trouble}", first.display());
    ensure!(trouble.contains("has not answered for"), "{trouble}");
    scene.no_blip(SMALL, since)?;
    // Somebody gives it up: an error, and then all is well.
    hung.end()?;
    scene.wait_told(&stuck(first), 0.0)?;
    succeeds(within(agent).args(["umount", "-l"]).arg(first))?;
    run(bed::eventually("it is well again", SOON, async || {
        let trouble = scene.trouble_now(first).await?;
        ensure!(trouble.is_none(), "{trouble:?}");
        Ok(())
    }))?;
    // An agent ends although a look of it never does.
    let hung = Hung::mount(agent, first)?;
    scene.wait_told(&stuck(first), 1.0)?;
    scene.fleet.signal_agent(SMALL, Signal::TERM)?;
    let took = scene.fleet.reap_agent(SMALL, Duration::from_secs(10))?;
    println!("    the agent ended after {:.1} s while a look hung", took.as_secs_f64());
    drop(hung);
    // Or an answer of the old one would count for the new one.
    scene.wait(SMALL, false)?;
    scene.fleet.start_agent(SMALL)?;
    scene.wait(SMALL, true)?;

    let agent = scene.fleet.agent_pid(SMALL).context("no agent")?;
    let since = Instant::now();
    let probed = format!("log_dir_write_seconds{{dir=\"{}\"}}", small.display());
    run(bed::eventually("a probe was written", SOON, async || scene.told_now(&probed).await.map(drop)))?;
    let told = |what: &str| {
        run(bed::eventually(what, SOON, async || {
            let trouble = scene.trouble_now(small).await?.unwrap_or_default();
            ensure!(trouble.contains(what), "{trouble}");
            Ok(())
        }))
    };
    // For the agent alone, as a pod may mount it: only the probe has a complaint.
    succeeds(within(agent).args(["mount", "-o", "remount,bind,ro"]).arg(small))?;
    told("the probe cannot write there: Read-only")?;
    succeeds(within(agent).args(["mount", "-o", "remount,bind,rw"]).arg(small))?;
    // A file system that is read-only; the broker goes on to write to the one below it.
    succeeds(within(agent).args(["mount", "-t", "tmpfs", "-o", "ro", "none"]).arg(small))?;
    told("it is mounted read-only")?;
    succeeds(within(agent).arg("umount").arg(small))?;
    scene.no_blip(SMALL, since)?;
    full(scene, small)
}

/// The broker may take the log dir offline for it; what is told of the space must stand in any case.
fn full(scene: &Scene, small: &Path) -> Result<()> {
    let filler = small.join("filler");
    let wrote = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k", "status=none"])
        .arg(format!("of={}", filler.display()))
        .output()?;
    ensure!(!wrote.status.success(), "it fits no more");
    let of = |name: &str| format!("{name}{{dir=\"{}\"}}", small.display());
    scene.wait_told(&of("log_dir_available_bytes"), 0.0)?;
    scene.wait_told(&of("log_dir_time_to_full_seconds"), 0.0)?;
    let (_, said) = run(scene.fleet.ask(SMALL, "/status"))?;
    ensure!(said.contains("\"fullIn\":0.0"), "{said}");
    std::fs::remove_file(filler)?;
    scene.fleet.cluster.node(SMALL).kill()?;
    scene.fleet.cluster.node(SMALL).start()?;
    scene.wait(SMALL, true)?;
    Ok(())
}

impl Scene {
    async fn told_now(&self, name: &str) -> Result<f64> {
        let (_, told) = self.fleet.ask(SMALL, "/metrics").await?;
        value(&told, name).with_context(|| format!("{name} is not told"))
    }

    fn told(&self, name: &str) -> Result<f64> {
        run(self.told_now(name))
    }

    fn wait_told(&self, name: &str, goal: f64) -> Result<()> {
        run(bed::eventually(&format!("{name} is {goal}"), SOON, async || {
            let told = self.told_now(name).await?;
            ensure!((told - goal).abs() < f64::EPSILON, "{told}");
            Ok(())
        }))
    }

    async fn trouble_now(&self, dir: &Path) -> Result<Option<String>> {
        let status = self.fleet.status(SMALL).await?;
        let dirs =
            status.pointer("/resources/logDirs").and_then(|dirs| dirs.as_array()).context("no dirs")?;
        let one = dirs.iter().find(|one| one["path"].as_str() == dir.to_str()).context("not this dir")?;
        Ok(one["trouble"].as_str().map(str::to_owned))
    }

    fn trouble(&self, dir: &Path) -> Result<Option<String>> {
        run(self.trouble_now(dir))
    }
}

fn stuck(dir: &Path) -> String {
    format!("log_dir_stuck{{dir=\"{}\"}}", dir.display())
}

/// What `/metrics` says of a series, by its name without the prefix.
pub fn value(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix("pillion_")?.strip_prefix(name)?.trim().parse().ok())
}

/// A command in the mounts of a process, which are its own.
fn within(pid: u32) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &pid.to_string(), "-m", "--"]);
    command
}

fn succeeds(command: &mut Command) -> Result<()> {
    text(&command.output()?).map(drop)
}

fn text(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A file system in user space that nobody serves, mounted over a directory in the mounts of one process.
struct Hung(Child);

impl Hung {
    fn mount(pid: u32, over: &Path) -> Result<Self> {
        let script = r#"exec 9<>/dev/fuse
            mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 hung "$1" && echo up && exec sleep 600"#;
        let [tie, rest @ ..] = process::tied();
        let mut command = Command::new(tie);
        command.args(rest).args(["nsenter", "-t", &pid.to_string(), "-m", "--", "sh", "-ec", script, "sh"]);
        let mut child = process::spawn({
            command.arg(over).stdin(Stdio::null()).stdout(Stdio::piped());
            command
        })?;
        let mut up = String::new();
        let out = child.stdout.as_mut().context("piped")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut up)?;
        ensure!(up.trim() == "up", "the file system could not be mounted");
        Ok(Self(child))
    }

    /// With the last hand on it gone, the kernel answers every look with an error.
    fn end(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.end();
    }
}
