//! A `ZooKeeper` server.

use std::time::Duration;

use pillion_probes::server::State;
use prometheus_client::metrics::{family::Family, gauge::Gauge};

use super::{Labels, Sheet};
use crate::board::Published;

/// Nothing beside a node of Kafka. All of it is of the last answer, whose age is told.
pub(super) fn fill(sheet: &mut Sheet, published: &Published) {
    let Some(told) = published.seen.server else { return };
    sheet.age(
        "zookeeper_server_age",
        "Age of the ZooKeeper server's last answer",
        published.now.boot.since(told.sent),
    );
    let states = Family::<Labels, Gauge>::default();
    for state in State::ALL {
        let labels = vec![("state", state.word().to_owned())];
        states.get_or_create(&labels).set(i64::from(state == told.state));
    }
    sheet.0.register(
        "zookeeper_server_state",
        "Of the ZooKeeper server, as it last said: 1 this, 0 not",
        states,
    );
    let latency = told.latency_us.map(|all| all.map(Duration::from_micros));
    if let Some([least, mean, longest]) = latency {
        sheet.age(
            "zookeeper_server_latency_min",
            "Shortest time that a request took since the server was started",
            least,
        );
        sheet.age(
            "zookeeper_server_latency_avg",
            "Mean time that requests took since the server was started",
            mean,
        );
        sheet.age(
            "zookeeper_server_latency_max",
            "Longest time that a request took since the server was started",
            longest,
        );
    }
    let counts = [
        (
            "zookeeper_server_outstanding",
            "Requests that wait in the ZooKeeper server",
            "requests",
            told.outstanding,
        ),
        (
            "zookeeper_server_open",
            "Connections of clients to the ZooKeeper server",
            "connections",
            told.connections,
        ),
    ];
    for (name, help, unit, value) in counts {
        if let Some(value) = value {
            sheet.count(name, help, unit, value);
        }
    }
    if let Some(ensemble) = told.ensemble {
        let of = |count| u64::try_from(count).unwrap_or(u64::MAX);
        sheet.count(
            "zookeeper_server_quorum",
            "Voters of the ensemble; told by its leader",
            "voters",
            of(ensemble.voters),
        );
        let help = "Voters that follow in sync with the leader, which is not counted; told by the leader";
        sheet.count("zookeeper_server_synced", help, "voters", of(ensemble.synced));
    }
}
