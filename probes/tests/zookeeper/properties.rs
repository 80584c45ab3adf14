//! What holds whatever the others say, and however often.

use std::{collections::BTreeSet, time::Duration};

use pillion_probes::{
    judge::ready,
    limits::Limits,
    replicas::Tally,
    zookeeper::{MORE, View, choose},
};
use proptest::prelude::*;

use super::{at, look, out, perfect, round, take, well, without_us};

#[derive(Clone, Copy, Debug)]
enum Word {
    Well,
    Out,
    Unlisted,
    Started,
    Behind,
    Silent,
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        6 => Just(Word::Well),
        1 => Just(Word::Out),
        1 => Just(Word::Unlisted),
        1 => Just(Word::Started),
        1 => Just(Word::Behind),
        2 => Just(Word::Silent),
    ]
}

fn said(broker: i32, ms: u64, word: Word) -> Option<View> {
    let view = well(broker, ms);
    match word {
        Word::Well => Some(view),
        Word::Out => Some(out(view)),
        Word::Unlisted => Some(without_us(view)),
        Word::Started => Some(View { brokers: vec![], lists_us: false, controller: -1, ..view }),
        Word::Behind => Some(View { tally: Tally::default(), ..view }),
        Word::Silent => None,
    }
}

proptest! {
    /// Whatever the others say over time: a yes has a row of good rounds behind it, the last of them young, its ends
    /// far enough apart, and since the first of them nobody has said a word against this broker.
    #[test]
    fn no_yes_without_a_row_of_good_rounds(
        rounds in proptest::collection::vec((200_u64..4000, word(), word()), 1..40),
        later in 0_u64..12_000,
    ) {
        let limits = Limits::default();
        let mut seen = perfect(0);
        let (mut now, mut history) = (0, Vec::new());
        for (gap, second, third) in rounds {
            now += gap;
            look(&mut seen, now);
            let words = [(2, second), (3, third)];
            let views: Vec<View> = words.iter().filter_map(|&(id, word)| said(id, now, word)).collect();
            let silent: Vec<i32> =
                words.iter().filter(|(_, word)| matches!(word, Word::Silent)).map(|(id, _)| *id).collect();
            take(&mut seen, round(now, views, &silent));
            let against = words.iter().any(|(_, word)| matches!(word, Word::Out | Word::Unlisted));
            let well = words.iter().any(|(_, word)| matches!(word, Word::Well));
            history.push((now, against, well));
            if against {
                prop_assert!(!ready(&seen, &limits, at(now)).is_yes(), "a word against, and ready");
            }
        }
        look(&mut seen, now + later);
        if ready(&seen, &limits, at(now + later)).is_yes() {
            let last = history.iter().rev().find(|(_, _, well)| *well).unwrap().0;
            prop_assert!(Duration::from_millis(now + later - last) <= limits.peers);
            let first = last - u64::try_from(limits.settle.as_millis()).unwrap();
            let row: Vec<_> = history.iter().filter(|(ms, ..)| *ms >= first).collect();
            prop_assert!(row.iter().all(|(_, against, _)| !against), "{history:?}");
            prop_assert!(history.iter().any(|(ms, _, well)| *well && *ms <= first), "{history:?}");
        }
    }

    /// Silence is no evidence: who falls silent beside one that speaks changes no verdict, unless it is the controller.
    #[test]
    fn a_silent_neighbour_changes_nothing(words in proptest::collection::vec(word(), 1..30)) {
        let (mut with, mut without) = (perfect(0), perfect(0));
        for (turn, word) in (1_u64..).zip(words) {
            let ms = turn * 1000;
            for (seen, silent) in [(&mut with, &[3][..]), (&mut without, &[])] {
                look(seen, ms);
                take(seen, round(ms, said(2, ms, word).into_iter().collect(), silent));
            }
            prop_assert_eq!(
                ready(&with, &Limits::default(), at(ms)).is_yes(),
                ready(&without, &Limits::default(), at(ms)).is_yes()
            );
        }
    }

    /// Few are asked, nobody twice, never oneself, and always the controller where it is listed.
    #[test]
    fn few_are_asked(
        listed in proptest::collection::btree_set(0_i32..40, 0..20),
        own in 0_i32..40,
        controller in proptest::option::of(0_i32..40),
        silent in proptest::collection::vec(0_i32..40, 0..10),
    ) {
        let listed: Vec<i32> = listed.into_iter().collect();
        let asked = choose(own, &listed, controller, &silent);
        let distinct: BTreeSet<_> = asked.iter().collect();
        prop_assert!(distinct.len() == asked.len() && asked.len() <= MORE + 1 && !asked.contains(&own));
        prop_assert!(asked.iter().all(|id| listed.contains(id)));
        if let Some(controller) = controller.filter(|id| *id != own && listed.contains(id)) {
            prop_assert_eq!(asked[0], controller);
        }
        let others = listed.iter().filter(|id| **id != own).count();
        prop_assert!(asked.len() >= others.min(MORE));
    }
}
