//! What a case measures, and what it may not be above.

use std::time::Duration;

use anyhow::{Result, ensure};
use bed::report::Figure;

/// The figures of one case, in the order in which they were taken.
#[derive(Debug, Default)]
pub struct Figures {
    /// So far.
    pub all: Vec<Figure>,
    quick: bool,
}

impl Figures {
    /// None yet. In the short set a busy machine may spoil a time: there, limits are recorded, not asserted.
    pub fn new(quick: bool) -> Self {
        Self { all: Vec::new(), quick }
    }

    /// Seconds.
    pub fn time(&mut self, name: &str, time: Duration) {
        self.push(name, time.as_secs_f64(), "s", None);
    }

    /// Something counted.
    pub fn count(&mut self, name: &str, count: impl TryInto<u32>, unit: &str) {
        self.push(name, f64::from(count.try_into().unwrap_or(u32::MAX)), unit, None);
    }

    /// Seconds that the documentation bounds.
    pub fn at_most(&mut self, name: &str, time: Duration, limit: Duration, why: &str) -> Result<()> {
        self.bounded(name, time.as_secs_f64(), "s", limit.as_secs_f64(), why)
    }

    /// A number that the documentation bounds.
    pub fn bounded(&mut self, name: &str, value: f64, unit: &str, limit: f64, why: &str) -> Result<()> {
        self.push(name, value, unit, Some(limit));
        ensure!(self.quick || value <= limit, "{name}: {value:.2} {unit}, at most {limit:.2}: {why}");
        Ok(())
    }

    /// A number that must be zero, on any machine.
    pub fn zero(&mut self, name: &str, count: usize, unit: &str) -> Result<()> {
        self.count(name, count, unit);
        ensure!(count == 0, "{name}: {count} {unit}");
        Ok(())
    }

    fn push(&mut self, name: &str, value: f64, unit: &str, limit: Option<f64>) {
        let met = limit.map(|limit| value <= limit);
        let told = match met {
            None => String::new(),
            Some(true) => ", met".to_owned(),
            Some(false) => ", NOT met".to_owned(),
        };
        println!("    {name}: {value:.2} {unit}{told}");
        self.all.push(Figure { name: name.to_owned(), value, unit: unit.to_owned(), limit, met });
    }
}
