//! Fetches each certificate and checks it, until all are good or the patience is over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Certificates, TlsListener};
use crate::{
    certs::{self, Bundle, Checked, Fault, Files, Installed, Phase, Rules, SourceFault, development},
    clock::Clock,
    config::{
        self, Config,
        certificates::{Directory, Source},
    },
    init::{
        error::{Exit, InitError},
        source,
    },
    kube::{Api, SecretName},
    problem::Problem,
};

/// Between two looks at the sources.
const PAUSE: Duration = Duration::from_secs(1);

/// Why one listener has no certificate yet.
enum Lack {
    Source(SourceFault),
    Faults(Vec<Fault>),
    Phase(Problem),
}

impl Lack {
    /// Waiting may help.
    fn heals(&self) -> bool {
        match self {
            Self::Source(fault) => fault.heals,
            Self::Faults(faults) => faults.iter().all(Fault::heals),
            Self::Phase(_) => false,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Source(fault) if fault.heals => Exit::Unavailable,
            _ => Exit::Usage,
        }
    }

    fn problems(self, place: &str) -> Vec<Problem> {
        match self {
            Self::Source(fault) => vec![Problem::new(place, fault.text, fault.remedy)],
            Self::Faults(faults) => {
                let one = |fault: Fault| {
                    Problem::new(place, format!("{} ({})", fault.text, fault.code), fault.remedy)
                };
                faults.into_iter().map(one).collect()
            }
            Self::Phase(problem) => vec![problem],
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Source(fault) => fault.text.clone(),
            Self::Faults(faults) => faults.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join("; "),
            Self::Phase(problem) => problem.what.clone(),
        }
    }
}

/// A certificate for each of `wanted`, waited for as long as `certificates.wait` says. `tell` hears what is waited for.
///
/// # Errors
/// Every listener that has none: 69 when a source gave nothing in time, 64 when what it gave, or the configuration, has to
/// be corrected.
pub async fn gather(
    config: &Config,
    wanted: &[TlsListener],
    clock: &Clock,
    tell: &dyn Fn(&str),
) -> Result<Certificates, InitError> {
    let patience = config.certificates.wait;
    let ends = Instant::now() + patience;
    let mut all = Certificates::new();
    let mut said = String::new();
    loop {
        let mut lacks = Vec::new();
        for listener in wanted {
            if all.contains_key(&listener.name) {
                continue;
            }
            match one(config, listener, clock).await {
                Ok(checked) => drop(all.insert(listener.name.clone(), checked)),
                Err(lack) => lacks.push((listener.name.as_str(), lack)),
            }
        }
        if lacks.is_empty() {
            return Ok(all);
        }
        if Instant::now() + PAUSE >= ends || !lacks.iter().all(|(_, lack)| lack.heals()) {
            return Err(error(config, lacks));
        }
        let words: Vec<_> = lacks.iter().map(|(name, lack)| format!("{name}: {}", lack.told())).collect();
        let words = words.join("; ");
        if words != said {
            tell(&format!("waiting for certificates, up to {}: {words}", config::show_duration(patience)));
            said = words;
        }
        sleep(PAUSE).await;
    }
}

fn error(config: &Config, lacks: Vec<(&str, Lack)>) -> InitError {
    let worst = lacks.iter().map(|(_, lack)| lack.exit()).find(|exit| *exit == Exit::Usage);
    let place = |name: &str| config.places.of(&format!("certificates.listeners.{name}"));
    let mut problems: Vec<Problem> =
        lacks.into_iter().flat_map(|(name, lack)| lack.problems(&place(name))).collect();
    problems.dedup();
    InitError { exit: worst.unwrap_or(Exit::Unavailable), problems }
}

/// Before Kafka is started: what is installed binds it to nothing.
async fn one(config: &Config, listener: &TlsListener, clock: &Clock) -> Result<Checked, Lack> {
    let settings = &config.certificates;
    let source = settings.listeners.get(&listener.name);
    let phase = settings.authority_change.as_deref().map_or(Ok(Phase::Stable), certs::phase);
    let phase = phase.map_err(Lack::Phase)?;
    let now = clock.now().wall_ms.div_euclid(1000);
    let installed = certs::installed(&certs::place(&config.run_dir, &listener.name)).ok().flatten();
    let bundle = match source {
        Some(source) => {
            fetch(config, source, listener, installed.as_ref(), now).await.map_err(Lack::Source)?
        }
        None => return Err(Lack::Faults(Vec::new())),
    };
    let rules = Rules {
        names: &listener.names,
        now,
        skew: settings.clock_skew,
        installed: None,
        allow_dn_changes: settings.allow_dn_changes,
        allow_san_changes: settings.allow_san_changes,
        inter_broker: listener.inter_broker,
        kafka: (config.kafka.version.major, config.kafka.version.minor),
        phase: &phase,
    };
    certs::check(&bundle, &rules).map_err(Lack::Faults)
}

/// What a source gives now. `installed` is what is there: a source that issues gives it again while it is good.
///
/// # Errors
/// Why it gives nothing.
pub async fn fetch(
    config: &Config,
    source: &Source,
    listener: &TlsListener,
    installed: Option<&Installed>,
    now: i64,
) -> Result<Bundle, SourceFault> {
    match source {
        Source::Directory(directory) => files(directory).read(),
        Source::Development(ca) => {
            let subject = config.kubernetes.pod.as_deref().unwrap_or(&config.cluster.name);
            development::issue(&ca.directory, subject, &listener.names, installed, now)
        }
        Source::Secret(secret) => {
            let name = SecretName {
                namespace: config.kubernetes.namespace.clone().unwrap_or_default(),
                name: secret.name.clone(),
            };
            let read = match Api::of_pod() {
                Ok(api) => name.read(&api).await,
                Err(fault) => Err(fault),
            };
            let read = read.map_err(|fault| source::of_secret_fault(&fault, &name))?;
            source::of_secret(&read, &name, secret)
        }
        Source::Vault(vault) => source::of_vault(vault).issue(&listener.names).await,
    }
}

/// The files of a directory as it is configured.
pub fn files(directory: &Directory) -> Files {
    Files {
        directory: directory.path.clone(),
        certificate: directory.certificate.clone(),
        key: directory.key.clone(),
        authority: directory.authority.clone(),
        password: directory.password_file.clone(),
    }
}
