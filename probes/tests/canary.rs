//! The canary's topic is made right in a few steps, stays as it is, and is left alone during a roll.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

use std::collections::{BTreeMap, BTreeSet};

use pillion_probes::canary::{self, COPIES, Minimum, Partition, Step, minimum};
use proptest::prelude::*;

fn ids(all: &[i32]) -> BTreeSet<i32> {
    all.iter().copied().collect()
}

/// Where no broker has a rack.
fn plan(topic: &[Partition], live: &BTreeSet<i32>, gone: &BTreeSet<i32>) -> Vec<Step> {
    canary::plan(topic, live, gone, &BTreeMap::new())
}

/// As Kafka would do it; a leader is the first replica that lives.
fn apply(topic: &mut Vec<Partition>, steps: Vec<Step>, live: &BTreeSet<i32>) {
    for step in steps {
        match step {
            Step::Create(rows) | Step::Add { rows, .. } => {
                for replicas in rows {
                    let index = i32::try_from(topic.len()).unwrap();
                    topic.push(Partition { index, leader: replicas[0], replicas });
                }
            }
            Step::Move { index, replicas } => {
                let one = &mut topic[usize::try_from(index).unwrap()];
                if !replicas.contains(&one.leader) {
                    one.leader = replicas[0];
                }
                one.replicas = replicas;
            }
            Step::Elect(all) => {
                for index in all {
                    let one = &mut topic[usize::try_from(index).unwrap()];
                    if live.contains(&one.replicas[0]) {
                        one.leader = one.replicas[0];
                    }
                }
            }
        }
    }
}

fn settle(topic: &mut Vec<Partition>, live: &BTreeSet<i32>, gone: &BTreeSet<i32>) {
    for _ in 0..4 {
        let steps = plan(topic, live, gone);
        apply(topic, steps, live);
    }
    assert_eq!(plan(topic, live, gone), [], "{topic:?} {live:?} {gone:?}");
}

#[test]
fn alone_there_is_none() {
    assert_eq!(plan(&[], &ids(&[1]), &ids(&[])), []);
    assert_eq!(plan(&[], &ids(&[1, 2]), &ids(&[])), [Step::Create(vec![vec![1, 2], vec![2, 1]])]);
}

#[test]
fn no_rack_has_all_copies() {
    let live = ids(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let racks: BTreeMap<i32, String> = live
        .iter()
        .map(|id| (*id, ["a", "b", "c"][usize::try_from((id - 1) / 3).unwrap()].to_owned()))
        .collect();
    let (mut topic, none) = (Vec::new(), ids(&[]));
    // As it was made before anybody looked at racks.
    settle(&mut topic, &live, &none);
    assert_eq!(topic[0].replicas, [1, 2, 3]);
    // And one that nobody needs, as a broker that is gone leaves it behind.
    topic.push(Partition { index: 9, replicas: vec![1, 2, 3], leader: 1 });
    let steps = canary::plan(&topic, &live, &none, &racks);
    apply(&mut topic, steps, &live);
    assert_eq!(canary::plan(&topic, &live, &none, &racks), [], "{topic:?}");
    for one in &topic {
        let zones: BTreeSet<&str> = one.replicas.iter().map(|id| &*racks[id]).collect();
        assert_eq!(zones.len(), 3, "{one:?}");
    }
    // Two zones for three copies, and one broker without any.
    let racks: BTreeMap<i32, String> =
        [(1, "a"), (2, "a"), (3, "b"), (4, "b")].map(|(id, rack)| (id, rack.to_owned())).into();
    let steps = canary::plan(&[], &ids(&[1, 2, 3, 4]), &none, &racks);
    assert_eq!(steps, [Step::Create(vec![vec![1, 3, 2], vec![2, 3, 4], vec![3, 1, 4], vec![4, 1, 2]])]);
    let steps = canary::plan(&[], &ids(&[1, 2, 5]), &none, &racks);
    assert_eq!(steps, [Step::Create(vec![vec![1, 5, 2], vec![2, 5, 1], vec![5, 1, 2]])]);
}

#[test]
fn a_broker_that_is_away_changes_nothing() {
    let mut topic = Vec::new();
    settle(&mut topic, &ids(&[1, 2, 3]), &ids(&[]));
    assert_eq!(topic.len(), 3);
    // 2 is restarted; 3 leads meanwhile.
    topic[1].leader = 3;
    assert_eq!(plan(&topic, &ids(&[1, 3]), &ids(&[])), []);
    assert_eq!(plan(&topic, &ids(&[1, 2, 3]), &ids(&[])), [Step::Elect(vec![1])]);
    // It does not come back, and 4 takes its place.
    settle(&mut topic, &ids(&[1, 3, 4]), &ids(&[2]));
    assert_eq!(topic.len(), 3, "what was left behind is used again: {topic:?}");
}

#[test]
fn one_may_stop_and_the_clusters_minimum_counts() {
    for (needed, own, copies, is) in [
        (1, false, 3, Minimum::Keep),
        (2, false, 3, Minimum::Keep),
        (3, false, 3, Minimum::Set(2)),
        (2, true, 3, Minimum::Keep),
        (1, false, 2, Minimum::Keep),
        (2, false, 2, Minimum::Set(1)),
        (1, true, 2, Minimum::Keep),
        // It was made while there were two brokers.
        (1, true, 3, Minimum::Inherit),
    ] {
        assert_eq!(minimum(needed, own, copies), is, "{needed} {own} {copies}");
    }
}

proptest! {
    #[test]
    fn it_becomes_right_and_stays_so(lives in proptest::collection::vec(proptest::collection::btree_set(0_i32..9, 2..7), 1..6)) {
        let (mut topic, mut ever) = (Vec::new(), BTreeSet::new());
        for live in lives {
            ever.extend(live.iter().copied());
            let gone: BTreeSet<i32> = ever.difference(&live).copied().collect();
            settle(&mut topic, &live, &gone);
            for id in &live {
                prop_assert!(topic.iter().any(|one| one.leader == *id), "{id} leads none of {topic:?}");
            }
            for one in &topic {
                let distinct: BTreeSet<_> = one.replicas.iter().collect();
                prop_assert_eq!(distinct.len(), live.len().min(COPIES));
                prop_assert_eq!(distinct.len(), one.replicas.len());
                prop_assert!(one.replicas.iter().all(|id| live.contains(id)));
            }
        }
    }
}
