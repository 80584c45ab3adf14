//! The thread that reads: files may block for as long as they like, and nobody waits for it.

use std::{
    collections::HashSet,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use pillion_probes::{replicas::Tally, stops::Minimums, time::BootTime};
use tokio::sync::watch;

use crate::{
    clock::Clock,
    ledger::{Follower, Log, Trouble},
    sidecar::{Target, mark},
};

/// Between two looks at the end of the log, which cost one system call when nothing came.
const TICK: Duration = Duration::from_millis(50);
/// At each of so many of them it is looked whether it is still the same log, too, and whether it goes on in another file.
const WHOLE: u32 = 4;
/// Without news the last is told again after so long, with the instant of the last look.
const AGAIN: Duration = Duration::from_millis(500);
/// The same while something waits to be committed: whoever is told says how far the broker has come by then.
const UNSETTLED: Duration = Duration::from_millis(100);
/// Before the next attempt after something that does not pass by itself.
const RETRY: Duration = Duration::from_secs(5);
/// To read the log anew, for what came to the broker, may take this share of the time at the most.
const DUTY: u32 = 20;
/// Until then at the latest: what came has no name meanwhile.
const LATEST: Duration = Duration::from_secs(30);
/// The directory of the log (`Topic.CLUSTER_METADATA_TOPIC_NAME`, which has one partition).
const DIRECTORY: &str = "__cluster_metadata-0";

/// What topics need that do not say it themselves, and when that was asked for.
pub type Usual = (i32, BootTime);

/// The log as it was read.
#[derive(Clone, Debug)]
pub struct View {
    /// When it was looked at last.
    pub read: BootTime,
    /// Offset of its last record.
    pub end: i64,
    /// Offset of the last record that changed what it says of the broker.
    pub changed: i64,
    /// Nothing of it waits to be committed, or to be looked up.
    pub settled: bool,
    /// The controllers have fenced the broker.
    pub fenced: bool,
    /// From the stamp of the last batch until it was read, in milliseconds.
    pub delay_ms: Option<u64>,
    /// The broker's replicas.
    pub tally: Arc<Tally>,
    /// What topics need.
    pub minimums: Option<Arc<Minimums>>,
}

/// What the thread tells.
#[derive(Clone, Debug)]
pub enum News {
    /// The log is followed.
    Follows(View),
    /// It is not, for this reason.
    Lacks(String),
}

/// What the thread is given.
#[derive(Debug)]
pub struct Shared {
    log: Log,
    metadata_dir: PathBuf,
    cluster_id: String,
    clock: Clock,
    /// The first offset that the broker is not known to have applied: what it has applied is committed.
    committed: AtomicI64,
    usual: Mutex<Option<Usual>>,
}

impl Shared {
    /// For this target.
    pub fn new(target: &Target, clock: Clock) -> Self {
        Self {
            log: Log { dir: target.metadata_dir.join(DIRECTORY), own: target.id, key: target.key },
            metadata_dir: target.metadata_dir.clone(),
            cluster_id: target.cluster_id.clone(),
            clock,
            committed: AtomicI64::new(0),
            usual: Mutex::new(None),
        }
    }

    /// What is known by now: the offset that the broker has applied, and what topics need.
    pub fn told(&self, applied: Option<i64>, usual: Option<Usual>) {
        if let Some(applied) = applied {
            self.committed.fetch_max(applied + 1, Ordering::Release);
        }
        *self.usual.lock().unwrap_or_else(PoisonError::into_inner) = usual;
    }

    /// Reads until nobody listens any more.
    pub fn run(&self, news: &watch::Sender<Option<News>>) {
        let mut wanted = HashSet::new();
        while !news.is_closed() {
            let ended = self.mine().and_then(|()| self.follow(&mut wanted, news));
            let Err(trouble) = ended else { return };
            let pause = match trouble {
                Trouble::Changed(how) => {
                    tracing::debug!(how, "the metadata log is read anew");
                    TICK
                }
                trouble => {
                    news.send_replace(Some(News::Lacks(self.why(&trouble))));
                    RETRY
                }
            };
            self.rest(pause, news);
        }
    }

    fn rest(&self, pause: Duration, news: &watch::Sender<Option<News>>) {
        let until = self.clock.boot().forth(pause);
        while !news.is_closed() && self.clock.boot() < until {
            sleep(TICK);
        }
    }

    fn why(&self, trouble: &Trouble) -> String {
        let dir = self.log.dir.display();
        match trouble {
            Trouble::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("there is none in {dir}: does the sidecar see the broker's volume, at the same path?")
            }
            Trouble::Io(error) => format!("{dir}: {error}"),
            trouble => trouble.to_string(),
        }
    }

    /// The directory is of this cluster.
    fn mine(&self) -> Result<(), Trouble> {
        match mark::owner(&self.metadata_dir).and_then(|owner| owner.cluster_id) {
            Some(id) if id != self.cluster_id => {
                Err(io::Error::other(format!("it is of another cluster ({id})")).into())
            }
            _ => Ok(()),
        }
    }

    fn open(
        &self,
        wanted: HashSet<([u8; 16], i32)>,
        news: &watch::Sender<Option<News>>,
    ) -> Result<Follower, Trouble> {
        let committed = self.committed.load(Ordering::Acquire);
        Follower::open(&self.log, wanted, committed, || !news.is_closed())
    }

    /// Follows the log until it cannot.
    fn follow(
        &self,
        wanted: &mut HashSet<([u8; 16], i32)>,
        news: &watch::Sender<Option<News>>,
    ) -> Result<(), Trouble> {
        let mut follower = self.open(std::mem::take(wanted), news)?;
        let (mut told, mut settled) = (Told::default(), false);
        for look in (0..WHOLE).cycle() {
            if news.is_closed() {
                break;
            }
            let read = self.clock.boot();
            let more = (look == 0 || follower.has_grown()?) && follower.step()?;
            let freed = follower.state_mut().commit(self.committed.load(Ordering::Acquire));
            if more {
                continue;
            }
            if !std::mem::replace(&mut settled, true) {
                follower.state_mut().settle();
            }
            told.due |= freed;
            if told.end != follower.end() {
                told.end = follower.end();
                let now = self.clock.now().wall_ms;
                told.delay_ms = follower.stamped().and_then(|stamped| u64::try_from(now - stamped).ok());
            }
            let worse = follower.state_mut().take_worse();
            self.tell(&follower, read, worse, &mut told, news);
            if let Some(unknown) = follower.state().wanted()
                && told.look.is_none_or(|at| read >= at)
            {
                let mut anew = self.open(unknown, news)?;
                while !news.is_closed() && anew.step()? {}
                let now = self.clock.boot();
                told.look = Some(now.forth(now.since(read).saturating_mul(DUTY).clamp(RETRY, LATEST)));
                (follower, settled, told.due) = (anew, false, true);
                continue;
            }
            sleep(TICK);
        }
        Ok(())
    }

    /// Tells what has changed, or that nothing has: at once where something is worse, else now and then.
    fn tell(
        &self,
        follower: &Follower,
        read: BootTime,
        worse: bool,
        told: &mut Told,
        news: &watch::Sender<Option<News>>,
    ) {
        let state = follower.state();
        let pause = if state.is_settled() { AGAIN } else { UNSETTLED };
        let soon = worse || told.due;
        if !soon && told.at.is_some_and(|at| read.since(at) < pause) {
            return;
        }
        let usual = *self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        let of = Some((state.changed(), usual));
        if std::mem::take(&mut told.due) || told.of != of {
            told.minimums = usual.map(|(least, asked)| Arc::new(state.minimums(least, asked)));
            told.tally = Arc::new(state.tally(told.minimums.as_ref()));
            told.of = of;
        }
        told.at = Some(read);
        news.send_replace(Some(News::Follows(View {
            read,
            end: follower.end(),
            changed: state.changed(),
            settled: state.is_settled(),
            fenced: state.is_fenced(),
            delay_ms: told.delay_ms,
            tally: Arc::clone(&told.tally),
            minimums: told.minimums.clone(),
        })));
    }
}

/// What was told last.
#[derive(Debug, Default)]
struct Told {
    at: Option<BootTime>,
    /// Something was committed since.
    due: bool,
    of: Option<(i64, Option<Usual>)>,
    end: i64,
    delay_ms: Option<u64>,
    tally: Arc<Tally>,
    minimums: Option<Arc<Minimums>>,
    /// When the log was last gone through for partitions that were not known.
    look: Option<BootTime>,
}
