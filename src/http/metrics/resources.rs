//! What the node has and uses. A series is absent while its value is not known.

use std::sync::atomic::AtomicU64;

use pillion_probes::resources::{Container, Interface, Process, Stall};
use prometheus_client::{
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Unit,
};

use super::{Labels, Sheet};
use crate::board::{LogDirTold, ResourcesTold};

type Real = Family<Labels, Gauge<f64, AtomicU64>>;
type RealCounter = Family<Labels, Counter<f64, AtomicU64>>;
/// Where a series has its value from.
type Of<T, V> = fn(&T) -> V;

impl Sheet {
    pub(super) fn resources(&mut self, told: &ResourcesTold) {
        if !told.log_dirs.is_empty() {
            self.log_dirs(&told.log_dirs);
        }
        if let Some(process) = &told.process {
            self.process(process);
        }
        if let Some(container) = &told.container {
            self.container(container);
        }
        self.network(&told.network);
    }

    fn log_dirs(&mut self, dirs: &[LogDirTold]) {
        let whole: [(_, _, _, Of<LogDirTold, Option<u64>>); 6] = [
            ("size", "Size of the log dir's file system", Some(Unit::Bytes), |dir| Some(dir.space?.size)),
            ("available", "What Kafka may still write to the log dir", Some(Unit::Bytes), |dir| {
                Some(dir.space?.available)
            }),
            (
                "kafka",
                "What Kafka says that its replicas there take, future ones included",
                Some(Unit::Bytes),
                |dir| dir.kafka_bytes,
            ),
            ("inodes", "Inodes of the log dir's file system", None, |dir| dir.space?.inodes),
            ("available_inodes", "Inodes that Kafka may still use", None, |dir| dir.space?.available_inodes),
            ("stuck", "Its file system has not answered a look for 5 s: 1 yes, 0 no", None, |dir| {
                Some(u64::from(dir.stuck))
            }),
        ];
        for (name, help, unit, of) in whole {
            let family = Family::<Labels, Gauge>::default();
            for dir in dirs {
                if let Some(value) = of(dir) {
                    family.get_or_create(&of_dir(dir)).set(i64::try_from(value).unwrap_or(i64::MAX));
                }
            }
            let name = format!("log_dir_{name}");
            match unit {
                Some(unit) => self.0.register_with_unit(name, help, unit, family),
                None => self.0.register(name, help, family),
            }
        }
        let real: [(_, _, _, Of<LogDirTold, Option<f64>>); 3] = [
            (
                "growth",
                "How fast the log dir's file system fills; absent without a clear trend",
                per_second(),
                |dir| dir.forecast.growth,
            ),
            (
                "time_to_full",
                "Time until the log dir's file system is full, going on so; absent when that cannot be known",
                Unit::Seconds,
                |dir| dir.forecast.full_in,
            ),
            (
                "write",
                "How long the last probe of the log dir took until a few bytes were on the disk",
                Unit::Seconds,
                |dir| dir.write_seconds,
            ),
        ];
        for (name, help, unit, of) in real {
            let family = Real::default();
            for dir in dirs {
                if let Some(value) = of(dir) {
                    family.get_or_create(&of_dir(dir)).set(value);
                }
            }
            self.0.register_with_unit(format!("log_dir_{name}"), help, unit, family);
        }
    }

