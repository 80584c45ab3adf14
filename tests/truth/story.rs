//! The record of one fault while it happens.

use std::time::{Duration, Instant};

use anyhow::Result;
use bed::{
    Truth,
    contenders::{Contender, PILLION, Timeline},
};

use super::{double::Double, scene::Scene};

/// How long all is watched before the fault and after the last return.
const MARGIN: Duration = Duration::from_secs(2);

/// What happened when.
#[derive(Debug)]
pub struct Story {
    /// When the fault struck.
    pub fault: Option<Instant>,
    /// What happened, in order.
    pub events: Vec<(Instant, String)>,
    /// Times in which nobody could vouch for the brokers, although the brokers themselves were well.
    pub unknowable: Vec<(Instant, Instant)>,
    /// What was answered, by those for whom it is not the answers of the fleet's own watches that are judged.
    pub answers: Vec<(Contender, Timeline)>,
    /// What pillion said, likewise.
    pub said: Option<Vec<String>>,
}

impl Story {
    /// All is well, and is seen to be for a while.
    pub fn begin() -> Self {
        pass(MARGIN);
        Self { fault: None, events: Vec::new(), unknowable: Vec::new(), answers: Vec::new(), said: None }
    }

    /// The fault strikes now. Told before it is done, so that no second of it is missed.
    pub fn fault(&mut self, what: &str) -> Instant {
        let now = self.mark(what);
        self.fault.get_or_insert(now);
        now
    }

    /// Something else happens now.
    pub fn mark(&mut self, what: &str) -> Instant {
        let now = Instant::now();
        println!("    {what}");
        self.events.push((now, what.to_owned()));
        now
    }

    /// Waits until the broker is in sync and called ready again.
    pub fn back(&mut self, scene: &Scene, id: i32) -> Result<()> {
        scene.wait_truth(id, Truth::InSync)?;
        self.mark(&format!("{id} in sync"));
        scene.wait(id, true)?;
        Ok(())
    }

    /// The second agent is judged, not the fleet's own.
    pub fn judge(&mut self, double: &Double) {
        self.answers.push((PILLION, double.timeline()));
        self.said = self.fault.map(|fault| double.reasons(fault));
    }

    /// Lets the fault last until so long after it struck.
    pub fn last(&self, time: Duration) {
        if let Some(fault) = self.fault {
            pass(time.saturating_sub(fault.elapsed()));
        }
    }

    /// From shortly before the fault until now, and a little.
    pub fn end(&self) -> Result<(Instant, Instant)> {
        let fault = self.fault.ok_or_else(|| anyhow::anyhow!("no fault was told"))?;
        pass(MARGIN);
        Ok((fault.checked_sub(MARGIN).unwrap_or(fault), Instant::now()))
    }
}

/// Lets time pass.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}
