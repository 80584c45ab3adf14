//! The last day as a strip: when the node was ready, when not, and when nobody watched.

use std::fmt::{Display, Formatter, Result, Write};

use crate::{
    board::{Ago, Status, Subject, Transition},
    stamp,
};

/// What the strip spans.
const DAY_MS: i64 = 24 * 3600 * 1000;
/// As wide as the shortest outage is drawn.
const SEEN_MS: i64 = 3 * 60 * 1000;

/// What the node was for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Ready,
    Not,
    /// An override was in force, whatever it said and whatever was true.
    Forced,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ready => "yes",
            Self::Not => "no",
            Self::Forced => "forced",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Unknown => "not watched",
            Self::Ready => "ready",
            Self::Not => "not ready",
            Self::Forced => "under an override",
        }
    }
}

/// A stretch of the day in which it stayed what it was; milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: i64,
    to: i64,
    state: State,
}

impl Stretch {
    fn length(&self) -> i64 {
        self.to - self.from
    }
}

/// The strip, with what it says in words.
pub(super) fn write(out: &mut String, status: &Status) -> Result {
    let Some(now) = stamp::parse(&status.at) else { return Ok(()) };
    let day = stretches(&status.history, now);
    let known = |stretch: &&Stretch| stretch.state != State::Unknown;
    if day.iter().filter(known).count() == 0 {
        return Ok(());
    }
    let start = now - DAY_MS;
    write!(
        out,
        "<h3>The last day <small>{}</small></h3><svg class=day role=img viewBox=\"0 0 1440 10\" \
         preserveAspectRatio=none aria-label=\"The last day: {}\">",
        Told(&day),
        Told(&day)
    )?;
    // What was wrong is drawn last, and never too narrow to be seen.
    for bar in bars(&day, |state| matches!(state, State::Ready | State::Unknown), DAY_MS) {
        rect(out, &bar, start, 0)?;
    }
    for bar in bars(&day, |state| matches!(state, State::Not | State::Forced), SEEN_MS) {
        rect(out, &bar, start, SEEN_MS)?;
    }
    out.write_str(
        "</svg><p class=hours aria-hidden=true><span>24 h ago</span><span>12 h</span><span>now</span></p>",
    )
}

/// What is drawn as one: stretches alike that follow each other within `near`.
fn bars(day: &[Stretch], of: impl Fn(State) -> bool, near: i64) -> Vec<(Stretch, usize)> {
    let mut bars: Vec<(Stretch, usize)> = Vec::new();
    for stretch in day.iter().filter(|stretch| of(stretch.state)) {
        match bars.last_mut() {
            Some((last, count)) if last.state == stretch.state && stretch.from - last.to < near => {
                (last.to, *count) = (stretch.to, *count + 1);
            }
            _ => bars.push((*stretch, 1)),
        }
    }
    bars
}

fn rect(out: &mut String, (bar, count): &(Stretch, usize), start: i64, at_least: i64) -> Result {
    let (at, wide) = (Minutes(bar.from - start), Minutes(bar.length().max(at_least)));
    write!(out, "<rect class={} x=\"{at}\" width=\"{wide}\" height=10>", bar.state.class())?;
    let since = stamp::short(&stamp::seconds(bar.from));
    let times = if *count > 1 { format!(" {count} times in") } else { ",".to_owned() };
    write!(out, "<title>{since} UTC: {}{times} {}</title></rect>", bar.state.words(), ago(bar.length()))
}

/// Milliseconds as minutes of the strip.
struct Minutes(i64);

impl Display for Minutes {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}.{}", self.0 / 60_000, self.0 % 60_000 / 6000)
    }
}

/// How much of the day it was what, and how often.
struct Told<'a>(&'a [Stretch]);

impl Display for Told<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut first = true;
        for state in [State::Ready, State::Not, State::Forced, State::Unknown] {
            let of: Vec<i64> =
                self.0.iter().filter(|stretch| stretch.state == state).map(Stretch::length).collect();
            let Some(longest) = of.iter().copied().max() else { continue };
            let lead = if first { "" } else { "; " };
            first = false;
            write!(f, "{lead}{} {}", state.words(), ago(of.iter().sum()))?;
            if of.len() > 1 && state == State::Not {
                write!(f, " in {} parts, the longest {}", of.len(), ago(longest))?;
            }
        }
        Ok(())
    }
}

fn ago(ms: i64) -> Ago {
    Ago(std::time::Duration::from_millis(u64::try_from(ms).unwrap_or_default()))
}

