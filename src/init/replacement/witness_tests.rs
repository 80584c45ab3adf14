#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use super::*;

fn tally(assigned: u64, out_of_isr: u64) -> Tally {
    Tally { topics: 1, partitions: 9, assigned, out_of_isr, ..Tally::default() }
}

fn said(tally: &Tally) -> String {
    match judge(1003, tally) {
        Ok(answer) => format!("{answer:?}"),
        Err(doubt) => doubt.to_string(),
    }
}

#[test]
fn nothing_at_stake_is_safe() {
    assert_eq!(judge(1003, &Tally::default()).unwrap(), ReplacementAnswer::Safe);
    assert_eq!(judge(1003, &tally(3, 3)).unwrap(), ReplacementAnswer::Safe);
}

#[test]
fn an_only_copy_is_told_before_anything_else() {
    let mut found = Tally { unauthorized_topics: 1, ..tally(12, 2) };
    for partition in 0..10 {
        found.count_only_copy(partition, || "orders".to_owned());
    }
    let ReplacementAnswer::OnlyCopy { partitions } = judge(1003, &found).unwrap() else { unreachable!() };
    assert_eq!(partitions.len(), 9);
    assert_eq!((partitions[0].as_str(), partitions[8].as_str()), ("orders-0", "2 more"));
}

#[test]
fn what_is_hidden_may_be_the_only_copy() {
    assert!(said(&Tally { unauthorized_topics: 2, ..tally(3, 3) }).contains("2 for lack of authorization"));
    assert!(said(&Tally { failed_topics: 1, ..tally(3, 3) }).contains("1 by errors"));
}

#[test]
fn a_member_of_an_isr_with_others_is_alive() {
    assert!(said(&tally(3, 2)).starts_with("Alive"));
}
