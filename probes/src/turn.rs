//! The turn: a lock that all nodes of a cluster share, so that one at a time stops. What to do next, from what is seen.
//!
//! It is kept in a record that changes only when nobody changed it meanwhile (a Kubernetes Lease by its
//! `resourceVersion`, or a file under a lock). No instant that another machine wrote is believed: a holder is given up
//! when its record has stood unchanged, on the own clock, for as long as the holder said it may.
//!
//! What it promises: from the answer that a node may stop until it is in sync again nobody else is told to go, if its agent
//! lives; and if not, until the record has expired, which is no sooner than the record's duration after that answer. A stop
//! must begin and end within that. After it *stoppable* alone protects: whoever takes a turn over looks at the cluster anew,
//! when the controllers must have noticed what became of the one before.

use std::time::Duration;

use crate::time::BootTime;

/// Between two renewals.
pub const RENEW: Duration = Duration::from_secs(10);
/// A look at the record counts for so long. That it may be old costs nothing but an attempt: a record that was changed
/// meanwhile is not overwritten.
pub const LOOK: Duration = Duration::from_secs(15);

/// The longest that a record may say it lasts: whatever somebody wrote into it, it expires.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The record, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who holds it, if anybody.
    pub holder: Option<String>,
    /// How long it must stand unchanged before others may take it.
    pub duration: Duration,
    /// Since when, in milliseconds of the holder's clock since 1970: for people.
    pub acquired_ms: Option<i64>,
    /// Changes with every write.
    pub revision: String,
}

/// The record as it is seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What it says.
    pub record: Record,
    /// When this revision was first seen.
    pub since: BootTime,
    /// When the last look at it was begun.
    pub looked: BootTime,
}

impl Sight {
    /// What is seen after another look.
    #[must_use]
    pub fn after(before: Option<&Self>, record: Record, began: BootTime, now: BootTime) -> Self {
        let same = before.filter(|before| before.record.revision == record.revision);
        Self { record, since: same.map_or(now, |before| before.since), looked: began }
    }

    /// Its holder has not been heard of for so long that it has stopped, or died. `least`: the own duration.
    pub fn expired(&self, least: Duration, now: BootTime) -> bool {
        now.since(self.since) >= self.lasts(least)
    }

    fn lasts(&self, least: Duration) -> Duration {
        self.record.duration.min(LONGEST).max(least)
    }

    /// When it may be taken, unless its holder is heard of.
    pub fn left(&self, least: Duration, now: BootTime) -> Duration {
        self.lasts(least).saturating_sub(now.since(self.since))
    }
}

/// How the turn is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long the own record must stand unchanged before others may take it; not below what a stop may take.
    pub duration: Duration,
    /// After it was taken from one that is not heard of: how long the controllers may take to notice its end
    /// (`broker.session.timeout.ms`).
    pub settle: Duration,
}

/// What the agent knows of its own part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Somebody wants to stop the node.
    pub wanted: Option<Wanted>,
    /// It holds the turn.
    pub held: Option<Held>,
    /// It was told that the node may stop, and the holder was confirmed.
    pub granted: Option<Granted>,
}

/// The node was told that it may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// When.
    pub at: BootTime,
    /// In which life of the node.
    pub life: u64,
}

/// Somebody wants to stop the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Since when.
    pub since: BootTime,
    /// It goes then, whatever is said.
    pub until: BootTime,
}

/// It holds the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Since when this agent knows.
    pub since: BootTime,
    /// It was taken from one that was not heard of.
    pub taken_over: bool,
    /// The last renewal was begun then.
    pub renewed: BootTime,
}

/// The node, as it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Why it waits for nothing: it serves nothing that a stop could take, or goes for good with all that were set up with
    /// it. `None` where it may have to wait.
    pub at_once: Option<Go>,
    /// It may stop, or waiting would not help.
    pub may_stop: bool,
    /// As of when that is so.
    pub as_of: Option<BootTime>,
    /// It is in sync, or forced to count as such.
    pub ready: bool,
    /// Which life of the node it is.
    pub life: u64,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Rest,
    /// Write the own name into the record that is seen.
    Take {
        /// Who held it and is not heard of.
        over: Option<String>,
    },
    /// Write the record anew, so that it does not expire.
    Renew,
    /// Write the record anew, and if that succeeds say that the node may stop.
    Confirm,
    /// Take the own name out of the record.
    GiveBack(Returned),
    /// Say that the node has to wait.
    Wait(Wait),
    /// Say that the node may stop.
    Go(Go),
}

