//! The metadata log on disk, as it is written, rolled, cut off, replaced, damaged and unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod encode;
mod histories;

use std::{collections::HashSet, fs};

use encode::{
    Change, Disk, change, feature, no_op, partition, register, registration_change, remove_topic, topic,
};
use pillion::ledger::{Follower, Log, Trouble, batch::BatchError};
use pillion_probes::{replicas::Tally, set::Key};
use tempfile::TempDir;

const OWN: i32 = 1;

struct Bed {
    _dir: TempDir,
    disk: Disk,
    log: Log,
}

fn bed() -> Bed {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(dir.path());
    let log = Log { dir: disk.dir.clone(), own: OWN, key: Key::new(1) };
    Bed { _dir: dir, disk, log }
}

impl Bed {
    fn open(&self) -> Follower {
        Follower::open(&self.log, HashSet::new(), 0, || true).unwrap()
    }
}

/// Takes all there is, and commits it.
fn caught_up(follower: &mut Follower) -> Result<Tally, Trouble> {
    while follower.step()? {}
    let end = follower.end() + 1;
    follower.state_mut().commit(end);
    Ok(follower.state().tally(None))
}

fn unfenced() -> Vec<Vec<u8>> {
    vec![register(OWN, true), registration_change(OWN, -1)]
}

fn isr(ids: &[i32]) -> Change {
    Change { isr: Some(ids.to_vec()), ..Change::default() }
}

#[test]
fn a_snapshot_the_records_behind_it_and_what_is_appended() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    bed.disk.append(&[
        topic("a", 1),
        partition(1, 0, &[1, 2], &[1, 2], 1),
        partition(1, 1, &[2, 3], &[2, 3], 2),
    ]);
    bed.disk.snapshot(
        5,
        &[
            register(OWN, false),
            topic("a", 1),
            partition(1, 0, &[1, 2], &[1, 2], 1),
            partition(1, 1, &[2, 3], &[2, 3], 2),
        ],
    );
    bed.disk.append(&[topic("b", 2), partition(2, 0, &[2, 1], &[2], 2)]);
    let mut follower = bed.open();
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.topics, tally.assigned, tally.led, tally.out_of_isr), (2, 2, 1, 1));
    assert_eq!(tally.named[0].topic, "b");
    bed.disk.append(&[change(2, 0, &isr(&[2, 1])), change(1, 1, &isr(&[3]))]);
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.assigned, tally.faulty), (2, 0));
    assert_eq!(follower.end(), bed.disk.next - 1);
    bed.disk.append(&[remove_topic(2)]);
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.topics, tally.assigned), (1, 1));
}

#[test]
fn a_torn_tail_is_waited_for() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut follower = bed.open();
    let whole = bed.disk.next_batch(&[topic("a", 1), partition(1, 0, &[1], &[1], 1)]);
    for cut in [0, 3, 60, 61, whole.len() - 1] {
        bed.disk.write(&whole[..cut]);
        assert_eq!(caught_up(&mut follower).unwrap().assigned, 0, "{cut}");
        let before = fs::metadata(bed.disk.segment()).unwrap().len() - cut as u64;
        fs::OpenOptions::new().write(true).open(bed.disk.segment()).unwrap().set_len(before).unwrap();
    }
    bed.disk.write(&whole[..70]);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 0);
    bed.disk.write(&whole[70..]);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 1);
}

#[test]
fn zeros_at_the_end_are_no_batch_yet() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut follower = bed.open();
    bed.disk.write(&[0; 500]);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 0);
}

#[test]
fn a_batch_larger_than_what_is_read_at_a_time() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut records = vec![topic("a", 1)];
    records.extend((0..3000).map(|index| partition(1, index, &[1, 2], &[1, 2], 1)));
    bed.disk.append(&records);
    bed.disk.append(&[change(1, 7, &isr(&[2]))]);
    let mut follower = bed.open();
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.assigned, tally.out_of_isr), (3000, 1));
}

#[test]
fn the_next_segment() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    bed.disk.append(&[topic("a", 1)]);
    bed.disk.roll();
    bed.disk.append(&[partition(1, 0, &[1], &[1], 1)]);
    bed.disk.roll();
    bed.disk.append(&[change(1, 0, &isr(&[]))]);
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.assigned, tally.out_of_isr), (1, 1));
    // From the start it is the same.
    assert_eq!(caught_up(&mut bed.open()).unwrap(), tally);
}

