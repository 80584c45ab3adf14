//! One fault as it was seen, and how wrong each contender was.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{About, Broker, Seen};
use crate::contenders::{Contender, Timeline};
use crate::score::{detect, score};
use crate::truth::Truth;

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds from the fault.
    pub at: f64,
    /// What, in a few words.
    pub label: String,
}

/// How wrong a contender was, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wrong {
    /// Said ready while out of sync.
    pub false_ready_s: f64,
    /// Said not ready while in sync.
    pub false_unready_s: f64,
    /// Said not ready while nobody could know; which is right.
    pub unknowable_unready_s: f64,
    /// How long it took to notice: see [`detect`].
    pub detect_s: Option<f64>,
}

/// What one contender said of one broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// The contender's name.
    pub contender: String,
    /// Its score.
    #[serde(flatten)]
    pub wrong: Wrong,
    /// Each change of its answer, in seconds from the fault, and its last answer.
    pub samples: Vec<(f64, bool)>,
}

/// A broker that is judged, in seconds from the fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Its id.
    pub broker: i32,
    /// Each change of the truth, and its last sample.
    pub truth: Vec<(f64, Truth)>,
    /// The contenders.
    pub lanes: Vec<Lane>,
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
    /// The brokers that are judged.
    pub subjects: Vec<Subject>,
}

/// One contender at one fault, for programs. Of several brokers the worst counts, in each figure for itself.
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
    /// Its score.
    #[serde(flatten)]
    pub wrong: Wrong,
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
        let event =
            |(at, label): &(Instant, String)| Event { at: seconds(seen.fault, *at), label: label.clone() };
        Self {
            about,
            said: seen.said.clone(),
            events: seen.events.iter().map(event).collect(),
            subjects: seen.brokers.iter().map(|broker| Subject::new(broker, seen.fault)).collect(),
        }
    }

    /// What tells this run from others: mode, version and fault, as file names have it.
    pub fn key(&self) -> String {
        format!("{}-{}-{}", self.about.mode, self.about.kafka, self.about.fault)
    }

    /// The contenders, in the order of the first broker.
    pub fn contenders(&self) -> impl Iterator<Item = &str> {
        self.subjects
            .first()
            .into_iter()
            .flat_map(|subject| &subject.lanes)
            .map(|lane| lane.contender.as_str())
    }

    /// The score of a contender, the worst of all brokers in each figure; none when it did not take part.
    pub fn wrong(&self, contender: &str) -> Option<Wrong> {
        let lane = |subject: &Subject| subject.lanes.iter().find(|lane| lane.contender == contender).cloned();
        let lanes: Vec<Lane> = self.subjects.iter().filter_map(lane).collect();
        let worst = |figure: fn(&Wrong) -> f64| lanes.iter().map(|lane| figure(&lane.wrong)).reduce(f64::max);
        let noticed = self.subjects.iter().filter(|subject| subject.was_out()).filter_map(lane);
        Some(Wrong {
            false_ready_s: worst(|wrong| wrong.false_ready_s)?,
            false_unready_s: worst(|wrong| wrong.false_unready_s)?,
            unknowable_unready_s: worst(|wrong| wrong.unknowable_unready_s)?,
            // Where one was not noticed there is no time.
            detect_s: noticed
                .map(|lane| lane.wrong.detect_s)
                .collect::<Option<Vec<f64>>>()
                .and_then(|all| all.into_iter().reduce(f64::max)),
        })
    }

    /// One row a contender.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.contenders().filter_map(|contender| {
            Some(Row {
                fault: self.about.fault.clone(),
                mode: self.about.mode.clone(),
                kafka: self.about.kafka.clone(),
                contender: contender.to_owned(),
                wrong: self.wrong(contender)?,
                bound_s: self.about.bound_s,
                date: self.about.date.clone(),
                cores: self.about.cores,
            })
        })
    }

    /// Whether there was anything to notice.
    pub fn was_out(&self) -> bool {
        self.subjects.iter().any(Subject::was_out)
    }
}

