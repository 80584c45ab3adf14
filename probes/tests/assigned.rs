//! What is assigned, what is hosted, and what comes and goes: compared without being held.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed step should stop the test"
)]

use std::{collections::BTreeSet, time::Duration};

use pillion_probes::{
    hosting::{Difference, LASTS, Ledger},
    moves::{AddingReplicas, HOLD, LIST_LIMIT, Move, Moves, hold},
    replicas::{PartitionName, Tally},
    set::{Digest, Key, PARTITIONS_KEPT, Sieve, minus},
    time::BootTime,
};
use proptest::prelude::*;

const KEY: Key = Key::new(7);

fn at(ms: u64) -> BootTime {
    BootTime::from_millis(ms)
}

fn name(topic: &str, partition: i32) -> PartitionName {
    PartitionName { topic: topic.to_owned(), partition }
}

fn hash(name: &PartitionName) -> u64 {
    KEY.topic(name.topic.as_bytes()).partition(name.partition)
}

fn digest<'a>(members: impl IntoIterator<Item = &'a PartitionName>) -> Digest {
    let mut digest = Digest::default();
    for member in members {
        digest.add(hash(member));
    }
    digest
}

fn sifted<'a>(mut sieve: Sieve, members: impl IntoIterator<Item = &'a PartitionName>) -> Sieve {
    for member in members {
        sieve.see(hash(member), member.topic.as_bytes(), member.partition);
    }
    sieve
}

fn names() -> impl Strategy<Value = BTreeSet<PartitionName>> {
    let one = ("[ab]{1,3}", 0..6).prop_map(|(topic, partition)| name(&topic, partition));
    prop::collection::btree_set(one, 0..40)
}

proptest! {
    /// Digests are equal exactly when the sets are, in whatever order their members come.
    #[test]
    fn equal_digests_are_equal_sets(a in names(), b in names()) {
        prop_assert_eq!(digest(&a) == digest(b.iter().rev()), a == b);
        let mut joined = digest(&a);
        let rest: Vec<_> = b.difference(&a).collect();
        joined.join(digest(rest.iter().copied()));
        prop_assert_eq!(joined, digest(a.union(&b)));
        prop_assert_eq!(joined.without(digest(rest)), digest(&a));
    }

    /// Slice by slice, with pages, the sieves find the members that differ, and their names.
    #[test]
    fn sieves_find_what_differs(a in names(), b in names(), slices in 1_u64..4, page in 1_usize..9) {
        let (mut only_a, mut named) = (0, BTreeSet::new());
        for number in 0..slices {
            let keep = |set: &BTreeSet<PartitionName>| {
                sifted(Sieve::slice(number, slices), set).into_hashes()
            };
            let differs = minus(&keep(&a), &keep(&b));
            only_a += differs.len();
            let template = Sieve::wanted(differs);
            let mut all = template.clone();
            for some in a.iter().collect::<Vec<_>>().chunks(page) {
                all.absorb(&sifted(template.clone(), some.iter().copied()));
            }
            prop_assert!(!all.overflowed());
            named.extend(all.partitions().cloned());
        }
        let expected: BTreeSet<_> = a.difference(&b).cloned().collect();
        prop_assert_eq!(only_a, expected.len());
        prop_assert_eq!(named, expected);
    }

    /// Once all was well, nothing counts that was not missing in every look for `LASTS`; before, everything does.
    #[test]
    fn only_what_lasts_counts(looks in prop::collection::vec((500_u64..6000, names()), 1..30)) {
        let mut ledger = Ledger::default();
        let (mut now, mut settled) = (0, false);
        let mut since: std::collections::BTreeMap<PartitionName, u64> = std::collections::BTreeMap::new();
        for (step, missing) in looks {
            now += step;
            let found = Difference {
                missing: missing.len() as u64,
                missing_named: missing.iter().cloned().collect(),
                ..Difference::default()
            };
            since.retain(|name, _| missing.contains(name));
            for name in &missing {
                since.entry(name.clone()).or_insert(now);
            }
            settled |= missing.is_empty();
            let hosting = ledger.differed(at(now), &found);
            let lasting = since.values().filter(|at| !settled || now - **at >= 10_000).count();
            prop_assert_eq!(hosting.missing, lasting as u64);
            prop_assert_eq!(hosting.is_good(), lasting == 0);
            prop_assert_eq!(hosting.asked, at(now));
        }
    }
}

#[test]
fn another_key_makes_other_hashes() {
    let orders = b"orders";
    assert_ne!(Key::new(1).topic(orders), Key::new(2).topic(orders));
    assert_ne!(KEY.topic(orders).partition(0), KEY.topic(orders).partition(1));
    let topics = [name("orders", 1), name("orders1", 0)];
    assert_ne!(hash(&topics[0]), hash(&topics[1]));
}