#[test]
fn what_a_new_leader_does_not_have_vanishes() {
    for same_length in [false, true] {
        let mut bed = bed();
        bed.disk.append(&unfenced());
        bed.disk.append(&[topic("a", 1), partition(1, 0, &[1, 2], &[1, 2], 2)]);
        let kept = bed.disk.next;
        let mut follower = bed.open();
        bed.disk.append(&[change(1, 0, &isr(&[2]))]);
        assert_eq!(caught_up(&mut follower).unwrap().out_of_isr, 1);
        bed.disk.truncate(kept);
        if same_length {
            // Nothing but the epoch tells it from what stood there.
            bed.disk.epoch += 1;
            bed.disk.append(&[change(1, 0, &isr(&[1]))]);
        }
        let changed = follower.step();
        assert!(matches!(changed, Err(Trouble::Changed(_))), "{changed:?}");
        assert_eq!(caught_up(&mut bed.open()).unwrap().out_of_isr, 0);
    }
}

#[test]
fn cut_off_and_written_further_than_it_was_read() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let kept = bed.disk.next;
    bed.disk.append(&[topic("a", 1), partition(1, 0, &[1], &[1], 1)]);
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    bed.disk.truncate(kept);
    bed.disk.elect();
    for _ in 0..100 {
        bed.disk.append(&[no_op()]);
    }
    assert!(matches!(follower.step(), Err(Trouble::Changed(_))));
    assert_eq!(caught_up(&mut bed.open()).unwrap().assigned, 0);
}

#[test]
fn a_log_that_a_snapshot_replaced() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    bed.disk.epoch = 9;
    bed.disk.snapshot(5000, &[register(OWN, false), topic("a", 1), partition(1, 0, &[1], &[1], 1)]);
    // The snapshot is there, and the log is not replaced yet.
    let mut early = bed.open();
    assert_eq!(caught_up(&mut early).unwrap().assigned, 1);
    bed.disk.start_at(5000);
    assert!(matches!(follower.step(), Err(Trouble::Changed(_))));
    bed.disk.append(&[change(1, 0, &isr(&[]))]);
    let mut follower = bed.open();
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.assigned, tally.out_of_isr, follower.end()), (1, 1, 5000));
}

#[test]
fn a_log_that_is_gone_and_one_that_is_made_anew() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    fs::remove_dir_all(&bed.disk.dir).unwrap();
    assert!(matches!(follower.step(), Err(Trouble::Changed(_))));
    let nothing = Follower::open(&bed.log, HashSet::new(), 0, || true);
    assert!(matches!(nothing, Err(Trouble::Io(_))), "{nothing:?}");
    fs::create_dir(&bed.disk.dir).unwrap();
    let empty = Follower::open(&bed.log, HashSet::new(), 0, || true);
    assert!(matches!(empty, Err(Trouble::Changed(_))), "{empty:?}");
    bed.disk.next = 0;
    bed.disk.append(&unfenced());
    assert!(!bed.open().step().unwrap());
}

#[test]
fn damage_is_told_and_nothing_of_it_taken() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut whole = bed.disk.next_batch(&[topic("a", 1), partition(1, 0, &[1], &[1], 1)]);
    let last = whole.len() - 2;
    whole[last] ^= 1;
    bed.disk.write(&whole);
    let mut follower = bed.open();
    let damaged = caught_up(&mut follower);
    assert!(matches!(damaged, Err(Trouble::Damaged { at: 2, .. })), "{damaged:?}");
    assert_eq!(follower.state().tally(None).assigned, 0);
    assert_eq!(follower.end(), 1);
}

#[test]
fn a_gap_is_damage() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    bed.disk.next += 1;
    bed.disk.append(&[no_op()]);
    assert!(matches!(caught_up(&mut bed.open()), Err(Trouble::Damaged { .. })));
}

