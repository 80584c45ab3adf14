//! A producer, a consumer and a watch on the ISR beside what happens, and what they lived through.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::{
    ClientConfig, IsrWatch, Load, LoadReport, ReadReport, Reader,
    load::LoadOptions,
    scene::{run, runtime},
};

use crate::{
    figures::Figures,
    kafka::{addresses, client},
    scene::{SOON, Scene},
};

/// The default of `message.timeout.ms` of the client, which ends its retries.
pub const CLIENT_DEFAULT: Duration = Duration::from_secs(300);
/// Bytes a record: with 200 records a second a broker that is away for a quarter of a minute has megabytes to fetch.
const SIZE: usize = 4096;

/// What runs beside.
pub struct Beside {
    load: Load,
    reader: Reader,
    /// Who was out of the ISR when.
    pub isr: IsrWatch,
    began: Instant,
}

/// What they lived through.
pub struct Lived {
    /// The producer: acks=all, idempotent, retries at the client's default.
    pub produced: LoadReport,
    /// The consumer.
    pub read: ReadReport,
    /// The most brokers that were out of the ISR at once.
    pub most_out: usize,
    /// For how long more than one was.
    pub several_out: Duration,
}

/// A new client writes and reads, spotlessly. Returns how many records.
pub fn new_client(config: &ClientConfig, topic: &str, idempotent: bool) -> Result<usize> {
    let options = LoadOptions { idempotent, delivery_timeout: CLIENT_DEFAULT, ..LoadOptions::default() };
    let load = Load::with(config.clone(), topic, options)?;
    let reader = Reader::start(config.clone(), topic)?;
    run(load.wait_acked(400, SOON))?;
    let produced = run(load.stop())?;
    let read = reader.finish(&produced.numbers, SOON)?;
    spotless(&produced, &read)?;
    Ok(produced.numbers.len())
}

impl Beside {
    /// Starts them on a topic of their own, and waits until records flow.
    pub fn start(scene: &Scene, topic: &str) -> Result<Self> {
        Self::among(scene, topic, addresses())
    }

    /// [`Self::start`], with a watch on these brokers.
    pub fn among(scene: &Scene, topic: &str, brokers: Vec<(i32, String)>) -> Result<Self> {
        scene.topic(topic)?;
        let _inside = runtime().enter();
        let isr = IsrWatch::start(brokers);
        let options = LoadOptions { size: SIZE, delivery_timeout: CLIENT_DEFAULT, ..LoadOptions::default() };
        let load = Load::with(client(), topic, options)?;
        let reader = Reader::start(client(), topic)?;
        run(load.wait_acked(400, SOON))?;
        Ok(Self { load, reader, isr, began: Instant::now() })
    }

    /// Waits until records flow still.
    pub fn flows(&self) -> Result<()> {
        run(self.load.wait_acked(200, SOON))
    }

    /// Waits until every broker is in every ISR.
    pub fn in_sync(&self) -> Result<Instant> {
        run(bed::eventually("every broker is in sync", SOON, async || {
            let out = self.isr.now();
            ensure!(out.as_ref().is_some_and(std::collections::BTreeSet::is_empty), "out: {out:?}");
            Ok(Instant::now())
        }))
    }

    /// Stops the producer, lets the consumer read to the end, and tells.
    pub fn stop(self) -> Result<Lived> {
        let rounds = self.isr.since(self.began);
        let produced = run(self.load.stop())?;
        let read = self.reader.finish(&produced.numbers, SOON)?;
        let out = |index: usize| rounds[index].out.as_ref().map_or(0, std::collections::BTreeSet::len);
        let several = (1..rounds.len()).filter(|index| out(index - 1) > 1);
        Ok(Lived {
            produced,
            read,
            most_out: (0..rounds.len()).map(out).max().unwrap_or_default(),
            several_out: several.map(|index| rounds[index].at - rounds[index - 1].at).sum(),
        })
    }
}

impl Lived {
    /// Takes all of it down; `as_named` stands before each figure.
    pub fn note(&self, as_named: &str, figures: &mut Figures) {
        figures.count(&format!("{as_named}acknowledged"), self.produced.numbers.len(), "records");
        figures.count(&format!("{as_named}errors at the producer"), self.produced.errors.len(), "records");
        figures.count(&format!("{as_named}lost"), self.read.lost.len(), "records");
        figures.count(&format!("{as_named}duplicated"), self.read.duplicated.len(), "records");
        figures.time(&format!("{as_named}longest wait for an acknowledgement"), self.produced.longest_gap);
        figures.count(&format!("{as_named}brokers out of the ISR at once"), self.most_out, "at the most");
    }

    /// No error, nothing lost, nothing twice.
    pub fn spotless(&self) -> Result<()> {
        spotless(&self.produced, &self.read)
    }
}

/// No error, nothing lost, nothing twice.
pub fn spotless(produced: &LoadReport, read: &ReadReport) -> Result<()> {
    ensure!(produced.errors.is_empty(), "the producer saw errors: {:?}", produced.errors.first());
    ensure!(
        produced.numbers.len() as u64 == produced.sent,
        "{} of {} records were acknowledged",
        produced.numbers.len(),
        produced.sent
    );
    ensure!(read.lost.is_empty(), "acknowledged, and lost: {:?}", &read.lost[..read.lost.len().min(10)]);
    ensure!(
        read.duplicated.is_empty(),
        "twice in the log, after {} new epochs: {:?}",
        produced.epochs,
        read.duplicated
    );
    Ok(())
}
