//! What a stop takes from a partition: every small case, by another way of counting.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use pillion_probes::{
    replicas::PartitionName,
    set::Key,
    stops::{Block, Left, Minimums, Stops, VoterSeen, unseats},
    time::BootTime,
};

/// Each subset of the brokers 0..count.
fn subsets(count: u32) -> impl Iterator<Item = BTreeSet<u32>> {
    (0..1_u32 << count).map(move |bits| (0..count).filter(|broker| bits & (1 << broker) != 0).collect())
}

#[test]
fn every_partition_of_up_to_four_replicas() {
    let mut seen = BTreeSet::new();
    for replicas in 1..=4_u32 {
        for isr in subsets(replicas) {
            for eligible in subsets(replicas).filter(|all| all.is_disjoint(&isr)) {
                for leaving in subsets(replicas).filter(|all| !all.is_empty()) {
                    for least in 1..=5_usize {
                        let stays = |all: &BTreeSet<u32>| all.difference(&leaving).count();
                        let left = Left {
                            replicas: replicas as usize,
                            isr: isr.len(),
                            in_sync: stays(&isr),
                            eligible: stays(&eligible),
                        };
                        let block = left.block(least);
                        seen.insert(block);
                        // Who has everything that was acknowledged, and stays.
                        let mut holders: BTreeSet<_> = isr.difference(&leaving).collect();
                        if isr.len() < least {
                            holders.extend(eligible.difference(&leaving));
                        }
                        assert_eq!(block.is_none(), holders.len() >= least, "{left:?} {least}");
                        // What no return of another replica can end.
                        let best = replicas as usize - 1;
                        if let Some(block) = block.filter(|_| leaving.len() == 1) {
                            let healable = best >= least || (holders.is_empty() && replicas > 1);
                            assert_eq!(block.heals(), healable, "{left:?} {least}: {block:?}");
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen.len(), 1 + Block::ALL.len(), "each kind, and none");
}

#[test]
fn minimums_of_topics_and_the_cap() {
    let key = Key::new(7);
    let others = HashMap::from([(key.topic(b"strict"), 3), (key.topic(b"odd"), -1)]);
    let mut minimums = Minimums { asked: BootTime::default(), usual: 2, others, capped: false };
    let of = |minimums: &Minimums, name: &[u8], replicas| minimums.of(key.topic(name), replicas);
    assert_eq!((of(&minimums, b"any", 3), of(&minimums, b"strict", 3), of(&minimums, b"odd", 3)), (2, 3, 1));
    assert_eq!(of(&minimums, b"any", 1), 2, "before 3.7");
    minimums.capped = true;
    assert_eq!((of(&minimums, b"any", 1), of(&minimums, b"strict", 2)), (1, 2));
}

#[test]
fn voters_that_keep_up_are_a_majority_without_those_that_leave() {
    let of = |ages: &[Option<i64>], leaving: &[i32]| {
        let seen =
            |(id, age): (i32, &Option<i64>)| VoterSeen { id, caught_up_ms: age.map(|age| 100_000 - age) };
        let voters: Vec<_> = (1..).zip(ages).map(seen).collect();
        unseats(&voters, 1, leaving, Duration::from_secs(2)).map(|unseats| unseats.left)
    };
    let three = [Some(0), Some(500), Some(600)];
    assert_eq!((of(&three, &[3]), of(&three, &[1]), of(&three, &[9])), (None, None, None));
    assert_eq!(of(&three, &[2, 3]), Some(1));
    assert_eq!(of(&[Some(0), Some(500), Some(2001)], &[2]), Some(1), "one lags");
    assert_eq!(of(&[Some(0), Some(500), None], &[2]), Some(1), "one was never seen");
    assert_eq!(of(&[Some(0), Some(0)], &[2]), Some(1), "two have none to spare");
    assert_eq!(of(&[Some(0)], &[1]), Some(0));
    assert_eq!(of(&[Some(0); 5], &[1, 2]), None);
    assert_eq!(of(&[Some(-300), Some(0), Some(0)], &[3]), None, "a clock that steps back");
}

#[test]
fn counted_all_and_named_a_few() {
    let (mut all, mut page) = (Stops::default(), Stops::default());
    for partition in 0..20 {
        let name = || PartitionName { topic: "orders".into(), partition };
        page.add(if partition % 2 == 0 { Block::Last } else { Block::NoSlack }, name);
    }
    all.join(&page);
    all.join(&page);
    assert_eq!((all.count(Block::Last), all.count(Block::NoSlack), all.count(Block::BelowMin)), (20, 20, 0));
    assert_eq!((all.of(Block::Last).count(), all.of(Block::NoSlack).count()), (8, 8));
}