/// Each offset has one record in this log: whatever leaves one out in silence is damage.
#[test]
fn a_record_that_is_missing_is_damage() {
    /// Where a batch has the delta of its last offset, the number of its records, and the delta of its first record.
    const LAST: usize = 26;
    const COUNT: usize = 60;
    const DELTA: usize = 64;
    let three = || vec![no_op(), topic("a", 1), partition(1, 0, &[1], &[1], 1)];
    for (place, byte) in
        [(LAST, 3), (LAST, 1), (COUNT, 2), (COUNT, 4), (COUNT - 3, 0xff), (DELTA, 1), (DELTA, 2)]
    {
        let mut bed = bed();
        bed.disk.append(&unfenced());
        let mut whole = bed.disk.next_batch(&three());
        assert_ne!(whole[place], byte);
        whole[place] = byte;
        bed.disk.write(&encode::checked(whole));
        let mut follower = bed.open();
        let damaged = caught_up(&mut follower);
        assert!(matches!(damaged, Err(Trouble::Damaged { at: 2, .. })), "{place}, {byte}: {damaged:?}");
        assert_eq!((follower.end(), follower.state().tally(None).assigned), (1, 0), "{place}, {byte}");
    }
}

#[test]
fn an_offset_beyond_all_is_damage() {
    let mut bed = bed();
    bed.disk.start_at(i64::MAX - 1);
    bed.disk.snapshot(i64::MAX - 1, &[no_op()]);
    bed.disk.write(&encode::batch(i64::MAX - 1, 1, &[no_op(), no_op()], None));
    let damaged = caught_up(&mut bed.open());
    assert!(matches!(damaged, Err(Trouble::Damaged { .. })), "{damaged:?}");
}

#[test]
fn a_compressed_batch_is_damage() {
    /// Where a batch has its attributes.
    const ATTRIBUTES: usize = 22;
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut whole = bed.disk.next_batch(&[no_op()]);
    whole[ATTRIBUTES] = 4;
    bed.disk.write(&encode::checked(whole));
    let damaged = caught_up(&mut bed.open());
    assert!(matches!(damaged, Err(Trouble::Damaged { at: 2, what: BatchError::Compressed })), "{damaged:?}");
}

#[test]
fn a_snapshot_without_its_end_is_damage() {
    let bed = bed();
    bed.disk.write(&[]);
    bed.disk.snapshot(0, &[no_op()]);
    let path = bed.disk.dir.join(format!("{:020}-{:010}.checkpoint", 0, 1));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 80]).unwrap();
    let damaged = Follower::open(&bed.log, HashSet::new(), 0, || true);
    assert!(matches!(damaged, Err(Trouble::Damaged { .. })), "{damaged:?}");
}

#[test]
fn what_is_not_known_is_not_guessed() {
    for record in [encode::other(500, 0), encode::other(3, 99), encode::other(20, 1)] {
        let mut bed = bed();
        bed.disk.append(&unfenced());
        bed.disk.append(&[record]);
        let unknown = caught_up(&mut bed.open());
        assert!(matches!(unknown, Err(Trouble::Unknown { at: 2, .. })), "{unknown:?}");
    }
    let mut bed = bed();
    bed.disk.append(&[feature("metadata.version", i16::MAX)]);
    assert!(matches!(caught_up(&mut bed.open()), Err(Trouble::Beyond(_))));
}

#[test]
fn bad_news_counts_at_once_and_good_news_when_it_is_committed() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    bed.disk.append(&[topic("a", 1), partition(1, 0, &[1, 2], &[1, 2], 2)]);
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    bed.disk.append(&[change(1, 0, &isr(&[2]))]);
    let bad = follower.end() + 1;
    while follower.step().unwrap() {}
    follower.state_mut().commit(bad);
    assert_eq!(follower.state().tally(None).out_of_isr, 1);
    // Back, and committed only up to the record before that.
    bed.disk.append(&[change(1, 0, &isr(&[2, 1]))]);
    while follower.step().unwrap() {}
    follower.state_mut().commit(bad + 1);
    assert_eq!(follower.state().tally(None).out_of_isr, 1);
    assert!(!follower.state().is_settled());
    assert!(follower.state_mut().commit(bad + 2));
    assert_eq!(follower.state().tally(None).out_of_isr, 0);
    assert!(follower.state().is_settled());
    // Fenced, and let in again.
    bed.disk.append(&[registration_change(OWN, 1), registration_change(OWN, -1)]);
    while follower.step().unwrap() {}
    assert!(follower.state().is_fenced());
    let end = follower.end() + 1;
    follower.state_mut().commit(end);
    assert!(!follower.state().is_fenced());
}

#[test]
fn a_deleted_topic_counts_until_that_is_committed() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    bed.disk.append(&[topic("a", 1), partition(1, 0, &[1, 2], &[2], 2)]);
    let mut follower = bed.open();
    assert_eq!(caught_up(&mut follower).unwrap().out_of_isr, 1);
    bed.disk.append(&[remove_topic(1)]);
    while follower.step().unwrap() {}
    assert_eq!(follower.state().tally(None).out_of_isr, 1);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 0);
}

