//! How far consumer groups lag, in records and in time.
//!
//! A partition's lag in records is its log end less what the group has committed. In time it is how long ago the log ended
//! where the group is now: the first record that it has not consumed was written then. That instant is found among the log
//! ends that were seen, each with the instant at which it was asked for.

use std::time::Duration;

use crate::time::BootTime;

mod choose;

pub use choose::{Choice, Excluded, Lists, choose};

/// Most log ends that are kept of a partition.
pub const KEPT: usize = 24;

/// The log ends of one partition that were seen, oldest first: neither instants nor offsets go backwards. Instants are in
/// milliseconds since boot, negative before it.
///
/// When there are more than [`KEPT`], every other one of the older half is dropped. So the newest stay close to each other,
/// the oldest reach far back, and the time that is found errs by no more than the gap it lies in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends(Vec<(i64, i64)>);

impl Ends {
    /// Takes the log end that an answer to a question sent at `at` named.
    pub fn see(&mut self, at: BootTime, end: i64) {
        let at = millis(at.since_boot());
        match self.0.last() {
            // Cut back after an unclean election, or another topic of the same name: what was seen is of another log.
            Some((_, last)) if end < *last => self.0.clear(),
            Some((when, _)) if at <= *when => return,
            _ => {}
        }
        // While nothing is written, the first and the last of the equal ends say all there is to say.
        if let [.., (_, before), (when, last)] = self.0.as_mut_slice()
            && *before == end
            && *last == end
        {
            *when = at;
            return;
        }
        self.0.push((at, end));
        self.thin();
    }

    /// Takes where the log ended before it was first looked at: how long before `now`, and the offset of the first record
    /// whose timestamp is not older, the oldest first; negative where there is no such record, so that it ended then where it
    /// ended at first. What does not fit to what was seen is passed over.
    pub fn reach_back(&mut self, now: BootTime, told: &[(Duration, i64)]) {
        let Some((first, end)) = self.0.first().copied() else { return };
        let now = millis(now.since_boot());
        let mut before: Vec<(i64, i64)> = Vec::with_capacity(told.len());
        for (ago, offset) in told {
            let at = now.saturating_sub(millis(*ago));
            let offset = if *offset < 0 { end } else { *offset };
            let fits = before.last().is_none_or(|(when, last)| at > *when && offset >= *last);
            if fits && at < first && offset <= end {
                before.push((at, offset));
            }
        }
        self.0.splice(0..0, before);
        self.thin();
    }

    fn thin(&mut self) {
        while self.0.len() > KEPT {
            let half = self.0.len() / 2;
            let mut place = 0;
            self.0.retain(|_| {
                place += 1;
                // The oldest one reaches furthest back: it stays.
                place % 2 == 1 || place > half
            });
        }
    }

    /// The newest.
    pub fn last(&self) -> Option<i64> {
        self.0.last().map(|(_, end)| *end)
    }

    /// Those that are kept, oldest first, each with its instant in milliseconds since boot.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        self.0.iter().copied()
    }

    /// How far a group that has committed `committed` lags at `now`; `None` when no log end was seen.
    pub fn lag(&self, committed: i64, now: BootTime) -> Option<Lag> {
        let messages = self.last()?.saturating_sub(committed).max(0).unsigned_abs();
        let time = if messages == 0 { Behind::About(Duration::ZERO) } else { self.behind(committed, now) };
        Some(Lag { messages, time })
    }

    fn behind(&self, committed: i64, now: BootTime) -> Behind {
        let since = |at: i64| {
            let ms = millis(now.since_boot()).saturating_sub(at);
            Duration::from_millis(u64::try_from(ms).unwrap_or(0))
        };
        let after = self.0.partition_point(|(_, end)| *end <= committed);
        let before = after.checked_sub(1).and_then(|before| self.0.get(before));
        match (before, self.0.get(after)) {
            (Some((from, low)), Some((to, high))) => {
                let share = part(committed.saturating_sub(*low), high.saturating_sub(*low));
                let (longest, shortest) = (since(*from), since(*to));
                Behind::About(longest.saturating_sub(longest.saturating_sub(shortest).mul_f64(share)))
            }
            (None, Some((first, _))) => Behind::MoreThan(since(*first)),
            // Everything that was seen lies below what is committed.
            (_, None) => Behind::About(Duration::ZERO),
        }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// `share` of `whole`, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a share of the gap between two samples, shown in seconds")]
fn part(share: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (share.max(0) as f64 / whole as f64).min(1.0) }
}

/// How long ago what a group consumes next was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// So long.
    About(Duration),
    /// Longer than the log ends that were seen reach back.
    MoreThan(Duration),
}

/// How far a group lags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Records from what is committed to the log end.
    pub messages: u64,
    /// The same in time.
    pub time: Behind,
}

impl Lag {
    /// No partition at all.
    pub const NONE: Self = Self { messages: 0, time: Behind::About(Duration::ZERO) };

    /// Of two partitions together: all their records, and the worse of their times. Where the worst is not known, all that
    /// is known of it is how long it is at the least.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let time = match (self.time, other.time) {
            (Behind::About(one), Behind::About(other)) => Behind::About(one.max(other)),
            (Behind::MoreThan(one) | Behind::About(one), Behind::MoreThan(other) | Behind::About(other)) => {
                Behind::MoreThan(one.max(other))
            }
        };
        Self { messages: self.messages.saturating_add(other.messages), time }
    }

    /// Of the partitions of a topic, and whether all of them are known. Where they are not, what was known `before` stands:
    /// a leader moves. Without it (it is too old to stand) it is what is known, as Kafka's own tool has it: so much it is at
    /// the least.
    pub fn of_topic(partitions: &[Option<Self>], before: Option<Self>) -> (Option<Self>, bool) {
        let mut known = partitions.iter().flatten().copied();
        let whole = partitions.iter().all(Option::is_some);
        let sum = known.clone().fold(Self::NONE, Self::and);
        match before.filter(|_| !whole) {
            Some(before) => (Some(before), false),
            None if whole || known.next().is_some() => (Some(sum), whole),
            None => (None, false),
        }
    }
}
