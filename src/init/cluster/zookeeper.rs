//! What a stop would hurt, in `ZooKeeper` mode: there is no quorum by which a broker could prove that its metadata is
//! current, so the word of all brokers takes the place of the proof.
//!
//! A broker that lost its session goes on to list itself and everybody else, for ever; one that was killed is listed and
//! in every ISR until its session has run out. So every broker that is listed must answer, but for those that would stop,
//! and all must name the same brokers and the same controller, twice, further apart than a former controller that was
//! paused takes to learn that it is none (2.3 s were seen). The settings of topics are asked of the controller, which asks
//! `ZooKeeper` for them: where `ZooKeeper` does not serve it, it does not answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use pillion_probes::replicas::Tally;
use tokio::time::{Instant, sleep_until};

use super::{
    CLIENT_ID, Doubt, Opened,
    stop::{Found, Leaving, Who, against, who},
};
use crate::kafka::{
    Address, Connection, Security, WireError,
    requests::{ApiVersions, Kind, ListedBrokers, api_versions, listed_brokers},
    scan::{Asked, Scan, ScanBuffer, minimums, scan_round},
};

/// Between the two looks, at the least.
const APART: Duration = Duration::from_secs(3);
/// How long a broker may take for one question.
const ANSWER: Duration = Duration::from_secs(8);
/// Brokers whose partitions are held against the minimums: the controller and two more.
const SCANNED: usize = 3;

/// Asks all brokers that the one at hand lists.
pub(super) async fn look(mut opened: Opened, leaving: &Leaving) -> Result<Found, Doubt> {
    if opened.versions.zk_migration_ready {
        return Err(unsure(
            "the cluster migrates from ZooKeeper to KRaft (KIP-866), and has two sources of truth until then",
        ));
    }
    let deadline = opened.end.min(Instant::now() + ANSWER);
    let listed = listed_brokers(&mut opened.connection, &opened.versions, deadline).await?;
    let named = Named::of(&listed)?;
    let Who { leaving, down } = who(leaving, &listed, None, |_| false)?;
    let mut voices = voices(&listed, &opened.security, &leaving, opened.end).await?;
    let mut scan = Scan { leaving: leaving.iter().copied().collect(), ..scan(&voices, named.controller)? };
    let again = Instant::now() + APART;
    hear(&mut voices, &named, None, &opened).await?;
    scan.minimums = {
        let voice = controller(&mut voices, named.controller)?;
        let asked = Asked { connection: &mut voice.connection, versions: &voice.versions };
        let known = minimums(asked, &scan, None, &mut ScanBuffer::default(), ANSWER, opened.now()).await;
        let known = known.map_err(|error| {
            let who = named.controller;
            unsure(&format!("its controller, {who}, cannot tell the settings of topics, for which it asks ZooKeeper: {error}"))
        });
        Some(known?.into())
    };
    sleep_until(again).await;
    // Who would be hurt most counts, whoever says so.
    let tally = hear(&mut voices, &named, Some(&scan), &opened).await?;
    let reasons = against(&tally);
    Ok(Found { asked: opened.address, leaving, down, tally, reasons })
}

/// Who is in the cluster, in the words of one.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    brokers: BTreeSet<i32>,
    controller: i32,
}

impl Named {
    fn of(listed: &ListedBrokers) -> Result<Self, Doubt> {
        let brokers: BTreeSet<i32> = listed.brokers.iter().map(|broker| broker.id).collect();
        let controller = listed.controller_id;
        if !brokers.contains(&controller) {
            return Err(unsure("it names no controller that it lists"));
        }
        Ok(Self { brokers, controller })
    }
}

/// A broker that is asked.
struct Voice {
    connection: Connection,
    versions: ApiVersions,
}

