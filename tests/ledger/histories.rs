//! Random histories, against a model that remembers everything.

use std::collections::BTreeMap;

use pillion::ledger::Follower;
use proptest::prelude::*;

use super::{
    Bed, OWN, bed, caught_up,
    encode::{Change, change, no_op, partition, remove_topic, topic},
    unfenced,
};

const BROKERS: std::ops::Range<i32> = 1..5;

#[derive(Clone, Debug)]
enum Step {
    Create { topic: u8, replicas: Vec<Vec<i32>> },
    Remove { topic: u8 },
    Isr { topic: u8, index: i32, isr: Vec<i32>, leader: i32 },
    Move { topic: u8, index: i32, replicas: Vec<i32> },
    Idle,
}

fn brokers() -> impl Strategy<Value = Vec<i32>> {
    proptest::sample::subsequence(BROKERS.collect::<Vec<_>>(), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let topics = 0..6_u8;
    prop_oneof![
        3 => (topics.clone(), proptest::collection::vec(brokers(), 1..4)).prop_map(|(topic, replicas)| Step::Create { topic, replicas }),
        1 => topics.clone().prop_map(|topic| Step::Remove { topic }),
        6 => (topics.clone(), 0..4, brokers(), -1..5).prop_map(|(topic, index, isr, leader)| Step::Isr { topic, index, isr, leader }),
        3 => (topics, 0..4, brokers()).prop_map(|(topic, index, replicas)| Step::Move { topic, index, replicas }),
        1 => Just(Step::Idle),
    ]
}

#[derive(Clone, Debug)]
struct Partition {
    replicas: Vec<i32>,
    isr: Vec<i32>,
    leader: i32,
    adding: Vec<i32>,
}

/// Every partition of every topic that lives, under its generation.
#[derive(Clone, Debug, Default)]
struct Model {
    topics: BTreeMap<u8, u8>,
    partitions: BTreeMap<(u8, i32), Partition>,
    made: u8,
}

impl Model {
    /// Does a step, and returns the records that tell of it.
    fn play(&mut self, step: &Step) -> Vec<Vec<u8>> {
        match step {
            Step::Create { topic: number, replicas } if !self.topics.contains_key(number) => {
                self.made += 1;
                self.topics.insert(*number, self.made);
                let mut records = vec![topic(&format!("t{number}"), self.made)];
                for (index, replicas) in (0..).zip(replicas) {
                    records.push(partition(self.made, index, replicas, replicas, replicas[0]));
                    let made = Partition {
                        replicas: replicas.clone(),
                        isr: replicas.clone(),
                        leader: replicas[0],
                        adding: vec![],
                    };
                    self.partitions.insert((self.made, index), made);
                }
                records
            }
            Step::Remove { topic } => match self.topics.remove(topic) {
                Some(id) => {
                    self.partitions.retain(|(topic, _), _| *topic != id);
                    vec![remove_topic(id)]
                }
                None => vec![no_op()],
            },
            Step::Isr { topic, index, isr, leader } => {
                let Some((id, partition)) = self.find(*topic, *index) else { return vec![no_op()] };
                (partition.isr, partition.leader) = (isr.clone(), *leader);
                let told = Change { isr: Some(isr.clone()), leader: Some(*leader), ..Change::default() };
                vec![change(id, *index, &told)]
            }
            Step::Move { topic, index, replicas } => {
                let Some((id, partition)) = self.find(*topic, *index) else { return vec![no_op()] };
                let adding: Vec<i32> =
                    replicas.iter().filter(|id| !partition.replicas.contains(id)).copied().collect();
                (partition.replicas, partition.adding) = (replicas.clone(), adding.clone());
                let told =
                    Change { replicas: Some(replicas.clone()), adding: Some(adding), ..Change::default() };
                vec![change(id, *index, &told)]
            }
            _ => vec![no_op()],
        }
    }

    fn find(&mut self, topic: u8, index: i32) -> Option<(u8, &mut Partition)> {
        let id = *self.topics.get(&topic)?;
        Some((id, self.partitions.get_mut(&(id, index))?))
    }

    /// Assigned, led, with a fault, being added.
    fn count(&self) -> (u64, u64, u64, u64) {
        let (mut assigned, mut led, mut faulty, mut adding) = (0, 0, 0, 0);
        for partition in self.partitions.values().filter(|partition| partition.replicas.contains(&OWN)) {
            assigned += 1;
            led += u64::from(partition.leader == OWN);
            let out = !partition.isr.contains(&OWN);
            if out && partition.adding.contains(&OWN) {
                adding += 1;
            } else {
                faulty += u64::from(out || partition.leader < 0);
            }
        }
        (assigned, led, faulty, adding)
    }

    fn troubled(&self) -> u64 {
        let (_, _, faulty, adding) = self.count();
        faulty + adding
    }
}

/// Reads all there is, and once more for what came from others.
fn look_up(bed: &Bed, follower: &mut Follower) {
    while follower.step().unwrap() {}
    if let Some(wanted) = follower.state().wanted() {
        *follower = Follower::open(&bed.log, wanted, 0, || true).unwrap();
        while follower.step().unwrap() {}
        follower.state_mut().settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// What is followed, with look-ups, is what a model has that knows everything; and what is not committed counts as the
    /// worst of what it may come to.
    #[test]
    fn a_follower_knows_what_a_model_knows(
        steps in proptest::collection::vec(step(), 1..60),
        uncommitted in 0..8_usize,
        roll in 0..60_usize,
    ) {
        let mut bed = bed();
        bed.disk.append(&unfenced());
        let mut model = Model::default();
        let mut follower = bed.open();
        // What was true from each offset on.
        let mut past: Vec<(i64, Model)> = vec![(bed.disk.next, model.clone())];
        for (number, step) in steps.iter().enumerate() {
            if number == roll {
                bed.disk.roll();
            }
            bed.disk.append(&model.play(step));
            past.push((bed.disk.next, model.clone()));
            // Half of the steps are seen as they come, and looked up.
            if number % 2 == 0 {
                look_up(&bed, &mut follower);
            }
        }
        let (committed, _) = past[past.len().saturating_sub(1 + uncommitted)];
        for follower in [&mut follower, &mut bed.open()] {
            while follower.step().unwrap() {}
            follower.state_mut().commit(committed);
            let told = follower.state().tally(None);
            let worst = past.iter().filter(|(next, _)| *next >= committed).map(|(_, model)| model.troubled()).max();
            prop_assert!(told.faulty + told.adding >= worst.unwrap_or_default());
        }
        for follower in [&mut follower, &mut bed.open()] {
            look_up(&bed, follower);
            let told = caught_up(follower).unwrap();
            let (assigned, led, faulty, adding) = model.count();
            prop_assert_eq!((told.assigned, told.led, told.faulty, told.adding), (assigned, led, faulty, adding));
            prop_assert_eq!(told.topics, u64::try_from(model.topics.len()).unwrap());
            prop_assert!(follower.state().is_settled());
        }
    }
}
