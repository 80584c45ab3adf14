//! Where the logs end that groups have committed in, asked of whoever leads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use pillion_probes::{lag::Ends, time::BootTime};

use super::{CAP, Keeper};
use crate::kafka::{
    Connection, WireError,
    requests::{ApiVersions, CommittedTopic, Ended, leaders, log_ends},
};

/// See [`REACHES`].
const NEAREST: Duration = Duration::from_secs(30);
/// How long before the first look at a partition it is asked where its log ended: 30 s, and from there each twice as long, up
/// to a day and a half. So the lag in time of a group that was taken over, or of all when an agent starts, is known at once.
const REACHES: u32 = 13;
/// Partitions to one question, of one leader in one round, about where their logs ended: a broker looks each of them up.
const REACHED: usize = 100;
/// Topics to one question about their leaders.
const TOPICS: usize = 50;

/// Topic, partition, and the id of its leader.
pub(super) type Leaders = BTreeMap<String, BTreeMap<i32, i32>>;
/// Partitions by topic.
type Wanted<'a> = BTreeMap<&'a str, BTreeSet<i32>>;
/// The least that any group has committed, by topic and partition.
type Least<'a> = BTreeMap<&'a str, BTreeMap<i32, i64>>;

/// The log ends that were seen, of those partitions that groups have committed in.
#[derive(Default)]
pub(super) struct Known {
    round: u64,
    by_topic: BTreeMap<String, BTreeMap<i32, Seen>>,
}

#[derive(Default)]
struct Seen {
    ends: Ends,
    /// It was asked where the log ended before.
    reached: bool,
    /// The last round in which it was wanted, and in which it was told.
    wanted: u64,
    told: u64,
}

impl Known {
    /// The log ends of a partition, if the newest is of this round.
    pub(super) fn fresh(&self, topic: &str, partition: i32) -> Option<&Ends> {
        let seen = self.by_topic.get(topic)?.get(&partition)?;
        (seen.told == self.round).then_some(&seen.ends)
    }

    fn begin(&mut self, wanted: &Wanted<'_>) {
        self.round += 1;
        for (topic, partitions) in wanted {
            let known = self.by_topic.entry((*topic).to_owned()).or_default();
            for index in partitions {
                known.entry(*index).or_default().wanted = self.round;
            }
        }
    }

    fn take(&mut self, sent: BootTime, told: Vec<Ended>) {
        let round = self.round;
        for Ended { topic, partition, end } in told {
            // Only what was asked for is kept, whatever is answered.
            if let Some(seen) = self.by_topic.get_mut(&topic).and_then(|known| known.get_mut(&partition)) {
                seen.ends.see(sent, end);
                seen.told = round;
            }
        }
    }

    /// Those of the partitions in which a group has committed less than was seen of the log.
    fn unreached<'a>(&self, asked: &[(&'a str, Vec<i32>)], least: &Least<'_>) -> Vec<(&'a str, Vec<i32>)> {
        let mut room = REACHED;
        let mut all = Vec::new();
        for (topic, indexes) in asked {
            let late = |index: &&i32| {
                let seen = self.by_topic.get(*topic).and_then(|known| known.get(index));
                let first = seen.filter(|seen| !seen.reached).and_then(|seen| seen.ends.iter().next());
                let committed = least.get(topic).and_then(|least| least.get(index));
                first.zip(committed).is_some_and(|((_, end), committed)| *committed < end)
            };
            let late: Vec<i32> = indexes.iter().filter(late).take(room).copied().collect();
            room -= late.len();
            if !late.is_empty() {
                all.push((*topic, late));
            }
        }
        all
    }

    fn reach(&mut self, now: BootTime, asked: &[(&str, Vec<i32>)], told: &[(Duration, Vec<Ended>)]) {
        let mut by_place: BTreeMap<(&str, i32), Vec<(Duration, i64)>> = BTreeMap::new();
        for (ago, ends) in told {
            for Ended { topic, partition, end } in ends {
                by_place.entry((topic, *partition)).or_default().push((*ago, *end));
            }
        }
        for (topic, indexes) in asked {
            let Some(known) = self.by_topic.get_mut(*topic) else { continue };
            for index in indexes {
                let Some(seen) = known.get_mut(index) else { continue };
                seen.reached = true;
                seen.ends.reach_back(now, by_place.get(&(*topic, *index)).map_or(&[], Vec::as_slice));
            }
        }
    }

    /// Forgets what nobody has committed in any more.
    fn forget(&mut self) {
        let round = self.round;
        self.by_topic.retain(|_, known| {
            known.retain(|_, seen| seen.wanted == round);
            !known.is_empty()
        });
    }

    fn lacking(&self, wanted: &Wanted<'_>) -> Option<String> {
        let all =
            wanted.iter().flat_map(|(topic, indexes)| indexes.iter().map(move |index| (*topic, *index)));
        let mut lacking = all.filter(|(topic, index)| self.fresh(topic, *index).is_none());
        let (topic, index) = lacking.next()?;
        let more = lacking.count();
        let others = if more > 0 { format!(" and of {more} more") } else { String::new() };
        Some(format!("where the log of {topic}-{index} ends is not told{others}"))
    }
}

