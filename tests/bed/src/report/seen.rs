//! One fault: what it was, and what was seen.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::contenders::{Contender, Timeline};
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
    /// What is right to say, and why, with the Kafka class or KIP that makes it so.
    pub right: String,
    /// Seconds of false ready that pillion's documentation allows.
    pub bound_s: f64,
    /// Why so many.
    pub bound_why: String,
    /// Seconds of false unready that it allows.
    pub grace_s: f64,
    /// Why so many.
    pub grace_why: String,
}

/// What was seen, from shortly before the fault until all was well again.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When the fault began: second 0.
    pub fault: Instant,
    /// The brokers that are judged.
    pub brokers: Vec<Broker>,
    /// What was done, and when.
    pub events: Vec<(Instant, String)>,
    /// What `/readyz` said in the meantime: each different first line once, with its remedy.
    pub said: Vec<String>,
}

/// What was seen of one broker.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// The truth about it.
    pub truth: Vec<(Instant, Truth)>,
    /// What each contender said of it; they are shown in this order.
    pub said: Vec<(Contender, Timeline)>,
}
