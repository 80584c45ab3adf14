//! One fault: what it was, and what was seen.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::contenders::{Contender, Timeline};
use crate::score::{detect, early, score};
use crate::truth::Truth;

/// What a fault is, where it was played, and what is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Its stable name, in kebab case.
    pub fault: String,
    /// Its name for people.
    pub title: String,
    /// `kraft` or `zookeeper`.
    pub mode: String,
    /// The version of Kafka.
    pub kafka: String,
    /// The day, as 2026-11-24.
    pub date: String,
    /// The cores of the machine.
    pub cores: usize,
    /// Its place in the tables.
    pub place: usize,
    /// What is right to say, in a few words.
    pub right_answer: String,
    /// Why, with the Kafka class or KIP that makes it so.
    pub argument: String,
    /// Seconds of false ready that pillion's documented bound allows.
    pub bound_s: f64,
}

/// What was seen of one broker, from shortly before the fault until all was well again.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When the fault began: second 0.
    pub fault: Instant,
    /// The truth.
    pub truth: Vec<(Instant, Truth)>,
    /// What each contender said; they are shown in this order.
    pub lanes: Vec<(Contender, Timeline)>,
    /// What was done, and when.
    pub events: Vec<(Instant, String)>,
    /// What `/readyz` said in the meantime: each different first line once, with its remedy.
    pub said: Vec<String>,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds from the fault.
    pub at: f64,
    /// What, in a few words.
    pub label: String,
}

/// What one contender said, and how wrong it was. All in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// The contender's name.
    pub contender: String,
    /// Said ready while out of sync.
    pub false_ready_s: f64,
    /// Said not ready while in sync, but for what came only ahead of the truth.
    pub false_unready_s: f64,
    /// Said not ready ahead of the truth, which is right: see [`early`].
    pub early_unready_s: f64,
    /// Said not ready while nobody could know; which is right.
    pub unknowable_unready_s: f64,
    /// See [`detect`].
    pub detect_s: Option<f64>,
    /// Each change of its answer, in seconds from the fault, and its last answer.
    pub samples: Vec<(f64, bool)>,
    /// The stretches that came ahead of the truth.
    pub early: Vec<(f64, f64)>,
}

/// A fault as it was played and seen, in seconds from the fault. Numbers are rounded to 0.01.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it was.
    #[serde(flatten)]
    pub about: About,
    /// What pillion said: see [`Seen::said`].
    pub said: Vec<String>,
    /// What was done.
    pub events: Vec<Event>,
    /// Each change of the truth, and its last sample.
    pub truth: Vec<(f64, Truth)>,
    /// The contenders.
    pub lanes: Vec<Lane>,
}

/// One contender at one fault, for programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// [`About::fault`].
    pub fault: String,
    /// [`About::mode`].
    pub mode: String,
    /// [`About::kafka`].
    pub kafka: String,
    /// [`Lane::contender`].
    pub contender: String,
    /// [`Lane::false_ready_s`].
    pub false_ready_s: f64,
    /// [`Lane::false_unready_s`].
    pub false_unready_s: f64,
    /// [`Lane::early_unready_s`].
    pub early_unready_s: f64,
    /// [`Lane::unknowable_unready_s`].
    pub unknowable_unready_s: f64,
    /// [`Lane::detect_s`].
    pub detect_s: Option<f64>,
    /// [`About::bound_s`]: pillion's, whoever the contender is.
    pub bound_s: f64,
    /// [`About::date`].
    pub date: String,
    /// [`About::cores`].
    pub cores: usize,
}

impl Run {
    /// Scores what was seen.
    pub fn new(about: About, seen: &Seen) -> Self {
        let from_fault = |at: Instant| {
            let early = seen.fault.saturating_duration_since(at).as_secs_f64();
            round(at.saturating_duration_since(seen.fault).as_secs_f64() - early)
        };
        let lane = |(contender, answers): &(Contender, Timeline)| {
            let wrong = score(&seen.truth, answers);
            let early = early(&seen.truth, answers, seen.fault);
            let ahead: Duration = early.iter().map(|(from, to)| *to - *from).sum();
            let s = |time: Duration| round(time.as_secs_f64());
            Lane {
                contender: contender.name.to_owned(),
                false_ready_s: s(wrong.false_ready),
                false_unready_s: s(wrong.false_unready.saturating_sub(ahead)),
                early_unready_s: s(ahead),
                unknowable_unready_s: s(wrong.unready_unknowable),
                detect_s: detect(&seen.truth, answers, seen.fault).map(s),
                samples: changes(answers).map(|(at, ready)| (from_fault(at), ready)).collect(),
                early: early.iter().map(|(from, to)| (from_fault(*from), from_fault(*to))).collect(),
            }
        };
        let event = |(at, label): &(Instant, String)| Event { at: from_fault(*at), label: label.clone() };
        Self {
            about,
            said: seen.said.clone(),
            events: seen.events.iter().map(event).collect(),
            truth: changes(&seen.truth).map(|(at, truth)| (from_fault(at), truth)).collect(),
            lanes: seen.lanes.iter().map(lane).collect(),
        }
    }