impl Subject {
    fn new(broker: &Broker, fault: Instant) -> Self {
        let lane = |(contender, answers): &(Contender, Timeline)| {
            let score = score(&broker.truth, answers);
            let s = |time: Duration| round(time.as_secs_f64());
            Lane {
                contender: contender.name.to_owned(),
                wrong: Wrong {
                    false_ready_s: s(score.false_ready),
                    false_unready_s: s(score.false_unready),
                    unknowable_unready_s: s(score.unready_unknowable),
                    detect_s: detect(&broker.truth, answers, fault).map(s),
                },
                samples: changes(answers).map(|(at, ready)| (seconds(fault, at), ready)).collect(),
            }
        };
        Self {
            broker: broker.id,
            truth: changes(&broker.truth).map(|(at, truth)| (seconds(fault, at), truth)).collect(),
            lanes: broker.said.iter().map(lane).collect(),
        }
    }

    /// Whether there was anything to notice: the truth was out at some time from the fault on.
    fn was_out(&self) -> bool {
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

/// Seconds from the fault; before it they are negative.
fn seconds(fault: Instant, at: Instant) -> f64 {
    let before = fault.saturating_duration_since(at).as_secs_f64();
    round(at.saturating_duration_since(fault).as_secs_f64() - before)
}

fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::{Broker, Run, Seen};
    use crate::contenders::{PILLION, TCP, Timeline};
    use crate::report::sample::about;
    use crate::truth::Truth::{self, InSync, Out};
    use std::time::{Duration, Instant};

    fn at<T: Copy>(fault: Instant, samples: &[(u64, T)]) -> Vec<(Instant, T)> {
        let zero = fault.checked_sub(Duration::from_secs(2)).unwrap();
        samples.iter().map(|(s, value)| (zero + Duration::from_millis(*s), *value)).collect()
    }

    /// Times in milliseconds from 2 s before the fault.
    fn broker(
        fault: Instant,
        id: i32,
        truth: &[(u64, Truth)],
        ours: &[(u64, bool)],
        tcp: &[(u64, bool)],
    ) -> Broker {
        let timeline = |samples: &[(u64, bool)]| -> Timeline { at(fault, samples) };
        Broker { id, truth: at(fault, truth), said: vec![(PILLION, timeline(ours)), (TCP, timeline(tcp))] }
    }

    #[test]
    fn scores_from_the_fault_and_takes_the_worst_of_all_brokers() {
        let fault = Instant::now() + Duration::from_secs(100);
        let one = broker(
            fault,
            1001,
            &[(0, InSync), (3000, InSync), (6004, Out), (12_000, InSync), (14_000, InSync)],
            &[(0, true), (7004, false), (13_000, true), (14_000, true)],
            &[(0, true), (5000, true), (14_000, true)],
        );
        let well = [(0, InSync), (14_000, InSync)];
        let other = broker(
            fault,
            1002,
            &well,
            &[(0, true), (14_000, true)],
            &[(0, true), (7000, false), (14_000, true)],
        );
        let seen = Seen {
            fault,
            brokers: vec![one, other],
            events: vec![(fault, "cut off".to_owned())],
            said: vec!["quorum-contact-old".to_owned()],
        };
        let run = Run::new(about(), &seen);
        assert_eq!(run.subjects[0].truth, [(-2.0, InSync), (4.0, Out), (10.0, InSync), (12.0, InSync)]);
        assert_eq!(
            run.subjects[0].lanes[1].samples,
            [(-2.0, true), (12.0, true)],
            "only changes, and the last"
        );
        assert_eq!((run.events[0].at, run.was_out()), (0.0, true));
        let [ours, tcp] = &run.rows().map(|row| row.wrong).collect::<Vec<_>>()[..] else {
            panic!("two rows")
        };
        assert_eq!((ours.false_ready_s, ours.false_unready_s, ours.detect_s), (1.0, 1.0, Some(1.0)));
        assert_eq!((tcp.false_ready_s, tcp.false_unready_s, tcp.detect_s), (6.0, 7.0, None));
        let back: Run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        assert_eq!(back, run);
        let row = serde_json::to_value(run.rows().next()).unwrap();
        assert_eq!(row["false_ready_s"], 1.0, "a flat row: {row}");
    }
}
