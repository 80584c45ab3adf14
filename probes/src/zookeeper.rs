//! What the other brokers say of this one, where there is no quorum to follow: `ZooKeeper` mode.
//!
//! A broker that lost its `ZooKeeper` session never notices in its own metadata: it lists itself, as leader, in every
//! ISR, for ever. Only the others are told, by the controller (`KafkaController.onBrokerFailure`), when the session
//! has run out. So each round asks the controller that *others* name and up to two more of them, and weighs what they
//! say pessimistically: one word against is enough, silence proves nothing, and the last good round grows old.
//!
//! Not everybody who answers is a witness. A broker that has just started answers at first with no brokers, or with
//! brokers and no topics, and one that the other witnesses do not list serves what it knew before it was lost.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{limits::Limits, replicas::Tally, time::BootTime};

/// How many brokers are asked beside the controller.
pub const MORE: usize = 2;

/// What another broker says, by `Metadata` of all topics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Id of the broker that says it.
    pub broker: i32,
    /// When the first request was sent.
    pub sent: BootTime,
    /// When the last answer had been read.
    pub answered: BootTime,
    /// The brokers that it lists.
    pub brokers: Vec<i32>,
    /// This broker is among them.
    pub lists_us: bool,
    /// The controller that it names; negative when none.
    pub controller: i32,
    /// How this broker's replicas stand.
    pub tally: Tally,
}

impl View {
    /// It lists itself and names a controller: it has been told of the cluster.
    fn is_told(&self) -> bool {
        self.controller >= 0 && self.brokers.contains(&self.broker)
    }

    /// It says that this broker is not registered, or not in sync.
    pub fn is_against(&self) -> bool {
        !self.lists_us || is_faulty(&self.tally)
    }
}

/// A replica here is out of the ISR or offline. One that only lacks a leader is not this broker's fault: the leader
/// died, and the controller has not chosen another yet.
pub fn is_faulty(tally: &Tally) -> bool {
    tally.out_of_isr > 0 || tally.offline > 0
}

/// The answers of one round of questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// When the first question was sent.
    pub started: BootTime,
    /// Who answered, and what.
    pub views: Vec<View>,
    /// Who was asked and did not answer in time.
    pub silent: Vec<i32>,
    /// By its own word this broker is the whole cluster: it lists nobody else, and is the controller itself.
    pub alone: bool,
}

/// What this broker says of itself at the end of a round.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// Its id.
    pub id: i32,
    /// It lists itself, and names a controller.
    pub listed: bool,
    /// How its replicas stand, by its last complete scan.
    pub tally: Option<&'a Tally>,
}

/// Why the last round proved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "doubt")]
pub enum Doubt {
    /// Nobody who was asked answers.
    Silent,
    /// There are others, and none can be asked: all of them advertise this broker's own address.
    NobodyToAsk,
    /// Who answers has only just started, or is not listed by the others.
    NoWitness,
    /// The broker itself has not told everything yet.
    OwnUnknown,
    /// Another number of this broker's partitions is known there than here.
    Disagrees {
        /// Who disagrees.
        broker: i32,
        /// How many it knows.
        theirs: u64,
        /// How many this broker knows.
        ours: u64,
    },
    /// Partitions of this broker have no leader.
    Leaderless {
        /// How many.
        count: u64,
    },
    /// Topics that could not be looked into.
    Hidden,
}

/// The last word of each of the others, and what it comes to. Part of the observations of one life of the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// What each of them last said, while it counts.
    pub views: Vec<Arc<View>>,
    /// When the first round of the present row of good ones began.
    pub good_since: Option<BootTime>,
    /// When the last good round began.
    pub good: Option<BootTime>,
    /// Why the last round was not good, when nothing speaks against this broker either.
    pub doubt: Option<Doubt>,
    /// The controller that the others name does not answer, since.
    pub mute_controller: Option<(i32, BootTime)>,
    /// The good rounds rest on this broker's own word: there is nobody else.
    pub alone: bool,
}

enum Finding {
    Good,
    Against,
    Nothing(Doubt),
}