    /// What tells this run from others: mode, version and fault, as file names have it.
    pub fn key(&self) -> String {
        format!("{}-{}-{}", self.about.mode, self.about.kafka, self.about.fault)
    }

    /// One row a contender.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.lanes.iter().map(|lane| Row {
            fault: self.about.fault.clone(),
            mode: self.about.mode.clone(),
            kafka: self.about.kafka.clone(),
            contender: lane.contender.clone(),
            false_ready_s: lane.false_ready_s,
            false_unready_s: lane.false_unready_s,
            early_unready_s: lane.early_unready_s,
            unknowable_unready_s: lane.unknowable_unready_s,
            detect_s: lane.detect_s,
            bound_s: self.about.bound_s,
            date: self.about.date.clone(),
            cores: self.about.cores,
        })
    }

    /// Whether there was anything to notice: the truth was out at some time from the fault on.
    pub fn was_out(&self) -> bool {
        let ends = self.truth.iter().skip(1).map(|(at, _)| *at).chain([f64::INFINITY]);
        self.truth.iter().zip(ends).any(|((_, truth), end)| *truth == Truth::Out && end > 0.0)
    }
}

/// The samples at which the value changed, and the last.
fn changes<T: Copy + PartialEq>(samples: &[(Instant, T)]) -> impl Iterator<Item = (Instant, T)> {
    let last = samples.len().saturating_sub(1);
    samples
        .iter()
        .enumerate()
        .filter(move |(i, sample)| *i == last || *i == 0 || samples[i - 1].1 != sample.1)
        .map(|(_, sample)| *sample)
}

fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::{Run, Seen};
    use crate::contenders::{API_VERSIONS, PILLION, TCP};
    use crate::report::sample::about;
    use crate::truth::Truth;
    use std::time::{Duration, Instant};

    #[test]
    fn scores_and_counts_from_the_fault() {
        let fault = Instant::now() + Duration::from_secs(100);
        let at = |s: f64| {
            if s < 0.0 { fault - Duration::from_secs_f64(-s) } else { fault + Duration::from_secs_f64(s) }
        };
        let seen = Seen {
            fault,
            truth: [
                (-2.0, Truth::InSync),
                (1.0, Truth::InSync),
                (4.004, Truth::Out),
                (10.0, Truth::InSync),
                (12.0, Truth::InSync),
            ]
            .map(|(s, truth)| (at(s), truth))
            .to_vec(),
            lanes: vec![
                (
                    PILLION,
                    [(-2.0, true), (5.0, false), (11.0, true), (12.0, true)]
                        .map(|(s, r)| (at(s), r))
                        .to_vec(),
                ),
                (TCP, [(-2.0, true), (3.0, true), (12.0, true)].map(|(s, r)| (at(s), r)).to_vec()),
                (
                    API_VERSIONS,
                    [(-2.0, true), (1.5, false), (10.0, true), (12.0, true)]
                        .map(|(s, r)| (at(s), r))
                        .to_vec(),
                ),
            ],
            events: vec![(fault, "cut off".to_owned()), (at(-1.0), "load".to_owned())],
            said: vec!["quorum-contact-old".to_owned()],
        };
        let run = Run::new(about(), &seen);
        assert_eq!(
            run.truth,
            [(-2.0, Truth::InSync), (4.0, Truth::Out), (10.0, Truth::InSync), (12.0, Truth::InSync)]
        );
        assert_eq!((run.events[0].at, run.events[1].at), (0.0, -1.0));
        let [ours, tcp, early] = &run.rows().collect::<Vec<_>>()[..] else { panic!("three lanes") };
        assert_eq!((ours.false_ready_s, ours.false_unready_s, ours.detect_s), (1.0, 1.0, Some(1.0)));
        assert_eq!((tcp.false_ready_s, tcp.false_unready_s, tcp.detect_s), (6.0, 0.0, None));
        assert_eq!((early.false_ready_s, early.false_unready_s, early.early_unready_s), (0.0, 0.0, 2.5));
        assert_eq!((early.detect_s, &run.lanes[2].early[..]), (Some(0.0), &[(1.5, 4.0)][..]));
        assert_eq!(run.lanes[1].samples, [(-2.0, true), (12.0, true)], "only changes, and the last");
        assert!(run.was_out());
        let back: Run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        assert_eq!(back, run);
    }
}
