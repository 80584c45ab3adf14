//! How far the consumer groups lag that this broker coordinates. No verdict rests on it.

use std::{collections::BTreeMap, time::Duration};

use pillion_probes::{
    lag::{Behind, Excluded, Lag},
    limits::Limits,
    observe::{Observations, Role},
    time::BootTime,
};
use serde::{Deserialize, Serialize};

use super::Trouble;

/// Groups that `/status` names: those that lag most, and those that are left out.
const NAMED: usize = 10;

/// What is known of the groups, in one life of the broker.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Number of the life in which it was asked for.
    pub life: u64,
    /// When that began.
    pub began: Option<BootTime>,
    /// How many there are.
    pub seen: usize,
    /// Which of them are not looked at.
    pub left_out: BTreeMap<String, Excluded>,
    /// The rest.
    pub groups: BTreeMap<String, Group>,
    /// When the last complete round of questions began.
    pub complete: Option<BootTime>,
    /// Why not everything is known.
    pub trouble: Option<Trouble>,
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// As Kafka calls its state: `Stable`, `Empty`, ...
    pub state: String,
    /// How many members it has.
    pub members: Option<usize>,
    /// Its lag by topic: the sum over the partitions in which it has committed, and the worst of their times.
    pub topics: BTreeMap<String, Lag>,
    /// In how many partitions it has committed.
    pub partitions: usize,
}

impl Group {
    fn total(&self) -> Lag {
        self.topics.values().fold(Lag::NONE, |all, one| all.and(*one))
    }
}

impl Groups {
    /// They are this broker's to tell of: it answers in the life in which they were asked for, and nobody can have taken its
    /// groups over without it knowing. One that is cut off goes on to name groups that others coordinate by now.
    pub fn are_told(&self, seen: &Observations, limits: &Limits, now: BootTime) -> bool {
        let proof = match seen.role {
            Role::ZooKeeper => seen.testimony.good.map(|at| (at, limits.peers)),
            Role::Broker | Role::Combined | Role::Controller | Role::ZooKeeperServer => {
                seen.contact.map(|contact| (contact.at, limits.contact))
            }
        };
        self.life == seen.incarnation.number && proof.is_some_and(|(at, limit)| now.since(at) <= limit)
    }

    pub(super) fn told(&self, now: BootTime) -> LagTold {
        let mut worst: Vec<GroupTold> = self.groups.iter().map(|(name, group)| told(name, group)).collect();
        worst.sort_by(|one, other| {
            // Longer than was looked is the worst there is, if anything waits.
            let beyond = |group: &GroupTold| group.more && group.messages > 0;
            let seconds = |group: &GroupTold| group.seconds.unwrap_or_default();
            (beyond(other).cmp(&beyond(one)))
                .then(seconds(other).total_cmp(&seconds(one)))
                .then(other.messages.cmp(&one.messages))
                .then(one.group.cmp(&other.group))
        });
        worst.truncate(NAMED);
        let mut counts: BTreeMap<Excluded, usize> = BTreeMap::new();
        for why in self.left_out.values() {
            *counts.entry(*why).or_default() += 1;
        }
        // What the lists say is no news.
        let named = self.left_out.iter().filter(|(_, why)| **why != Excluded::Lists).take(NAMED);
        LagTold {
            age_seconds: self.complete.map(|at| now.since(at).as_secs_f64()),
            groups_seen: self.seen,
            groups_left_out: counts,
            left_out: named.map(|(name, why)| LeftOut { group: name.clone(), why: *why }).collect(),
            worst,
            trouble: self.trouble.clone(),
        }
    }
}

fn told(name: &str, group: &Group) -> GroupTold {
    let total = group.total();
    let (time, more) = match total.time {
        Behind::About(time) => (time, false),
        Behind::MoreThan(time) => (time, true),
    };
    let worst = group.topics.iter().max_by_key(|(_, lag)| match lag.time {
        Behind::About(time) | Behind::MoreThan(time) => (time, lag.messages),
    });
    GroupTold {
        group: name.to_owned(),
        state: group.state.clone(),
        members: group.members,
        messages: total.messages,
        seconds: (!group.topics.is_empty()).then_some(time.as_secs_f64()),
        more,
        topic: worst.filter(|(_, lag)| lag.messages > 0).map(|(topic, _)| topic.clone()),
    }
}

/// How far the groups lag, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LagTold {
    /// Age of the last complete round of questions.
    pub age_seconds: Option<f64>,
    /// How many groups this broker coordinates.
    pub groups_seen: usize,
    /// How many of them are not looked at, by why.
    pub groups_left_out: BTreeMap<Excluded, usize>,
    /// The first of those that the lists do not leave out.
    pub left_out: Vec<LeftOut>,
    /// Those that lag most, the worst first.
    pub worst: Vec<GroupTold>,
    /// Why not everything is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// A group that is not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub group: String,
    /// Why.
    pub why: Excluded,
}

impl LeftOut {
    /// Why, in words.
    pub fn words(&self) -> &'static str {
        match self.why {
            Excluded::Lists => "left out: the lists say so",
            Excluded::MaxGroups => "left out: sidecar.lag.maxGroups",
            Excluded::MaxPartitions => "left out: sidecar.lag.maxPartitions",
            Excluded::TooLarge => "left out: it has committed in too many partitions",
            Excluded::Denied => "left out: the agent may not describe it",
        }
    }
}

/// How far a group lags, over all its topics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupTold {
    /// Its id.
    pub group: String,
    /// As Kafka calls its state.
    pub state: String,
    /// How many members it has.
    pub members: Option<usize>,
    /// Records that it has not consumed.
    pub messages: u64,
    /// How long ago the first of them was written, in the worst of its partitions; `None` where it has committed nothing.
    pub seconds: Option<f64>,
    /// It is longer ago than that: the log ends that were seen do not reach back so far.
    pub more: bool,
    /// The topic that is worst.
    pub topic: Option<String>,
}

impl LagTold {
    /// The groups in a line.
    pub fn summary(&self) -> String {
        let left_out: usize = self.groups_left_out.values().sum();
        let Some(age) = self.age_seconds else {
            return "which consumer groups are coordinated here is not known now".to_owned();
        };
        let age = super::Ago(seconds(age));
        format!(
            "{} consumer group(s) coordinated here, {left_out} left out; as of {age} ago",
            self.groups_seen
        )
    }
}

impl GroupTold {
    /// How far it lags, in words.
    pub fn words(&self) -> String {
        let messages = format!("{} message(s)", self.messages);
        let time = match self.seconds {
            Some(time) if self.messages > 0 => {
                let more = if self.more { "more than " } else { "" };
                format!(", {more}{}", super::Ago(seconds(time)))
            }
            _ => String::new(),
        };
        let topic = self.topic.as_ref().map(|topic| format!(", worst in {topic}")).unwrap_or_default();
        let members = self.members.map(|count| format!(", {count} member(s)")).unwrap_or_default();
        format!("{messages}{time}{topic} ({}{members})", self.state)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
