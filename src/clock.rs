//! The agent's clock: one seam through which every instant is read, so that tests can step it.

use std::{fmt, sync::Arc, time::Duration};

use pillion_probes::time::BootTime;
use rustix::time::{ClockId, clock_gettime};

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// `CLOCK_BOOTTIME`: evidence is dated by it.
    pub boot: BootTime,
    /// Wall clock, milliseconds since 1970: for people, and for ends that people set.
    pub wall_ms: i64,
}

impl Now {
    /// Wall clock less boot clock, in milliseconds: it changes when one of them is stepped or stood still.
    pub fn offset_ms(self) -> i64 {
        let boot = i64::try_from(self.boot.since_boot().as_millis()).unwrap_or(i64::MAX);
        self.wall_ms.saturating_sub(boot)
    }
}

/// Reads the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Now + Send + Sync>);

impl Clock {
    /// The machine's own clocks.
    pub fn system() -> Self {
        Self(Arc::new(|| Now { boot: BootTime::new(read(ClockId::Boottime)), wall_ms: wall_ms() }))
    }

    /// A clock that answers what `read` says.
    pub fn from_fn(read: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Both clocks, read one after the other.
    pub fn now(&self) -> Now {
        (self.0)()
    }

    /// The boot clock alone.
    pub fn boot(&self) -> BootTime {
        self.now().boot
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

fn wall_ms() -> i64 {
    i64::try_from(read(ClockId::Realtime).as_millis()).unwrap_or(i64::MAX)
}

fn read(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}
