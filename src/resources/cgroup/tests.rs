#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use std::{fs, path::Path};

use pillion_probes::resources::{Pressure, Stall};

use super::*;

const PID: i32 = 41;

/// Files as kernels write them.
fn write(group: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(group).unwrap();
    for (name, text) in files {
        fs::write(group.join(name), text).unwrap();
    }
}

const PROCS: (&str, &str) = ("cgroup.procs", "1\n41\n187\n");

const V2: &[(&str, &str)] = &[
    PROCS,
    ("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma\n"),
    ("cgroup.type", "domain\n"),
    (
        "cpu.stat",
        "usage_usec 94815400\nuser_usec 71010300\nsystem_usec 23805100\nnice_usec 0\ncore_sched.force_idle_usec 0\n\
         nr_periods 8412\nnr_throttled 377\nthrottled_usec 51203344\nnr_bursts 0\nburst_usec 0\n",
    ),
    ("cpu.max", "150000 100000\n"),
    ("memory.max", "4294967296\n"),
    ("memory.current", "3758096384\n"),
    (
        "memory.stat",
        "anon 1610612736\nfile 2013265920\nkernel 50331648\nfile_mapped 1048576\ninactive_anon 4096\n\
         active_anon 1610608640\ninactive_file 1073741824\nactive_file 939524096\nunevictable 0\n\
         workingset_refault_file 81\n",
    ),
    ("memory.events", "low 0\nhigh 0\nmax 5120\noom 3\noom_kill 2\noom_group_kill 0\n"),
    (
        "cpu.pressure",
        "some avg10=1.50 avg60=0.87 avg300=0.22 total=61002345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=58000000\n",
    ),
    (
        "memory.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=900\n",
    ),
    // As kernels before 5.13 wrote it for the processor: without `full`.
    ("io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n"),
];

const V2_FREE: &[(&str, &str)] = &[
    PROCS,
    ("cgroup.controllers", "cpu memory pids\n"),
    ("cgroup.type", "domain\n"),
    ("cpu.stat", "usage_usec 5000000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n"),
    ("cpu.max", "max 100000\n"),
    ("memory.max", "max\n"),
    ("memory.current", "1000\n"),
    ("memory.stat", "file 2000\ninactive_file 2000\n"),
];

fn v2_path(path: &str) -> Vec<(Vec<String>, String)> {
    vec![(Vec::new(), path.to_owned())]
}

fn whole() -> Container {
    Container {
        version: 2,
        cpu_seconds: Some(94.8154),
        cpu_limit: Some(1.5),
        periods: Some(8412),
        throttled_periods: Some(377),
        throttled_seconds: Some(51.203_344),
        memory_limit: Some(4 << 30),
        memory_usage: Some(3584 << 20),
        working_set: Some(2560 << 20),
        page_cache: Some(1920 << 20),
        oom_kills: Some(2),
        pressure: Some(Pressure {
            cpu: Some(Stall { some: 61.002_345, full: Some(58.0) }),
            memory: Some(Stall { some: 0.0015, full: Some(0.0009) }),
            io: Some(Stall { some: 2.0, full: None }),
        }),
    }
}

#[test]
fn version_2_from_beside_the_broker_and_from_the_machine() {
    let dir = tempfile::tempdir().unwrap();
    let (broker, own) = (dir.path().join("broker"), dir.path().join("own"));
    let roots = [broker.clone(), own.clone()];
    // A container of its own: the mount is its group, and its path leads out of the agent's namespace.
    write(&broker, V2);
    write(&own, &[("cgroup.procs", "0\n77\n"), ("cgroup.controllers", "cpu\n"), ("cgroup.type", "domain\n")]);
    let beside = v2_path("/../cri-containerd-4711.scope");
    assert_eq!(read(&roots, &beside, PID), Some(whole()));
    // Not allowed to see the broker's root: the agent's own group is not taken for it.
    assert_eq!(read(&roots[1..], &beside, PID), None);
    assert_eq!(read(&roots, &beside, 42), None, "who is not listed is elsewhere");
    // A service of systemd: at its path below the machine's mount, by which every root leads there.
    let machine = dir.path().join("machine");
    write(
        &machine,
        &[("cgroup.procs", "2\n3\n"), ("cgroup.controllers", "cpu memory\n"), ("cpu.pressure", "x")],
    );
    write(&machine.join("system.slice/kafka.service"), V2);
    let service = v2_path("/system.slice/kafka.service");
    assert_eq!(read(std::slice::from_ref(&machine), &service, PID), Some(whole()));
    // In the root of all: that is the machine, and no container.
    write(&machine, &[PROCS]);
    assert_eq!(read(&[machine], &v2_path("/"), PID), None);
}

