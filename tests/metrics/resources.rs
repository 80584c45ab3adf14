//! What the node has and uses: its series, and what people read of it.

use std::{io, sync::Arc, time::Duration};

use pillion::board::{Board, LogDir, STALE, STUCK, Status};
use pillion_probes::resources::{Container, Interface, Pressure, Process, Space, Stall, Traffic};

use super::{
    all_of_it, ask,
    made_up::{Stepped, board, healthy},
    metrics,
};

const GB: u64 = 1 << 30;

fn status(board: &Arc<Board>) -> Status {
    serde_json::from_slice(&ask(board, "/status")).unwrap()
}

/// A container of which everything is known.
fn container() -> Container {
    let stall = Some(Stall { some: 1.5, full: Some(0.5) });
    Container {
        version: 2,
        cpu_seconds: Some(1000.0),
        cpu_limit: Some(2.5),
        periods: Some(100),
        throttled_periods: Some(7),
        throttled_seconds: Some(3.25),
        memory_limit: Some(8 * GB),
        memory_usage: Some(6 * GB),
        working_set: Some(4 * GB),
        page_cache: Some(3 * GB),
        oom_kills: Some(1),
        pressure: Some(Pressure { cpu: stall, memory: stall, io: stall }),
    }
}

/// Looks at everything for so many hours, until the present instant; the first log dir fills by 10 GB an hour.
pub fn measure(board: &Board, clock: &Stepped, hours: u32) {
    board.measure(|all| {
        let new = |path: &str| LogDir::new(path, Some(Duration::from_secs(10)));
        all.log_dirs = vec![new("/data/0"), new("/data/1")];
    });
    for look in 0..=hours * 360 {
        clock.step(Duration::from_secs(10));
        let now = clock.now().boot;
        board.measure(|all| {
            let filling = 200 * GB - u64::from(look) * 10 * GB / 360;
            for (dir, available) in all.log_dirs.iter_mut().zip([filling, 300 * GB]) {
                dir.ask(now);
                let (inodes, available_inodes) = (Some(1 << 20), Some(1 << 19));
                let space = Space { size: 500 * GB, available, inodes, available_inodes, read_only: false };
                dir.answer(now, Ok(space));
                dir.wrote(now, Ok(Duration::from_millis(4)));
                dir.rest();
            }
            let process = Process {
                pid: 4711,
                cpu_seconds: 990.5,
                threads: 95,
                resident: 3 * GB,
                open_files: Some(812),
                sockets: Some(40),
                open_files_limit: Some(100_000),
                started: 1_700_000_010.25,
            };
            all.process = Some((now, process));
            all.container = Some((now, container()));
            let traffic = Traffic { bytes: 1 << 33, errors: 1, dropped: 2 };
            let eth0 = Interface { name: "eth0".into(), received: traffic, sent: traffic };
            all.network = Some((now, vec![eth0]));
        });
    }
}

#[test]
fn resources_have_the_agreed_names() {
    let (board, _) = all_of_it();
    let text = metrics(&board);
    for line in [
        "pillion_log_dir_size_bytes{dir=\"/data/0\"} 536870912000",
        "pillion_log_dir_available_bytes{dir=\"/data/1\"} 322122547200",
        "pillion_log_dir_inodes{dir=\"/data/0\"} 1048576",
        "pillion_log_dir_available_inodes{dir=\"/data/0\"} 524288",
        "pillion_log_dir_kafka_bytes{dir=\"/data/0\"} 182536110080",
        "pillion_log_dir_write_seconds{dir=\"/data/0\"} 0.004",
        "pillion_log_dir_stuck{dir=\"/data/0\"} 0",
        "pillion_broker_cpu_seconds_total 990.5",
        "pillion_broker_cpu_limit_cores 2.5",
        "pillion_broker_cpu_throttled_seconds_total 3.25",
        "pillion_broker_cpu_throttled_periods_total 7",
        "pillion_broker_cpu_periods_total 100",
        "pillion_broker_memory_limit_bytes 8589934592",
        "pillion_broker_memory_usage_bytes 6442450944",
        "pillion_broker_memory_working_set_bytes 4294967296",
        "pillion_broker_memory_page_cache_bytes 3221225472",
        "pillion_broker_memory_resident_bytes 3221225472",
        "pillion_broker_oom_kills_total 1",
        "pillion_broker_pressure_seconds_total{resource=\"io\",kind=\"full\"} 0.5",
        "pillion_broker_threads 95",
        "pillion_broker_open_files 812",
        "pillion_broker_open_files_limit 100000",
        "pillion_broker_sockets 40",
        "pillion_broker_start_time_seconds 1700000010.25",
        "pillion_pod_network_receive_bytes_total{interface=\"eth0\"} 8589934592",
        "pillion_pod_network_transmit_bytes_total{interface=\"eth0\"} 8589934592",
        "pillion_pod_network_receive_errors_total{interface=\"eth0\"} 1",
        "pillion_pod_network_transmit_errors_total{interface=\"eth0\"} 1",
        "pillion_pod_network_receive_dropped_total{interface=\"eth0\"} 2",
        "pillion_pod_network_transmit_dropped_total{interface=\"eth0\"} 2",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}{{dir=\"/data/0\"}} ")));
        line.unwrap_or_else(|| panic!("{name}: {text}")).parse().unwrap()
    };
    let growth = value("pillion_log_dir_growth_bytes_per_second");
    let hourly = growth * 3600.0 / f64::from(1 << 30);
    assert!((hourly - 10.0).abs() < 0.1, "{hourly} GB an hour");
    let full = value("pillion_log_dir_time_to_full_seconds") / 3600.0;
    assert!((full - 190.0 / 10.0).abs() < 0.5, "{full} h");
    assert!(!text.contains("pillion_log_dir_growth_bytes_per_second{dir=\"/data/1\"}"), "it does not grow");
}