impl Testimony {
    /// Takes the answers of a round.
    pub fn take(&mut self, round: Round, own: Own<'_>, limits: &Limits) {
        let Round { started, views, silent, alone } = round;
        self.views.retain(|old| {
            started.since(old.sent) <= limits.peers && views.iter().all(|new| new.broker != old.broker)
        });
        self.views.extend(views.into_iter().map(Arc::new));
        self.note_controller(started, &silent, own.id);
        if alone {
            // It is the controller.
            self.mute_controller = None;
        }
        let nobody = silent.is_empty() && self.views.is_empty();
        match self.weigh(started, own, alone, nobody) {
            Finding::Good => {
                let unbroken = self.good.is_some_and(|good| started.since(good) <= limits.peers);
                self.good_since = self.good_since.filter(|_| unbroken).or(Some(started));
                (self.good, self.doubt, self.alone) = (Some(started), None, alone);
            }
            Finding::Against => (self.good, self.good_since, self.doubt) = (None, None, None),
            Finding::Nothing(doubt) => self.doubt = Some(doubt),
        }
    }

    /// Those whose word counts.
    pub fn witnesses(&self) -> impl Iterator<Item = &View> {
        let told = || self.views.iter().map(Arc::as_ref).filter(|view| view.is_told());
        told().filter(move |view| {
            told().all(|other| other.broker == view.broker || other.brokers.contains(&view.broker))
        })
    }

    /// The witness whose word against this broker weighs most.
    pub fn against(&self) -> Option<&View> {
        let weight = |view: &&View| (!view.lists_us, view.tally.faulty);
        self.witnesses().filter(|view| view.is_against()).max_by_key(weight)
    }

    /// The controller that the witnesses name: the one that the last of them to be asked names.
    pub fn controller(&self) -> Option<i32> {
        self.witnesses().max_by_key(|view| view.sent).map(|view| view.controller)
    }

    /// For how long every round was good; `None` when the last one is not.
    pub fn settled_for(&self) -> Option<Duration> {
        Some(self.good?.since(self.good_since?))
    }

    fn note_controller(&mut self, started: BootTime, silent: &[i32], own: i32) {
        // Without a witness nobody names one; what was known of it stays.
        let Some(controller) = self.controller() else { return };
        let known = self.mute_controller.filter(|(id, _)| *id == controller);
        let is_mute = controller != own && silent.contains(&controller);
        self.mute_controller = is_mute.then(|| known.unwrap_or((controller, started)));
    }

    fn weigh(&self, started: BootTime, own: Own<'_>, alone: bool, nobody: bool) -> Finding {
        if self.against().is_some() || own.tally.is_some_and(is_faulty) {
            return Finding::Against;
        }
        let Some(tally) = own.tally.filter(|_| own.listed) else {
            return Finding::Nothing(Doubt::OwnUnknown);
        };
        // Only who answered in this round can say something for this broker.
        let mut witnesses = self.witnesses().filter(|view| view.sent >= started).peekable();
        if witnesses.peek().is_none() && !alone {
            let answered = self.views.iter().any(|view| view.sent >= started);
            return Finding::Nothing(match (answered, nobody) {
                (true, _) => Doubt::NoWitness,
                (_, true) => Doubt::NobodyToAsk,
                _ => Doubt::Silent,
            });
        }
        let mut leaderless = tally.leaderless;
        for view in witnesses {
            let (theirs, ours) = (view.tally.assigned, tally.assigned);
            if theirs != ours {
                return Finding::Nothing(Doubt::Disagrees { broker: view.broker, theirs, ours });
            }
            if view.tally.unauthorized_topics + view.tally.failed_topics > 0 {
                return Finding::Nothing(Doubt::Hidden);
            }
            leaderless = leaderless.max(view.tally.leaderless);
        }
        match leaderless {
            0 => Finding::Good,
            count => Finding::Nothing(Doubt::Leaderless { count }),
        }
    }
}

/// Whom to ask next: the controller, and [`MORE`] of the others in the order of their ids, beginning behind this
/// broker's own, so that every broker is asked by about as many. Those that were silent last come last.
pub fn choose(own: i32, listed: &[i32], controller: Option<i32>, silent: &[i32]) -> Vec<i32> {
    let mut others: Vec<i32> = listed.iter().copied().filter(|id| *id != own).collect();
    others.sort_unstable_by_key(|id| (silent.contains(id), *id <= own, *id));
    others.dedup();
    let controller = controller.filter(|id| others.contains(id));
    let more = others.into_iter().filter(|id| Some(*id) != controller).take(MORE);
    controller.into_iter().chain(more).collect()
}