#[test]
fn without_limits_none_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), V2_FREE);
    let seen = read(&[dir.path().to_owned()], &v2_path("/"), PID).unwrap();
    let expected = Container {
        version: 2,
        cpu_seconds: Some(5.0),
        memory_usage: Some(1000),
        working_set: Some(0),
        page_cache: Some(2000),
        ..Container::default()
    };
    assert_eq!(seen, expected);
}

fn v1_paths(cpu: &str, memory: &str) -> Vec<(Vec<String>, String)> {
    let of = |controllers: &[&str], path: &str| {
        (controllers.iter().map(|&name| name.to_owned()).collect(), path.to_owned())
    };
    vec![of(&["cpu", "cpuacct"], cpu), of(&["name=systemd"], "/x"), of(&["memory"], memory), of(&[], "/")]
}

#[test]
fn version_1_in_its_hierarchies() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let group = "kubepods/burstable/pod1/4711";
    let cpu = &[
        PROCS,
        ("cpu.cfs_quota_us", "250000\n"),
        ("cpu.cfs_period_us", "100000\n"),
        ("cpu.stat", "nr_periods 120\nnr_throttled 30\nthrottled_time 4500000000\n"),
        ("cpuacct.usage", "94815400123\n"),
    ];
    let memory = &[
        PROCS,
        ("memory.limit_in_bytes", "4294967296\n"),
        ("memory.usage_in_bytes", "3758096384\n"),
        (
            "memory.stat",
            "cache 1024\nrss 4096\ninactive_file 1\nactive_file 2\nhierarchical_memory_limit 4294967296\n\
             total_cache 2013265920\ntotal_rss 1610612736\ntotal_inactive_file 1073741824\n\
             total_active_file 939524096\n",
        ),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
    ];
    // As runtimes mount it in a container: each controller's own group, and `cpu` a link.
    write(&root.join("cpu,cpuacct"), cpu);
    std::os::unix::fs::symlink("cpu,cpuacct", root.join("cpu")).unwrap();
    std::os::unix::fs::symlink("cpu,cpuacct", root.join("cpuacct")).unwrap();
    write(&root.join("memory"), memory);
    let paths = v1_paths(&format!("/{group}"), &format!("/{group}"));
    let expected = Container {
        version: 1,
        cpu_seconds: Some(94.815_400_123),
        cpu_limit: Some(2.5),
        periods: Some(120),
        throttled_periods: Some(30),
        throttled_seconds: Some(4.5),
        pressure: None,
        ..whole()
    };
    assert_eq!(read(&[root.to_owned()], &paths, PID), Some(expected));
    // On a machine whose groups of the processor nobody uses: memory alone is the process's own.
    write(&root.join("cpu,cpuacct"), &[("cgroup.sane_behavior", "0\n")]);
    let seen = read(&[root.to_owned()], &v1_paths("/", &format!("/{group}")), PID).unwrap();
    assert_eq!((seen.cpu_seconds, seen.cpu_limit), (None, None));
    assert_eq!(seen.memory_usage, Some(3584 << 20));
    write(&root.join("memory"), &[("memory.limit_in_bytes", "9223372036854771712\n")]);
    assert_eq!(read(&[root.to_owned()], &paths, PID).unwrap().memory_limit, None);
}

#[test]
fn nonsense_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        &[
            PROCS,
            ("cpu.stat", "usage_usec\nusage_usec -3\nusage_usec 12x\n"),
            ("cpu.max", "0 0"),
            ("memory.current", "18446744073709551616\n"),
            ("memory.stat", "inactive_file 5"),
            ("cpu.pressure", "some total=\nfull total=1"),
            ("memory.pressure", ""),
        ],
    );
    let seen = read(&[root.to_owned()], &v2_path("/"), PID).unwrap();
    assert_eq!(seen, Container { version: 2, ..Container::default() });
    fs::remove_file(root.join("cgroup.procs")).unwrap();
    fs::create_dir(root.join("cgroup.procs")).unwrap();
    assert_eq!(read(&[root.to_owned()], &v2_path("/"), PID), None);
}
