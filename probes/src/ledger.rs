//! The metadata log on the broker's own volume, beside what the broker answers: two sources of one truth.
//!
//! The log leads. It counts when it has agreed once, in this life of the broker, with a scan of what the broker answers, and
//! for as long as nothing is known against it: it reaches what the broker has applied, and no later scan contradicts it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{replicas::Tally, set::Digest, time::BootTime};

/// A log that was not looked at for so long is no source any more.
pub const FRESH: Duration = Duration::from_secs(3);

/// What is known of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ledger")]
pub enum Ledger {
    /// It is followed.
    Follows(Followed),
    /// It is not.
    Lacks {
        /// Why.
        why: String,
        /// Since when.
        since: BootTime,
    },
}

/// A log that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// When it was last looked at.
    pub read: BootTime,
    /// Offset of the last record.
    pub end: i64,
    /// The last record says that the controllers have fenced this broker.
    pub fenced: bool,
    /// From the stamp of the last batch, by the controller's clock, until it was read, in milliseconds.
    pub delay_ms: Option<u64>,
    /// When it last agreed with what the broker answers, in this life.
    pub agreed: Option<BootTime>,
    /// The verdicts rest on it.
    pub counts: bool,
}

/// What both sources must say alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    own: Digest,
    offline: Digest,
    led: u64,
    troubled: u64,
}

impl From<&Tally> for Figures {
    /// Replicas that come or go are troubled, too: one source may know of a reassignment of which the other does not.
    fn from(tally: &Tally) -> Self {
        Self {
            own: tally.own,
            offline: tally.own_offline,
            led: tally.led,
            troubled: tally.faulty + tally.adding + tally.removing,
        }
    }
}

impl Figures {
    /// In numbers, for people and machines.
    pub fn told(&self) -> Told {
        Told {
            assigned: self.own.count,
            led: self.led,
            not_in_sync: self.troubled,
            offline: self.offline.count,
        }
    }
}

/// What one source says, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Partitions assigned to this broker.
    pub assigned: u64,
    /// Those that it leads.
    pub led: u64,
    /// Those with any trouble.
    pub not_in_sync: u64,
    /// Those whose replica here is offline.
    pub offline: u64,
}

/// The sources contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// When that was first seen.
    pub since: BootTime,
    /// What the log says.
    pub ledger: Told,
    /// What the broker answers.
    pub broker: Told,
}

/// The log as it was read after a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// What it says.
    pub figures: Figures,
    /// Offset of the last record that changed what it says.
    pub changed: i64,
    /// Nothing of it waits to be committed, or to be looked up.
    pub settled: bool,
}

/// Holds scans of what the broker answers against the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    agreed: Option<BootTime>,
    contradicted: Option<Contradiction>,
    /// A first contradiction, which a second scan has to confirm.
    doubted: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They were not of the same offset: scan again.
    Apart,
    /// They agree.
    Agrees,
    /// They do not, for the first time: scan again.
    Doubted,
    /// They do not.
    Contradicts,
}

impl Agreement {
    /// Compares a scan that began at `at`, when the broker was known to have applied the offset `applied`, with the log as it
    /// was read after the scan's end.
    ///
    /// The log leads what the broker answers from. So when the broker had applied the last change before the scan began, and
    /// the log has none since, both speak of the same.
    pub fn compare(&mut self, at: BootTime, applied: i64, scan: Figures, ledger: Side) -> Outcome {
        if !ledger.settled || ledger.changed > applied {
            return Outcome::Apart;
        }
        if scan == ledger.figures {
            *self = Self { agreed: Some(at), ..Self::default() };
            return Outcome::Agrees;
        }
        if !std::mem::replace(&mut self.doubted, true) {
            return Outcome::Doubted;
        }
        let since = self.contradicted.map_or(at, |before| before.since);
        self.contradicted = Some(Contradiction { since, ledger: ledger.figures.told(), broker: scan.told() });
        Outcome::Contradicts
    }

    /// When they last agreed.
    pub fn agreed(&self) -> Option<BootTime> {
        self.agreed
    }

    /// What stands against the log.
    pub fn contradiction(&self) -> Option<Contradiction> {
        self.contradicted
    }

    /// The log counts.
    pub fn holds(&self) -> bool {
        self.agreed.is_some() && self.contradicted.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: BootTime = BootTime::from_millis(1000);

    fn figures(led: u64) -> Figures {
        Figures::from(&Tally { led, ..Tally::default() })
    }

    fn side(led: u64, changed: i64) -> Side {
        Side { figures: figures(led), changed, settled: true }
    }

    #[test]
    fn what_is_not_of_the_same_offset_says_nothing() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.compare(AT, 9, figures(1), side(2, 10)), Outcome::Apart);
        let unsettled = Side { settled: false, ..side(2, 9) };
        assert_eq!(agreement.compare(AT, 9, figures(1), unsettled), Outcome::Apart);
        assert_eq!(agreement, Agreement::default());
        assert!(!agreement.holds());
    }

    #[test]
    fn a_contradiction_takes_two_scans_and_an_agreement_ends_it() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.compare(AT, 9, figures(1), side(1, 9)), Outcome::Agrees);
        assert!(agreement.holds());
        assert_eq!(agreement.compare(AT, 9, figures(1), side(2, 9)), Outcome::Doubted);
        assert!(agreement.holds());
        assert_eq!(agreement.compare(AT, 9, figures(1), side(2, 9)), Outcome::Contradicts);
        assert!(!agreement.holds());
        let later = AT.forth(Duration::from_secs(1));
        assert_eq!(agreement.compare(later, 9, figures(1), side(2, 9)), Outcome::Contradicts);
        let told = |led| Told { assigned: 0, led, not_in_sync: 0, offline: 0 };
        let contradiction = Contradiction { since: AT, ledger: told(2), broker: told(1) };
        assert_eq!(agreement.contradiction(), Some(contradiction));
        assert_eq!(agreement.compare(later, 9, figures(2), side(2, 9)), Outcome::Agrees);
        assert!(agreement.holds() && agreement.agreed() == Some(later));
    }

    #[test]
    fn the_log_does_not_count_before_it_has_agreed() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.compare(AT, 9, figures(1), side(2, 9)), Outcome::Doubted);
        assert!(!agreement.holds());
    }
}
