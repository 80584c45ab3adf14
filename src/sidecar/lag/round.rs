//! One round of questions: what groups have committed, where the logs end, how many members there are.

use std::collections::{BTreeMap, BTreeSet};

use pillion_probes::lag::{Excluded, Lag};

use super::{CAP, Keeper, ends::Leaders};
use crate::{
    board::{Group, Trouble},
    kafka::{
        Connection, WireError, codes,
        requests::{
            ApiVersions, CommittedGroup, CommittedTopic, GroupKind, ListedGroup, committed, committed_batch,
            members,
        },
    },
};

/// Groups to one question about their members, whose answer has the assignment of each.
const DESCRIBED: usize = 10;
/// What was known last stands for so many rounds.
const PATIENCE: u32 = 2;

impl Keeper<'_> {
    /// Asks about these groups; `full`: they are all that are looked at. `true` when everything was told.
    pub(super) async fn round(
        &mut self,
        asked: &[String],
        listed: Option<&[ListedGroup]>,
        full: bool,
    ) -> Result<bool, WireError> {
        let (told, mut complete) = self.all_committed(asked).await?;
        let told = self.fitting(told, full);
        let topics: BTreeSet<&str> = told.values().flatten().map(|topic| topic.topic.as_str()).collect();
        let led = self.leaders(topics).await?;
        let lacking = self.log_ends(&told, &led, full).await;
        complete &= lacking.is_none();
        for (name, topics) in &told {
            complete &= self.note(name, topics, &led);
        }
        if let Some(text) = lacking {
            let remedy = "partitions without a leader, or a broker that this agent cannot reach: see the page of that broker";
            self.groups.trouble = Some(Trouble { text, remedy: remedy.to_owned() });
        }
        if let Some(listed) = listed {
            self.count_members(asked, listed).await?;
        }
        Ok(complete)
    }

    /// What these groups have committed, and whether all of them told.
    async fn all_committed(
        &mut self,
        asked: &[String],
    ) -> Result<(Vec<(String, Vec<CommittedTopic>)>, bool), WireError> {
        let (mut all, mut complete) = (Vec::new(), true);
        let batch = committed_batch(&self.life.versions)?;
        let mut todo: Vec<&[String]> = asked.chunks(batch).collect();
        todo.reverse();
        while let Some(groups) = todo.pop() {
            let deadline = self.deadline();
            let own = self.connected().await?;
            let told = match committed(own.0, own.1, groups, deadline).await {
                // One of them is too large: it is found by halves.
                Err(WireError::FrameTooLarge { .. }) if groups.len() > 1 => {
                    let (first, rest) = groups.split_at(groups.len() / 2);
                    todo.extend([rest, first]);
                    continue;
                }
                Err(WireError::FrameTooLarge { .. }) => {
                    self.leave_out(groups, Excluded::TooLarge);
                    continue;
                }
                told => told?,
            };
            for CommittedGroup { name, outcome } in told {
                match outcome {
                    Ok(topics) => all.push((name, topics)),
                    Err(codes::NOT_COORDINATOR | codes::GROUP_ID_NOT_FOUND) => {
                        self.groups.groups.remove(&name);
                    }
                    Err(codes::GROUP_AUTHORIZATION_FAILED) => self.leave_out(&[name], Excluded::Denied),
                    Err(code) => {
                        tracing::debug!(
                            group = name,
                            code,
                            "what a consumer group has committed is not told"
                        );
                        complete = false;
                    }
                }
            }
        }
        Ok((all, complete))
    }

    fn leave_out(&mut self, groups: &[String], why: Excluded) {
        for name in groups {
            self.groups.groups.remove(name);
            self.groups.left_out.insert(name.clone(), why);
        }
    }

    /// Those whose partitions there is room for, the first in the order of their names.
    fn fitting(
        &mut self,
        told: Vec<(String, Vec<CommittedTopic>)>,
        full: bool,
    ) -> BTreeMap<String, Vec<CommittedTopic>> {
        let mut used =
            if full { 0 } else { self.groups.groups.values().map(|group| group.partitions).sum::<usize>() };
        let mut fitting = BTreeMap::new();
        for (name, topics) in told {
            let count: usize = topics.iter().map(|topic| topic.partitions.len()).sum();
            if used + count > self.settings.max_partitions {
                self.leave_out(&[name], Excluded::MaxPartitions);
            } else {
                used += count;
                fitting.insert(name, topics);
            }
        }
        fitting
    }

    /// Notes how far a group lags; `false` where a log end is not known. What was noted before stands for a moment then.
    fn note(&mut self, name: &str, topics: &[CommittedTopic], led: &Leaders) -> bool {
        let now = self.desk.now();
        let complete_at = self.groups.complete.or(self.groups.began);
        let moment = complete_at.is_some_and(|at| now.since(at) <= PATIENCE * self.settings.interval);
        let group = self.groups.groups.entry(name.to_owned()).or_default();
        let (mut before, mut complete) = (std::mem::take(&mut group.topics), true);
        group.partitions = topics.iter().map(|topic| topic.partitions.len()).sum();
        for CommittedTopic { topic, partitions } in topics {
            // Without leaders: the topic is gone, and what was committed in it goes, too.
            let Some(led) = led.get(topic) else { continue };
            let there = partitions.iter().filter(|(index, _)| led.contains_key(index));
            let lags = there.map(|(index, committed)| {
                self.known.fresh(topic, *index).and_then(|ends| ends.lag(*committed, now))
            });
            let lags: Vec<Option<Lag>> = lags.collect();
            let (lag, whole) = Lag::of_topic(&lags, before.remove(topic).filter(|_| moment));
            complete &= whole;
            if let Some(lag) = lag {
                group.topics.insert(topic.clone(), lag);
            }
        }
        complete
    }

    /// States come with the list; members are asked for where there are any.
    async fn count_members(&mut self, asked: &[String], listed: &[ListedGroup]) -> Result<(), WireError> {
        let mut by_kind: [(GroupKind, Vec<String>); 2] =
            [(GroupKind::Classic, Vec::new()), (GroupKind::Consumer, Vec::new())];
        for group in listed {
            let Some(noted) = self.groups.groups.get_mut(&group.name) else { continue };
            noted.state.clone_from(&group.state);
            match group.kind {
                GroupKind::Other { empty } => noted.members = empty.then_some(0),
                kind if asked.contains(&group.name) => {
                    let of_kind = by_kind.iter_mut().filter(|(known, _)| *known == kind);
                    of_kind.for_each(|(_, names)| names.push(group.name.clone()));
                }
                _ => {}
            }
        }
        for (kind, names) in by_kind {
            for names in names.chunks(DESCRIBED) {
                let deadline = self.deadline();
                let own = self.connected().await?;
                let counts = match members(own.0, own.1, kind, names, deadline).await {
                    // Their assignments are too long for an answer: how many members there are is not known then.
                    Err(WireError::FrameTooLarge { .. }) => BTreeMap::new(),
                    counts => counts?,
                };
                for name in names {
                    let noted: Option<&mut Group> = self.groups.groups.get_mut(name);
                    if let Some(noted) = noted {
                        noted.members = counts.get(name).copied();
                    }
                }
            }
        }
        Ok(())
    }

    /// The connection to the broker, which an answer that was too large has ended.
    pub(super) async fn connected(&mut self) -> Result<(&mut Connection, &ApiVersions), WireError> {
        if !self.own.as_ref().is_some_and(Connection::is_usable) {
            let opened = self.target.connect(self.deadline()).await?.with_cap(CAP);
            self.own = Some(opened);
        }
        let own = self.own.as_mut().ok_or(WireError::Abandoned)?;
        Ok((own, &self.life.versions))
    }
}
