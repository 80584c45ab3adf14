//! The turn: who wants to stop the node, what they are answered, and who holds it.

use std::time::Duration;

use pillion_probes::{time::BootTime, turn::Wanted};
use serde::{Deserialize, Serialize};

use super::{Ago, Trouble};

/// Who has not asked again for so long does not want to stop the node any more.
const ASKED: Duration = Duration::from_secs(5);

/// The code of a stop that goes on although it should not, for its time is up.
pub const TIME_UP: &str = "time-up";

/// What whoever wants to stop the node is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainTold {
    /// It goes on with the stop; else it asks again.
    pub go: bool,
    /// Why, as a stable code.
    pub code: String,
    /// Why, in a line.
    pub text: String,
}

/// The turn, as it is seen from here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnTold {
    /// Where it is kept; empty where no turns are taken.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kept: String,
    /// Who holds it.
    pub holder: Option<String>,
    /// Since when, RFC 3339, by the holder's clock.
    pub since: Option<String>,
    /// This node does.
    pub mine: bool,
    /// How many partitions it still leads, after it was told that it may stop; Kafka hands them over as it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads: Option<u64>,
    /// For how long somebody has wanted to stop this node.
    pub wanted_for_seconds: Option<f64>,
    /// What they were answered last.
    pub answer: Option<DrainTold>,
    /// Why it is not known who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

impl TurnTold {
    /// Who holds it, in words.
    pub fn holder_words(&self) -> String {
        let since = self.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
        match &self.holder {
            _ if self.trouble.is_some() => "nobody knows who has it".to_owned(),
            None => "nobody has it".to_owned(),
            Some(holder) if self.mine => match self.leads {
                None => format!("this node has it{since} ({holder})"),
                Some(leads) => {
                    format!("this node has it{since} ({holder}), stops, and leads {leads} partition(s)")
                }
            },
            Some(holder) => format!("{holder} has it{since}"),
        }
    }

    /// Who wants to stop this node, in words; `None` where nobody does.
    pub fn wanted_words(&self) -> Option<String> {
        let length = Ago(Duration::try_from_secs_f64(self.wanted_for_seconds?).unwrap_or_default());
        let answer = self.answer.as_ref().map_or("", |answer| answer.text.as_str());
        let does =
            if self.answer.as_ref().is_some_and(|answer| answer.go) { "it may go" } else { "it waits" };
        Some(format!("this node is to stop, since {length}; {does}: {answer}"))
    }
}

/// What the board keeps of it.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    wanted: Option<(Wanted, BootTime)>,
    /// What is told of it.
    pub told: TurnTold,
}

impl Turn {
    /// Somebody wants to stop the node, now, and goes on after `left`, whatever is said.
    pub(super) fn want(&mut self, now: BootTime, left: Duration) -> DrainTold {
        // One whose time was up has gone on: who asks now is another. And nobody's time is up but who says so.
        let before = self.wanted(now).filter(|before| now < before.until || left.is_zero());
        let others = |told: &DrainTold| told.code == TIME_UP && !left.is_zero();
        if before.is_none() || self.told.answer.as_ref().is_some_and(others) {
            self.told.answer = None;
        }
        let since = before.map_or(now, |wanted| wanted.since);
        self.wanted = Some((Wanted { since, until: now.forth(left) }, now));
        let looks =
            || DrainTold { go: false, code: "not-looked".into(), text: "the agent takes a look".into() };
        let told = self.told.answer.clone().unwrap_or_else(looks);
        if told.go {
            // They have heard it, and ask no more.
            self.wanted = None;
        }
        told
    }

    /// Whether anybody wants to.
    pub fn wanted(&self, now: BootTime) -> Option<Wanted> {
        self.wanted.filter(|(_, asked)| now.since(*asked) < ASKED).map(|(wanted, _)| wanted)
    }

    /// For people; `None` where turns are not taken and nobody wants to stop the node.
    pub(super) fn told(&self, now: BootTime) -> Option<TurnTold> {
        let wanted = self.wanted(now).map(|wanted| now.since(wanted.since).as_secs_f64());
        let told = TurnTold { wanted_for_seconds: wanted, ..self.told.clone() };
        (!told.kept.is_empty() || wanted.is_some()).then_some(told)
    }
}
