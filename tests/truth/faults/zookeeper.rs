//! The same faults in `ZooKeeper` mode, where other things are right, and other bounds hold.

use std::time::Duration;

use crate::{
    fault::{AT_ONCE, Bound, Fault, SCAN},
    scene::Stage,
};

/// Each second the others are asked.
const ROUND: Bound = (Duration::from_millis(1250), "one round of the others, and a poll");
const SILENT: Bound =
    (Duration::from_millis(4500), "its own list, asked each second with a deadline of 3 s, and a poll");
const NEVER: Bound = (Duration::ZERO, "it is in sync throughout");
const STEADY: Bound = (SCAN, "one poll and a scan");
const SETTLES: Bound = (
    Duration::from_secs(5),
    "two good rounds of the others at least 2.5 s apart, which a broker that was just called out has to wait for",
);

/// What differs from the fault of the same name with `KRaft`.
struct Other {
    name: &'static str,
    /// Played on 2.8 too.
    old: bool,
    short: bool,
    right: &'static str,
    bound: Bound,
    grace: Bound,
}

const OTHERS: &[Other] = &[
    Other {
        name: "cold-start-behind",
        old: false,
        short: false,
        right: "Unready until it is in every ISR. The port opens before the broker knows of any partition (its cache is \
                empty until UpdateMetadata), and long before it has caught up.",
        bound: AT_ONCE,
        grace: SETTLES,
    },
    Other {
        name: "restart-empty-cache",
        old: true,
        short: false,
        right: "Unready until the others have it in every ISR. A starting broker says for a moment that there are no \
                brokers, or no topics (MetadataCache before the first UpdateMetadata): that is not health.",
        bound: AT_ONCE,
        grace: SETTLES,
    },
    Other {
        name: "kill-recovery",
        old: false,
        short: false,
        right: "Unready at once, alive while it recovers, ready when the others have it in every ISR. ZooKeeper turns it \
                away until its old session is over (KafkaZkClient.checkedEphemeralCreate), so it is started after that.",
        bound: AT_ONCE,
        grace: SETTLES,
    },
    Other {
        name: "replaced-empty-disk",
        old: false,
        short: false,
        right: "Unready until every replica has been copied anew and is in its ISR.",
        bound: AT_ONCE,
        grace: SETTLES,
    },
    Other {
        name: "controlled-shutdown",
        old: true,
        short: false,
        right: "Unready as soon as it leaves the ISRs, which a controlled shutdown makes it do while it still serves \
                (KafkaController.doControlledShutdown).",
        bound: ROUND,
        grace: SETTLES,
    },
    Other {
        name: "paused",
        old: false,
        short: false,
        right: "Unready: it serves nobody, and ZooKeeper ends its session after 18 s. After SIGCONT its own view claims \
                full sync for up to 2 s; the others know better.",
        bound: SILENT,
        grace: SETTLES,
    },
    Other {
        name: "another-dead",
        old: false,
        short: false,
        right: "Ready: its own replicas are in sync. The dead one may be the controller; until its session is over nobody \
                takes its place, and the others go on to vouch.",
        bound: NEVER,
        grace: STEADY,
    },
    Other {
        name: "cut-off",
        old: true,
        short: true,
        right: "Nobody can know until ZooKeeper ends its session; from then on it is out, and half of what it acknowledges \
                is lost. Its own metadata never notices. ZooKeeper itself stops answering from there; where it goes on \
                to, only the others can tell: the controller unregisters the broker \
                (KafkaController.onBrokerFailure) up to 18.5 s after the cut.",
        bound: ROUND,
        grace: SETTLES,
    },
    Other {
        name: "out-of-isr",
        old: false,
        short: false,
        right: "Unready while a leader has it out of an ISR (Partition.maybeShrinkIsr), and until it has caught up.",
        bound: ROUND,
        grace: SETTLES,
    },
];

/// All of them, stage by stage, given those with `KRaft`.
pub fn faults(kraft: &[Fault]) -> Vec<Fault> {
    let on = |stage: Stage, other: &Other| {
        let same = kraft.iter().find(|fault| fault.name == other.name);
        let same = same.unwrap_or_else(|| panic!("no fault {}", other.name)).clone();
        let title = match other.name {
            "cut-off" => "cut off from ZooKeeper for 40 s, serving on",
            _ => same.title,
        };
        let short = other.short && stage == Stage::Zookeeper;
        let &Other { right, bound, grace, .. } = other;
        Fault { title, stage, short, right, bound, grace, ..same }
    };
    let newer = OTHERS.iter().map(|other| on(Stage::Zookeeper, other));
    let older = OTHERS.iter().filter(|other| other.old).map(|other| on(Stage::Zookeeper28, other));
    newer.chain(older).collect()
}
