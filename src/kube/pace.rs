//! How many Events are told: a few at once, then one now and then; what happens again meanwhile becomes a series.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::Event;

/// So many may be told one after the other.
const BURST: u32 = 10;
/// After that one in so long.
const REFILL: Duration = Duration::from_secs(20);
/// So many different ones wait at the most; one more pushes out the oldest.
const WAITING: usize = 32;

/// Events that wait to be told, at a pace that an API server does not mind.
#[derive(Debug)]
pub struct Pace {
    tokens: u32,
    refilled: Instant,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// Two of one reason and topic are one that happened twice.
    topic: String,
    event: Event,
}

impl Pace {
    /// Nothing waits, and a burst may be told.
    pub fn new(now: Instant) -> Self {
        Self { tokens: BURST, refilled: now, waiting: VecDeque::new() }
    }

    /// Takes an event to be told; one of the same reason and topic that still waits becomes part of it. `true`: another
    /// one was pushed out.
    pub fn push(&mut self, topic: &str, mut event: Event) -> bool {
        let same = |one: &Waiting| one.event.reason == event.reason && one.topic == topic;
        let earlier = self.waiting.iter().position(same).and_then(|at| self.waiting.remove(at));
        if let Some(earlier) = earlier {
            event.count = event.count.saturating_add(earlier.event.count);
        }
        let full = self.waiting.len() >= WAITING;
        if full {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { topic: topic.to_owned(), event });
        full
    }

    /// The one to tell now, if there is one and its time has come.
    pub fn take(&mut self, now: Instant) -> Option<(String, Event)> {
        self.refill(now);
        if self.tokens == 0 {
            return None;
        }
        let Waiting { topic, event } = self.waiting.pop_front()?;
        self.tokens -= 1;
        Some((topic, event))
    }

    /// It could not be told now: it stays the first, unless it happened again meanwhile.
    pub fn put_back(&mut self, topic: String, event: Event) {
        self.tokens = (self.tokens + 1).min(BURST);
        let again =
            self.waiting.iter_mut().find(|one| one.event.reason == event.reason && one.topic == topic);
        match again {
            Some(again) => again.event.count = again.event.count.saturating_add(event.count),
            None => self.waiting.push_front(Waiting { topic, event }),
        }
    }

    /// When the next one may be told; `None` while none waits.
    pub fn next(&self) -> Option<Instant> {
        let wait = if self.tokens > 0 { Duration::ZERO } else { REFILL };
        (!self.waiting.is_empty()).then(|| self.refilled + wait)
    }

    fn refill(&mut self, now: Instant) {
        while self.tokens < BURST && now >= self.refilled + REFILL {
            self.tokens += 1;
            self.refilled += REFILL;
        }
        // A full bucket gathers no time.
        if self.tokens == BURST {
            self.refilled = now;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::{super::Kind, *};

    fn event(reason: &'static str, at_ms: i64) -> Event {
        Event { at_ms, kind: Kind::Normal, reason, action: "Judging", note: at_ms.to_string(), count: 1 }
    }

    #[test]
    fn a_burst_goes_out_at_once_and_then_one_now_and_then() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!((pace.next(), pace.take(start)), (None, None));
        for at in 0..15 {
            assert!(!pace.push(&at.to_string(), event("Ready", at)));
        }
        let at = |seconds| start + Duration::from_secs(seconds);
        for expected in 0..10 {
            assert!(pace.next().unwrap() <= at(0));
            assert_eq!(pace.take(at(0)).unwrap().1.at_ms, expected);
        }
        assert_eq!(pace.take(at(0)), None);
        assert_eq!(pace.next(), Some(at(20)));
        assert_eq!(pace.take(at(19)), None);
        assert_eq!(pace.take(at(20)).unwrap().1.at_ms, 10);
        assert_eq!(pace.take(at(39)), None);
        // However long nothing was told, the bucket holds a burst and no more.
        for told in 11..15 {
            assert_eq!(pace.take(at(100_000)).unwrap().1.at_ms, told);
        }
        for at in 0..10 {
            pace.push(&at.to_string(), event("Ready", at));
        }
        assert_eq!(std::iter::from_fn(|| pace.take(at(100_000))).count(), 6);
    }

    #[test]
    fn what_happens_again_while_it_waits_is_a_series_and_the_last_word_is_told_last() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for at in 0..40 {
            let reason = if at % 2 == 0 { "NotReady" } else { "Ready" };
            pace.push("", event(reason, at));
        }
        let told: Vec<_> = std::iter::from_fn(|| pace.take(start)).map(|(_, one)| one).collect();
        let shown: Vec<_> = told.iter().map(|one| (one.reason, one.at_ms, one.count, &*one.note)).collect();
        assert_eq!(shown, [("NotReady", 38, 20, "38"), ("Ready", 39, 20, "39")]);
        // Another topic is other news.
        pace.push("lag", event("NotReady", 1));
        pace.push("fenced", event("NotReady", 2));
        assert_eq!(pace.take(start).unwrap().1.count, 1);
    }

    #[test]
    fn what_could_not_be_told_stays_first_and_keeps_its_token() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.push("", event("Dead", 1));
        pace.push("", event("Alive", 2));
        for _ in 0..50 {
            let (topic, one) = pace.take(start).unwrap();
            assert_eq!(one.reason, "Dead");
            pace.put_back(topic, one);
        }
        let (topic, one) = pace.take(start).unwrap();
        pace.push("", event("Dead", 3));
        pace.put_back(topic, one);
        let told: Vec<_> =
            std::iter::from_fn(|| pace.take(start)).map(|(_, one)| (one.at_ms, one.count)).collect();
        assert_eq!(told, [(2, 1), (3, 2)]);
    }

    #[test]
    fn only_so_many_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let pushed_out = (0..100).filter(|at| pace.push(&at.to_string(), event("Ready", *at))).count();
        assert_eq!((pushed_out, pace.waiting.len()), (68, WAITING));
        assert_eq!(pace.take(start).unwrap().1.at_ms, 68);
    }
}