#[test]
fn a_sieve_is_bounded() {
    assert_eq!(Sieve::slices(0), 1);
    assert!(Sieve::slices(1_000_000) > 30);
    let many: Vec<_> = (0..70_000).map(|partition| name("orders", partition)).collect();
    let all = sifted(Sieve::slice(0, 1), &many);
    assert!(all.overflowed(), "more than it keeps, and it says so");
    assert_eq!(all.into_hashes().len(), Sieve::HASHES_MAX);
    let slices = Sieve::slices(70_000);
    let kept: usize =
        (0..slices).map(|number| sifted(Sieve::slice(number, slices), &many).into_hashes().len()).sum();
    assert_eq!(kept, 70_000, "in slices nothing is lost");
    let wanted = sifted(Sieve::wanted(many.iter().take(100).map(hash).collect()), &many);
    let first: Vec<_> = wanted.partitions().map(|name| name.partition).collect();
    assert_eq!(first, (0..i32::try_from(PARTITIONS_KEPT).unwrap()).collect::<Vec<_>>());
    assert_eq!((wanted.topics().count(), wanted.into_hashes().len()), (1, 100));
}

#[test]
fn what_is_without_a_name_counts_with_those_that_have_one() {
    let many = |named: usize| Difference {
        hidden: 1000,
        hidden_named: (0..named).map(|number| format!("topic-{number:03}")).collect(),
        ..Difference::default()
    };
    let mut ledger = Ledger::new(true);
    assert!(ledger.differed(at(0), &many(8)).is_good());
    let lasts = at(0).forth(LASTS);
    let hosting = ledger.differed(lasts, &many(8));
    assert_eq!((hosting.hidden, hosting.hidden_named.len()), (1000, 8));
    let hosting = ledger.differed(lasts, &many(9));
    assert_eq!(hosting.hidden, 8, "one is new, so the nameless ones may be");
    assert!(ledger.agreed(lasts).is_good());
    assert!(ledger.differed(lasts, &many(8)).is_good(), "it begins anew");
    assert_eq!(Ledger::new(false).differed(at(0), &many(0)).hidden, 1000);
}

#[test]
fn moves_are_told_apart() {
    let [coming, going, other] = [name("a", 0), name("a", 1), name("a", 2)];
    let moves = Moves::new(at(1000), vec![hash(&coming)], vec![hash(&going)]);
    assert_eq!(moves.of(hash(&coming)), Some(Move::Adding));
    assert_eq!(moves.of(hash(&going)), Some(Move::Removing));
    assert_eq!(moves.of(hash(&other)), None);
    assert!(moves.young(at(1000).forth(LIST_LIMIT)));
    assert!(!moves.young(at(1001).forth(LIST_LIMIT)), "then all replicas count");
    assert_eq!((moves.told().adding, moves.told().removing), (1, 1));
}

#[test]
fn whether_added_ones_count() {
    let counts = |policy: AddingReplicas| [policy.counts(false), policy.counts(true)];
    assert_eq!(counts(AddingReplicas::UntilInSync), [true, false]);
    assert_eq!(counts(AddingReplicas::Count), [true, true]);
    assert_eq!(counts(AddingReplicas::Ignore), [false, false]);
}

#[test]
fn lag_waits_only_for_a_newer_list_and_not_for_long() {
    let mut out = Tally::default();
    out.count_assigned(0, false, true, false, || "a".into());
    let (first, now) = (at(5000), at(5100));
    assert!(hold(&out, None, first, now), "no list yet");
    assert!(hold(&out, Some(at(4999)), first, now), "a list from before it was seen");
    assert!(!hold(&out, Some(first), first, now), "a list that does not know it");
    assert!(!hold(&out, None, first, first.forth(HOLD)), "the controller does not answer");
    assert!(!hold(&Tally::default(), None, first, now), "nothing to wait for");
    let mut graver = out.clone();
    graver.count_assigned(1, true, false, false, || "a".into());
    assert!(!hold(&graver, None, first, now), "other faults do not wait");
    let mut graver = out;
    graver.count_assigned(1, false, true, true, || "a".into());
    assert!(!hold(&graver, None, first, now));
}

#[test]
fn moving_replicas_are_no_faults() {
    let mut tally = Tally::default();
    tally.count_assigned(0, true, true, false, || "a".into());
    tally.count_moving(1, Move::Adding, || "a".into());
    tally.count_moving(2, Move::Removing, || "a".into());
    assert_eq!((tally.assigned, tally.adding, tally.removing, tally.faulty), (3, 1, 1, 0));
    assert_eq!(tally.adding_named.len(), 1);
    assert!(Duration::from_secs(5) < LASTS, "more than one look at the log dirs");
}