impl Keeper<'_> {
    /// Who leads the partitions of these topics. A topic that is gone is left out.
    pub(super) async fn leaders(&mut self, topics: BTreeSet<&str>) -> Result<Leaders, WireError> {
        let names: Vec<String> = topics.into_iter().map(str::to_owned).collect();
        let mut all = Leaders::new();
        for names in names.chunks(TOPICS) {
            let deadline = self.deadline();
            let (own, versions) = self.connected().await?;
            for led in leaders(own, versions, names, deadline).await? {
                if let Some(leaders) = led.leaders {
                    all.insert(led.topic, leaders.into_iter().collect());
                }
            }
        }
        Ok(all)
    }

    /// Asks each leader where the logs end in which groups have committed; of `full` rounds what else was known is
    /// forgotten. What is lacking, in words.
    pub(super) async fn log_ends(
        &mut self,
        committed: &BTreeMap<String, Vec<CommittedTopic>>,
        led: &Leaders,
        full: bool,
    ) -> Option<String> {
        let mut wanted: Wanted<'_> = BTreeMap::new();
        let mut least: Least<'_> = BTreeMap::new();
        let mut by_leader: BTreeMap<i32, Wanted<'_>> = BTreeMap::new();
        for CommittedTopic { topic, partitions } in committed.values().flatten() {
            let Some(leaders) = led.get(topic) else { continue };
            for (index, offset) in partitions {
                let Some(leader) = leaders.get(index) else { continue };
                wanted.entry(topic).or_default().insert(*index);
                let least = least.entry(topic).or_default().entry(*index).or_insert(*offset);
                *least = (*least).min(*offset);
                by_leader.entry(*leader).or_default().entry(topic).or_default().insert(*index);
            }
        }
        self.known.begin(&wanted);
        for (leader, of_leader) in by_leader {
            let asked: Vec<(&str, Vec<i32>)> = of_leader
                .into_iter()
                .map(|(topic, indexes)| (topic, indexes.into_iter().collect()))
                .collect();
            // One that cannot be asked must not keep the others from being asked.
            if let Err(error) = self.ask_leader(leader, &asked, &least).await {
                tracing::debug!(leader, %error, "where logs end is not told");
            }
        }
        if full {
            self.known.forget();
        }
        self.known.lacking(&wanted)
    }

    async fn ask_leader(
        &mut self,
        leader: i32,
        asked: &[(&str, Vec<i32>)],
        least: &Least<'_>,
    ) -> Result<(), WireError> {
        let (mut connection, versions) = self.connection_to(leader).await?;
        let sent = self.desk.clock.now();
        let told = log_ends(&mut connection, &versions, asked, None, self.deadline()).await?;
        self.known.take(sent.boot, told);
        let late = self.known.unreached(asked, least);
        if !late.is_empty() {
            let mut told = Vec::new();
            for ago in (0..REACHES).rev().map(|power| NEAREST * 2_u32.pow(power)) {
                let ms = sent.wall_ms.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX));
                let deadline = self.deadline();
                told.push((ago, log_ends(&mut connection, &versions, &late, Some(ms), deadline).await?));
            }
            self.known.reach(sent.boot, &late, &told);
        }
        if leader == self.target.id {
            self.own = Some(connection);
        }
        Ok(())
    }

    /// The own connection is lent; to another broker one is made.
    async fn connection_to(&mut self, id: i32) -> Result<(Connection, Arc<ApiVersions>), WireError> {
        if id == self.target.id {
            self.connected().await?;
            let own = self.own.take().ok_or(WireError::Abandoned)?;
            return Ok((own, Arc::clone(&self.life.versions)));
        }
        let address = self.target.address_of(id).ok_or(WireError::Abandoned)?;
        let (connection, versions) = self.target.connect_to(&address, self.deadline()).await?;
        Ok((connection.with_cap(CAP), Arc::new(versions)))
    }
}
