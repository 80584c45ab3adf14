//! What changed between two judgements.

use pillion_probes::{
    forced::Forced,
    reason::Reason,
    verdict::{Answer, Verdict},
};

use super::{
    Published,
    history::{Subject, Transition, Why, whys},
};
use crate::stamp;

/// Since when each answer is what it is, by the wall clock in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Of *live*.
    pub live: i64,
    /// Of *started*.
    pub started: i64,
    /// Of the true *ready*.
    pub ready: i64,
    /// Of *stoppable*.
    pub stoppable: i64,
    /// Of what `/readyz` answers.
    pub answered: i64,
}

/// One followed answer.
#[derive(Clone, Copy, Debug)]
struct Held {
    answer: Answer,
    code: Option<&'static str>,
    since: i64,
}

impl Held {
    fn told(&self) -> String {
        match self.code {
            Some(code) => format!("{} ({code})", word(self.answer)),
            None => word(self.answer).to_owned(),
        }
    }
}

/// Follows the answers from one judgement to the next.
#[derive(Debug, Default)]
pub(super) struct Track {
    verdicts: [Option<Held>; 4],
    answered: Option<Held>,
    /// What the history last said of the override, and for one in force whose it is.
    forced: Option<(String, Vec<Why>)>,
    overridden: bool,
}

const SUBJECTS: [Subject; 4] = [Subject::Live, Subject::Started, Subject::Ready, Subject::Stoppable];

fn in_order(published: &Published) -> [&Verdict; 4] {
    let all = &published.verdicts;
    [&all.live, &all.started, &all.ready, &all.stoppable]
}

impl Track {
    /// Notes a judgement; what differs from the last one is handed back.
    pub(super) fn follow(&mut self, published: &Published) -> Vec<Transition> {
        let wall_ms = published.now.wall_ms;
        let mut changes = Vec::new();
        for ((held, verdict), subject) in self.verdicts.iter_mut().zip(in_order(published)).zip(SUBJECTS) {
            let code = verdict.reasons.first().map(Reason::code);
            if held.as_ref().is_some_and(|held| held.answer == verdict.answer && held.code == code) {
                continue;
            }
            let from = held.as_ref().map(Held::told).unwrap_or_default();
            let since = match held {
                Some(held) if held.answer == verdict.answer => held.since,
                _ => wall_ms,
            };
            let new = Held { answer: verdict.answer, code, since };
            *held = Some(new);
            let at = stamp::rfc3339(wall_ms);
            let why = whys(&verdict.reasons);
            changes.push(Transition { at, subject, from, to: new.told(), why });
        }
        self.follow_override(published, &mut changes);
        changes
    }

    fn follow_override(&mut self, published: &Published, changes: &mut Vec<Transition>) {
        let wall_ms = published.now.wall_ms;
        let (forced, why) = told(&published.forced);
        // Why one is ignored may be told with an age, which is no change.
        let whose = if published.forced.active().is_some() { why.clone() } else { Vec::new() };
        let new = (forced.clone(), whose);
        if self.forced.as_ref() != Some(&new) {
            let from = self.forced.replace(new).map(|(from, _)| from);
            // No override at the start is no news.
            if from.is_some() || published.forced != Forced::None {
                let at = stamp::rfc3339(wall_ms);
                let from = from.unwrap_or_default();
                changes.push(Transition { at, subject: Subject::Override, from, to: forced, why });
            }
        }
        let answer = if published.ready { Answer::Yes } else { Answer::No };
        let overridden = published.forced.active().is_some();
        let old = self.answered;
        if old.is_some_and(|old| old.answer == answer) {
            self.overridden = overridden;
            return;
        }
        self.answered = Some(Held { answer, code: None, since: wall_ms });
        // Without an override before and after, the true verdict's own transition says it.
        if overridden || self.overridden {
            let at = stamp::rfc3339(wall_ms);
            let from = old.as_ref().map(Held::told).unwrap_or_default();
            let (subject, to) = (Subject::Answered, word(answer).to_owned());
            changes.push(Transition { at, subject, from, to, why: Vec::new() });
        }
        self.overridden = overridden;
    }

    /// Since when the answers are what they are. One that was not noted yet is new.
    pub(super) fn since(&self, published: &Published) -> Since {
        let now = published.now.wall_ms;
        let of = |held: Option<Held>, answer| held.filter(|h| h.answer == answer).map_or(now, |h| h.since);
        let [live, started, ready, stoppable] = in_order(published);
        let answered = if published.ready { Answer::Yes } else { Answer::No };
        Since {
            live: of(self.verdicts[0], live.answer),
            started: of(self.verdicts[1], started.answer),
            ready: of(self.verdicts[2], ready.answer),
            stoppable: of(self.verdicts[3], stoppable.answer),
            answered: of(self.answered, answered),
        }
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
    }
}

/// What the history says of an override: nothing that changes while it lasts.
fn told(forced: &Forced) -> (String, Vec<Why>) {
    let why = |code: &str, text: String| vec![Why { code: code.to_owned(), text, remedy: String::new() }];
    let of = |reason: &str, by: &Option<String>| {
        let by = by.as_deref().unwrap_or("nobody named");
        format!("by {by}: {reason}")
    };
    match forced {
        Forced::None => ("none".into(), Vec::new()),
        Forced::Active { kind, reason, by, source, .. } => {
            (format!("{} ({})", kind.word(), source.word()), why("override", of(reason, by)))
        }
        Forced::Expired { kind, reason, by, source, .. } => {
            (format!("{} expired ({})", kind.word(), source.word()), why("override-expired", of(reason, by)))
        }
        Forced::Refused { source, why: words } => {
            (format!("ignored ({})", source.word()), why("override-ignored", words.clone()))
        }
    }
}