/// The day up to `now`, from what changed, the newest first.
fn stretches(history: &[Transition], now: i64) -> Vec<Stretch> {
    let start = now - DAY_MS;
    let (mut ready, mut forced) = (State::Unknown, false);
    let mut day: Vec<Stretch> = Vec::new();
    let mut from = start;
    let seen = |ready, forced| if forced && ready != State::Unknown { State::Forced } else { ready };
    for change in history.iter().rev() {
        // A stamp beyond the others is of a clock that was set since.
        let Some(at) = stamp::parse(&change.at).map(|at| at.clamp(from, now)) else { continue };
        let before = seen(ready, forced);
        match change.subject {
            Subject::Ready => ready = if change.to.starts_with("yes") { State::Ready } else { State::Not },
            // One that was killed left no word: what it said last counts until it is back.
            Subject::Agent => (ready, forced) = (State::Unknown, false),
            Subject::Override => forced = change.is_forced(),
            _ => continue,
        }
        push(&mut day, Stretch { from, to: at, state: before });
        from = at;
    }
    push(&mut day, Stretch { from, to: now, state: seen(ready, forced) });
    day
}

fn push(day: &mut Vec<Stretch>, next: Stretch) {
    match day.last_mut() {
        _ if next.length() <= 0 => {}
        Some(last) if last.state == next.state => last.to = next.to,
        _ => day.push(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn change(hours_ago: i64, subject: Subject, to: &str) -> Transition {
        let at = stamp::rfc3339(NOW - hours_ago * HOUR);
        Transition { at, subject, from: String::new(), to: to.to_owned(), why: Vec::new() }
    }

    fn told(mut oldest_first: Vec<Transition>) -> Vec<(i64, State)> {
        oldest_first.reverse();
        let day = stretches(&oldest_first, NOW);
        assert_eq!(day.iter().map(Stretch::length).sum::<i64>(), DAY_MS, "no hole and no overlap: {day:?}");
        day.iter().map(|stretch| (stretch.length() / HOUR, stretch.state)).collect()
    }

    #[test]
    fn a_day_is_told_without_holes() {
        use State::{Forced, Not, Ready, Unknown};
        assert_eq!(told(vec![]), [(24, Unknown)]);
        let began = || vec![change(30, Subject::Agent, "started"), change(30, Subject::Ready, "yes")];
        assert_eq!(told(began()), [(24, Ready)], "what changed before counts at its beginning");
        let mut day = began();
        day.push(change(20, Subject::Ready, "no (out-of-isr)"));
        day.push(change(19, Subject::Ready, "no (leaderless)"));
        day.push(change(18, Subject::Ready, "yes"));
        day.push(change(17, Subject::Live, "no (broker-hung)"));
        assert_eq!(told(day.clone()), [(4, Ready), (2, Not), (18, Ready)]);
        day.push(change(10, Subject::Override, "ready (file)"));
        day.push(change(9, Subject::Ready, "no (out-of-isr)"));
        day.push(change(8, Subject::Override, "ready expired (file)"));
        day.push(change(5, Subject::Agent, "stopped"));
        day.push(change(4, Subject::Agent, "started"));
        day.push(change(3, Subject::Ready, "yes"));
        let end = [(8, Ready), (2, Forced), (3, Not), (2, Unknown), (3, Ready)];
        assert_eq!(told(day.clone())[2..], end);
        let mut newest_first = day;
        newest_first.reverse();
        let words = Told(&stretches(&newest_first, NOW)).to_string();
        assert_eq!(
            words,
            "ready 15.0 h; not ready 5.0 h in 2 parts, the longest 3.0 h; under an override 2.0 h; not watched 2.0 h"
        );
    }

    #[test]
    fn what_flaps_is_one_bar() {
        let day: Vec<Stretch> = (0..100)
            .map(|i| Stretch {
                from: i * 60_000,
                to: (i + 1) * 60_000,
                state: if i % 2 == 0 { State::Ready } else { State::Not },
            })
            .collect();
        let bad = bars(&day, |state| state == State::Not, SEEN_MS);
        assert_eq!(bad, [(Stretch { from: 60_000, to: 100 * 60_000, state: State::Not }, 50)]);
        assert_eq!(bars(&day, |state| state == State::Not, 60_000).len(), 50);
    }

    #[test]
    fn a_clock_that_was_set_back_breaks_nothing() {
        let history = vec![
            change(2, Subject::Ready, "yes"),
            change(-5, Subject::Ready, "no (x)"),
            change(1, Subject::Ready, "yes"),
        ];
        assert_eq!(told(history), [(22, State::Unknown), (2, State::Ready)]);
    }
}