    fn process(&mut self, process: &Process) {
        let cpu = ConstCounter::new(process.cpu_seconds);
        self.0.register_with_unit("broker_cpu", "Processor time of the node's process", Unit::Seconds, cpu);
        self.bytes("broker_memory_resident", "Resident memory of the node's process", process.resident);
        let counts = [
            ("broker_threads", "Threads of the node's process", Some(process.threads)),
            (
                "broker_open_files",
                "Files that the node's process has open, sockets included",
                process.open_files,
            ),
            (
                "broker_open_files_limit",
                "Files that the node's process may have open",
                process.open_files_limit,
            ),
            ("broker_sockets", "Sockets that the node's process has open", process.sockets),
        ];
        for (name, help, count) in counts {
            if let Some(count) = count {
                self.plain(name, help, i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        let started = ConstGauge::new(process.started);
        let help = "When the node's process started, in seconds since 1970";
        self.0.register_with_unit("broker_start_time", help, Unit::Seconds, started);
    }

    fn container(&mut self, container: &Container) {
        if let Some(limit) = container.cpu_limit {
            let (help, unit) = ("Cores that the node's container may use", Unit::Other("cores".to_owned()));
            self.0.register_with_unit("broker_cpu_limit", help, unit, ConstGauge::new(limit));
        }
        if let Some(held_up) = container.throttled_seconds {
            let help = "For how long the container's threads were held up by its limit of cores";
            self.0.register_with_unit(
                "broker_cpu_throttled",
                help,
                Unit::Seconds,
                ConstCounter::new(held_up),
            );
        }
        let counts = [
            (
                "broker_cpu_throttled_periods",
                "Periods in which the container was held up by its limit of cores",
                container.throttled_periods,
            ),
            (
                "broker_cpu_periods",
                "Periods in which the container's limit of cores was enforced",
                container.periods,
            ),
            (
                "broker_oom_kills",
                "Processes of the node's container that the kernel killed for lack of memory",
                container.oom_kills,
            ),
        ];
        for (name, help, count) in counts {
            if let Some(count) = count {
                self.0.register(name, help, ConstCounter::new(count));
            }
        }
        let bytes = [
            ("limit", "What the node's container may use", container.memory_limit),
            ("usage", "What the node's container uses, page cache included", container.memory_usage),
            (
                "working_set",
                "What the node's container uses less the page cache not needed lately: what a kubelet evicts by",
                container.working_set,
            ),
            ("page_cache", "Page cache of the node's container", container.page_cache),
        ];
        for (name, help, value) in bytes {
            if let Some(value) = value {
                self.bytes(&format!("broker_memory_{name}"), help, value);
            }
        }
        let Some(pressure) = &container.pressure else { return };
        let family = RealCounter::default();
        for (resource, stall) in [("cpu", pressure.cpu), ("memory", pressure.memory), ("io", pressure.io)] {
            let Some(Stall { some, full }) = stall else { continue };
            for (kind, waited) in [("some", Some(some)), ("full", full)] {
                if let Some(waited) = waited {
                    let labels = vec![("resource", resource.to_owned()), ("kind", kind.to_owned())];
                    family.get_or_create(&labels).inc_by(waited);
                }
            }
        }
        let help = "For how long some task of the node's container, or all, waited for a resource (PSI)";
        self.0.register_with_unit("broker_pressure", help, Unit::Seconds, family);
    }

    fn network(&mut self, interfaces: &[Interface]) {
        if interfaces.is_empty() {
            return;
        }
        let series: [(_, _, _, Of<Interface, u64>); 6] = [
            ("receive", "What the pod's interface received", Some(Unit::Bytes), |one| one.received.bytes),
            ("transmit", "What the pod's interface sent", Some(Unit::Bytes), |one| one.sent.bytes),
            ("receive_errors", "Packets that came in damaged", None, |one| one.received.errors),
            ("transmit_errors", "Packets that could not be sent", None, |one| one.sent.errors),
            ("receive_dropped", "Packets that came in and were dropped", None, |one| one.received.dropped),
            ("transmit_dropped", "Packets that were dropped instead of sent", None, |one| one.sent.dropped),
        ];
        for (name, help, unit, of) in series {
            let family = Family::<Labels, Counter>::default();
            for one in interfaces {
                family.get_or_create(&vec![("interface", one.name.clone())]).inc_by(of(one));
            }
            let name = format!("pod_network_{name}");
            match unit {
                Some(unit) => self.0.register_with_unit(name, help, unit, family),
                None => self.0.register(name, help, family),
            }
        }
    }
}

fn of_dir(dir: &LogDirTold) -> Labels {
    vec![("dir", dir.path.clone())]
}

fn per_second() -> Unit {
    Unit::Other("bytes_per_second".to_owned())
}