/// Opens a connection to each of the brokers; those that would stop may be silent.
async fn voices(
    listed: &ListedBrokers,
    security: &Security,
    leaving: &BTreeSet<i32>,
    end: Instant,
) -> Result<BTreeMap<i32, Voice>, Doubt> {
    let addresses: BTreeSet<String> =
        listed.brokers.iter().map(|broker| broker.address.to_string()).collect();
    if addresses.len() < listed.brokers.len() {
        return Err(unsure("several brokers advertise the same address, so they cannot be asked one by one"));
    }
    let (deadline, security) = (end.min(Instant::now() + ANSWER), security.by_host());
    let opened = listed
        .brokers
        .iter()
        .map(async |broker| (broker.id, open(&broker.address, &security, deadline).await));
    let mut voices = BTreeMap::new();
    for (id, voice) in join_all(opened).await {
        match voice {
            Ok(voice) if voice.versions.kind == Kind::ZooKeeper => {
                voices.insert(id, voice);
            }
            Ok(_) => return Err(unsure(&format!("{id} is no broker in ZooKeeper mode"))),
            Err(_) if leaving.contains(&id) && id != listed.controller_id => {}
            Err(error) => return Err(silent(id, &error)),
        }
    }
    Ok(voices)
}

async fn open(address: &Address, security: &Security, deadline: Instant) -> Result<Voice, WireError> {
    let mut connection = Connection::open(address, security, CLIENT_ID, deadline).await?.pinned();
    let versions = api_versions(&mut connection, deadline).await?;
    Ok(Voice { connection, versions })
}

fn controller(voices: &mut BTreeMap<i32, Voice>, id: i32) -> Result<&mut Voice, Doubt> {
    voices.get_mut(&id).ok_or_else(|| unsure("the controller was not asked"))
}

fn scan(voices: &BTreeMap<i32, Voice>, controller: i32) -> Result<Scan, Doubt> {
    let voice = voices.get(&controller).ok_or_else(|| unsure("the controller was not asked"))?;
    // Nobody has the id -1: it is not about one broker's own replicas.
    Ok(Scan::pick(&voice.versions, -1)?)
}

/// Asks all of them who is in the cluster, and some of them how its partitions are; the worst that is said of these.
async fn hear(
    voices: &mut BTreeMap<i32, Voice>,
    named: &Named,
    scan: Option<&Scan>,
    opened: &Opened,
) -> Result<Tally, Doubt> {
    let others = voices.keys().copied().filter(|id| *id != named.controller);
    let scanned: BTreeSet<i32> = [named.controller].into_iter().chain(others).take(SCANNED).collect();
    let said = voices.iter_mut().map(async |(id, voice)| {
        let scan = scan.filter(|_| scanned.contains(id));
        (*id, voice.say(scan, opened).await)
    });
    let mut worst = Tally::default();
    for (id, said) in join_all(said).await {
        let (listed, tally) = said.map_err(|error| silent(id, &error))?;
        let theirs = Named::of(&listed)?;
        if theirs != *named {
            let tell =
                |named: &Named| format!("{:?} with the controller {}", named.brokers, named.controller);
            return Err(unsure(&format!("it lists {}, and {id} lists {}", tell(named), tell(&theirs))));
        }
        if hurt(&tally) >= hurt(&worst) {
            worst = tally;
        }
    }
    Ok(worst)
}

/// By how much is found that speaks against a stop, and then by how much is found at all.
fn hurt(tally: &Tally) -> (u64, u64) {
    let stops = tally.stops.as_ref().map_or(0, |stops| stops.counts.iter().sum());
    (stops + tally.unauthorized_topics + tally.failed_topics, tally.partitions)
}

impl Voice {
    async fn say(
        &mut self,
        scan: Option<&Scan>,
        opened: &Opened,
    ) -> Result<(ListedBrokers, Tally), WireError> {
        let listed = listed_brokers(&mut self.connection, &self.versions, Instant::now() + ANSWER).await?;
        let Some(scan) = scan else { return Ok((listed, Tally::default())) };
        let scan = Scan { kind: Scan::pick(&self.versions, -1)?.kind, ..scan.clone() };
        let mut buffer = ScanBuffer::default();
        let round =
            scan_round(&mut self.connection, &scan, &mut buffer, opened.left(), opened.now(), |_, _| {})
                .await?;
        Ok((listed, round.tally))
    }
}

fn silent(id: i32, error: &WireError) -> Doubt {
    unsure(&format!("it lists {id}, which does not answer ({error}): its session may be running out"))
}

fn unsure(why: &str) -> Doubt {
    Doubt::Unsure(why.to_owned())
}