/// Why the turn is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The node is in sync.
    InSync,
    /// It may not stop now, and others may.
    MayNotStop,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The node may not stop: see the verdict.
    MayNotStop,
    /// Another node has the turn.
    Held {
        /// Which.
        by: String,
        /// It may be taken after that, unless the other is heard of.
        left: Duration,
    },
    /// Nobody knows who has the turn.
    Unknown,
    /// The one before was not heard of: the controllers may yet notice its end.
    Settling {
        /// For how long.
        left: Duration,
    },
    /// What is known of the cluster is older than the turn.
    Older,
}

/// Why the node may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// It has its turn and may stop.
    Turn,
    /// It may stop, and no turns are taken.
    MayStop,
    /// It has nothing that a stop could take.
    ServesNothing,
    /// It goes for good, and all with it.
    Disbanded,
    /// It should not; the time is up.
    TimeUp,
}

/// What to do next. `rules`: none where no turns are taken. `sight`: the last look at the record, if there was one.
pub fn next(
    name: &str,
    part: &Part,
    sight: Option<&Sight>,
    node: &Node,
    rules: Option<&Rules>,
    now: BootTime,
) -> Step {
    let sight = sight.filter(|sight| now.since(sight.looked) < LOOK);
    let mine = sight.is_some_and(|sight| sight.record.holder.as_deref() == Some(name));
    let Some(wanted) = part.wanted else {
        return match part.held.filter(|_| mine) {
            Some(held) => keep(part, sight, held, node, now),
            None => Step::Rest,
        };
    };
    // What an earlier life was told is over: the turn would be given back while this one stops.
    if part.granted.is_some_and(|granted| granted.life == node.life) && mine {
        return Step::Go(Go::Turn);
    }
    if let Some(go) = node.at_once {
        return Step::Go(go);
    }
    if now >= wanted.until {
        return Step::Go(Go::TimeUp);
    }
    let Some(rules) = rules else {
        return if node.may_stop { Step::Go(Go::MayStop) } else { Step::Wait(Wait::MayNotStop) };
    };
    match (sight, part.held.filter(|_| mine)) {
        (None, _) => Step::Wait(Wait::Unknown),
        (Some(_), Some(held)) => holding(held, node, rules, now),
        (Some(_), None) if !node.may_stop => Step::Wait(Wait::MayNotStop),
        (Some(sight), None) => take(sight, rules, now),
    }
}

/// Nobody asks any more, and it has the turn: it is being stopped, or is back. A node may look fine for long while it stops;
/// only another life shows that it is back. One that is not stopped after all has the turn until it would have expired.
fn keep(part: &Part, sight: Option<&Sight>, held: Held, node: &Node, now: BootTime) -> Step {
    let patience = sight.map_or(Duration::ZERO, |sight| sight.lasts(Duration::ZERO));
    let stopping = |granted: Granted| granted.life == node.life && now.since(granted.at) < patience;
    if node.ready && !part.granted.is_some_and(stopping) {
        return Step::GiveBack(Returned::InSync);
    }
    if now.since(held.renewed) >= RENEW { Step::Renew } else { Step::Rest }
}

/// It has the turn and wants to stop.
fn holding(held: Held, node: &Node, rules: &Rules, now: BootTime) -> Step {
    let settled = if held.taken_over { held.since.forth(rules.settle) } else { held.since };
    if now < settled {
        return Step::Wait(Wait::Settling { left: settled.since(now) });
    }
    if node.as_of.is_none_or(|as_of| as_of < settled) {
        return Step::Wait(Wait::Older);
    }
    if node.may_stop { Step::Confirm } else { Step::GiveBack(Returned::MayNotStop) }
}

fn take(sight: &Sight, rules: &Rules, now: BootTime) -> Step {
    match &sight.record.holder {
        None => Step::Take { over: None },
        Some(by) if sight.expired(rules.duration, now) => Step::Take { over: Some(by.clone()) },
        Some(by) => Step::Wait(Wait::Held { by: by.clone(), left: sight.left(rules.duration, now) }),
    }
}
