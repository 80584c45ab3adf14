//! How a rotation goes on after the file is in place: ask the broker to reload, look what it serves, ask again.

use std::time::Duration;

use crate::time::BootTime;

/// After a reload was asked for, the broker follows within some 100 ms; this often it is looked at for [`SOON`].
const LOOK: Duration = Duration::from_millis(150);
/// For how long after asking.
const SOON: Duration = Duration::from_secs(3);
/// How often after that.
const LOOK_LATER: Duration = Duration::from_secs(1);
/// How often what is served is looked at while all is well.
const PROOF: Duration = Duration::from_secs(60);
/// The first wait before asking again; it doubles.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest.
const AGAIN_MOST: Duration = Duration::from_secs(60);

/// The rotation of one node's listeners. A request for one listener reloads them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Counts the changes of files: a request that was sent before one says nothing of it.
    pub change: u64,
    /// When a reload was last asked for, since the last change of a file.
    pub asked: Option<BootTime>,
    /// How often.
    pub asks: u32,
    /// One of the requests was taken.
    pub taken: bool,
    /// When what is served was last looked at.
    pub looked: Option<BootTime>,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the broker to reload.
    Ask,
    /// Look what it serves.
    Look,
    /// Nothing, for so long.
    Rest(Duration),
}

/// How long after the `asks`th request the next one is made.
pub fn backoff(asks: u32) -> Duration {
    let doubled = AGAIN.saturating_mul(1 << asks.saturating_sub(1).min(16));
    doubled.min(AGAIN_MOST)
}

/// What is to be done now; `behind` while not every listener serves what is installed.
pub fn step(course: &Course, behind: bool, now: BootTime) -> Step {
    let Some(looked) = course.looked else { return Step::Look };
    // What is trusted does not show in a handshake: one request after a change of a file must have been taken.
    if !behind && course.taken {
        return when(Step::Look, looked.forth(PROOF), now);
    }
    let Some(asked) = course.asked else { return Step::Ask };
    let again = asked.forth(backoff(course.asks));
    if again <= now {
        return Step::Ask;
    }
    let pause = if now.since(asked) < SOON { LOOK } else { LOOK_LATER };
    let look = looked.max(asked).forth(pause);
    if again < look { when(Step::Ask, again, now) } else { when(Step::Look, look, now) }
}

fn when(step: Step, at: BootTime, now: BootTime) -> Step {
    match at.since(now) {
        left if left.is_zero() => step,
        left => Step::Rest(left),
    }
}