#[test]
fn a_partition_that_comes_from_others_is_looked_up() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    bed.disk.append(&[
        topic("a", 1),
        partition(1, 0, &[2, 3], &[2, 3], 2),
        partition(1, 1, &[2, 3], &[2], 2),
    ]);
    bed.disk.append(&[topic("b", 2)]);
    bed.disk.append(&[change(
        1,
        0,
        &Change { replicas: Some(vec![2, 3, 1]), adding: Some(vec![1]), ..Change::default() },
    )]);
    // Another partition of a topic of old.
    bed.disk.append(&[partition(1, 2, &[1], &[1], 1)]);
    let mut follower = bed.open();
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.assigned, tally.adding), (2, 1));
    assert!(!follower.state().is_settled());
    let wanted = follower.state().wanted().unwrap();
    assert_eq!(wanted.len(), 2);
    let mut follower = Follower::open(&bed.log, wanted, 0, || true).unwrap();
    caught_up(&mut follower).unwrap();
    follower.state_mut().settle();
    let tally = caught_up(&mut follower).unwrap();
    assert_eq!((tally.assigned, tally.adding, tally.faulty), (2, 1, 0));
    assert_eq!(tally.adding_named[0].topic, "a");
    assert!(follower.state().is_settled());
    // It is followed on from there.
    bed.disk.append(&[change(1, 0, &isr(&[2, 3, 1]))]);
    assert_eq!(caught_up(&mut follower).unwrap().adding, 0);
}

#[test]
fn an_aborted_transaction_leaves_nothing() {
    let mut bed = bed();
    bed.disk.append(&unfenced());
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    bed.disk.append(&[encode::transaction(23), topic("a", 1), partition(1, 0, &[1], &[1], 1)]);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 1);
    assert!(!follower.state().is_settled());
    bed.disk.append(&[encode::transaction(25)]);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 0);
    bed.disk.append(&[
        encode::transaction(23),
        topic("a", 1),
        partition(1, 0, &[1], &[1], 1),
        encode::transaction(24),
    ]);
    assert_eq!(caught_up(&mut follower).unwrap().assigned, 1);
    assert!(follower.state().is_settled());
}

#[test]
fn a_transaction_within_another_is_refused() {
    let mut bed = bed();
    bed.disk.append(&[encode::transaction(23)]);
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    bed.disk.append(&[encode::transaction(23)]);
    let Err(trouble) = caught_up(&mut follower) else { panic!("taken") };
    assert!(trouble.to_string().contains("within another"), "{trouble}");
}

/// What topic `a` needs.
fn least(follower: &Follower) -> usize {
    let minimums = follower.state().minimums(1, pillion_probes::time::BootTime::default());
    minimums.of(Key::new(1).topic(b"a"), 3)
}

/// Kafka before KAFKA-14612: the settings come first in the batch that makes the topic.
#[test]
fn settings_may_come_before_their_topic() {
    let mut bed = bed();
    bed.disk.append(&[encode::topic_config("a", "min.insync.replicas", Some("2")), topic("a", 1)]);
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 2);
    // Deleted, and made anew: what counts is in the new batch.
    bed.disk.append(&[remove_topic(1)]);
    bed.disk.append(&[encode::topic_config("a", "min.insync.replicas", Some("3")), topic("a", 2)]);
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 3);
    bed.disk.append(&[remove_topic(2)]);
    bed.disk.append(&[topic("a", 3)]);
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 1);
}

#[test]
fn a_topic_that_is_made_anew_has_no_settings_of_old() {
    let mut bed = bed();
    bed.disk.append(&[topic("a", 1), encode::topic_config("a", "min.insync.replicas", Some("2"))]);
    let mut follower = bed.open();
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 2);
    bed.disk.append(&[remove_topic(1), topic("a", 2)]);
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 1);
    bed.disk.append(&[
        encode::topic_config("a", "min.insync.replicas", Some("3")),
        encode::topic_config("a", "retention.ms", Some("3000")),
    ]);
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 3);
    bed.disk.append(&[encode::topic_config("a", "min.insync.replicas", None)]);
    caught_up(&mut follower).unwrap();
    assert_eq!(least(&follower), 1);
}