#[test]
fn what_is_not_known_is_absent_and_what_is_old_goes() {
    let (board, clock) = board(healthy);
    for word in ["log_dir_size", "broker_threads", "broker_cpu", "pod_network"] {
        assert!(!metrics(&board).contains(word), "{word}");
    }
    measure(&board, &clock, 0);
    board.measure(|all| {
        all.container =
            all.container.map(|(at, seen)| (at, Container { memory_limit: None, pressure: None, ..seen }));
    });
    let text = metrics(&board);
    assert!(text.contains("broker_memory_usage") && !text.contains("broker_memory_limit"), "{text}");
    assert!(!text.contains("broker_pressure"), "{text}");
    // A look that never ends: told, after a while without the values that it would have brought.
    board.measure(|all| all.log_dirs[0].ask(clock.now().boot));
    clock.step(STUCK);
    let stuck = "pillion_log_dir_stuck{dir=\"/data/0\"} 1";
    assert!(!metrics(&board).contains(stuck));
    clock.step(Duration::from_millis(1));
    let text = metrics(&board);
    assert!(text.contains(stuck) && text.contains("pillion_log_dir_stuck{dir=\"/data/1\"} 0"), "{text}");
    assert!(text.contains("pillion_log_dir_size_bytes{dir=\"/data/0\"}"), "{text}");
    assert!(
        status(&board).resources.log_dirs[0].trouble.as_ref().unwrap().contains("not answered for 5.0 s")
    );
    clock.step(STALE);
    let text = metrics(&board);
    assert!(text.contains(stuck) && !text.contains("log_dir_size_bytes{"), "{text}");
    assert!(!text.contains("broker_threads") && !text.contains("pod_network"), "{text}");
    assert!(!text.contains("log_dir_kafka_bytes{"), "the broker's answer is as old: {text}");
    // It comes back with an error, and then it is well.
    let now = clock.now().boot;
    board.measure(|all| {
        all.log_dirs[0].answer(now, Err(io::Error::from_raw_os_error(5)));
        all.log_dirs[0].rest();
    });
    let told = status(&board).resources.log_dirs.remove(0);
    assert!(!told.stuck && told.space.is_none() && told.trouble.unwrap().contains("Input/output error"));
    board.measure(|all| {
        all.log_dirs[0]
            .answer(now, Ok(Space { size: 10, available: 4, read_only: true, ..Space::default() }));
    });
    let told = status(&board).resources.log_dirs.remove(0);
    assert_eq!(
        (told.space.map(|space| space.available), told.trouble.as_deref()),
        (Some(4), Some("it is mounted read-only"))
    );
}

#[test]
fn people_read_it_too() {
    let (board, _) = all_of_it();
    let told = status(&board).resources;
    assert_eq!(told.log_dirs[0].row(), ["500.0 GiB", "190.0 GiB", "170.0 GiB", "10.0 GiB/h", "19.0 h"]);
    assert_eq!(told.log_dirs[1].row()[3..], ["-", "-"]);
    assert_eq!(
        told.summary().unwrap(),
        "memory 4.0 GiB of 8.0 GiB in use, held up by its CPU limit in 7 of 100 periods, 1 killed for lack of memory, \
         process 4711 with 3.0 GiB resident, 95 threads, 812 of 100000 files open, 40 of them sockets"
    );
    let page = String::from_utf8(ask(&board, "/")).unwrap();
    let row = "<th scope=row>/data/0</th><td data-head=\"size\">500.0 GiB</td><td data-head=\"free\">190.0 GiB</td>";
    assert!(page.contains(row), "{page}");
}
