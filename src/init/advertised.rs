//! What is advertised, where `broker.advertised` has patterns for it.

use super::{listeners, who::Who};
use crate::{
    config::{Config, Word, variable},
    problem::Problem,
    properties::Layers,
};

/// `advertised.listeners`; `None` without patterns, where a mistake was added, and while the zone that belongs into it
/// has yet to be asked for.
pub(super) fn value(config: &Config, who: Option<Who>, problems: &mut Vec<Problem>) -> Option<String> {
    let patterns = &config.broker.advertised;
    let waits = config.broker.zone.is_open() && patterns.values().any(|pattern| pattern.has(Word::Zone));
    if patterns.is_empty() || waits {
        return None;
    }
    let who = who?;
    let pod = &config.kubernetes;
    let value = |word: Word| match word {
        Word::Id => Some(who.id.to_string().into()),
        Word::Ordinal => Some(who.ordinal.to_string().into()),
        Word::Pod => pod.pod.as_deref().map(Into::into),
        Word::Namespace => pod.namespace.as_deref().map(Into::into),
        Word::Node => pod.node.as_deref().map(Into::into),
        Word::Zone => config.broker.zone.known().map(Into::into),
    };
    let mut all = Vec::new();
    let before = problems.len();
    for (name, pattern) in patterns {
        let place = || config.places.of(&format!("broker.advertised.{name}"));
        match pattern.fill(who.ordinal, value) {
            Ok(address) if has_port(&address) => all.push(format!("{name}://{address}")),
            Ok(address) => {
                let what = format!("{pattern} comes to {address}, and that is no port");
                problems.push(Problem::new(place(), what, "ports go from 1 to 65535: take a smaller number"));
            }
            Err(word) => {
                let name = word.name();
                let what = format!("{{{name}}} stands in it, and the {name} is not known");
                problems.push(Problem::new(place(), what, remedy(word)));
            }
        }
    }
    (problems.len() == before).then(|| all.join(","))
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn remedy(word: Word) -> String {
    let path = match word {
        Word::Zone => return format!("set {}, or take it out", variable("broker.zone.value")),
        Word::Id | Word::Ordinal => "broker.ordinal",
        Word::Pod => "kubernetes.pod",
        Word::Namespace => "kubernetes.namespace",
        Word::Node => "kubernetes.node",
    };
    format!("set {} (on Kubernetes by the downward API), or take it out", variable(path))
}

/// Kafka refuses to advertise a listener that it does not have (`KafkaConfig.validateValues`): say it before Kafka does.
pub(super) fn unknown(config: &Config, layers: &Layers) -> Vec<Problem> {
    let bound = layers.get("listeners").and_then(|(text, _)| listeners::parse(text).ok());
    // Those that cannot be read are told where they are.
    let Some(bound) = bound else { return Vec::new() };
    let missing = |name: &&String| bound.iter().all(|listener| listener.name != **name);
    let problem = |name: &String| {
        let names: Vec<_> = bound.iter().map(|listener| listener.name.as_str()).collect();
        let what = format!("kafka.properties.listeners has no listener {name}");
        let remedy = format!("add it there, or correct the name; there are: {}", names.join(", "));
        Problem::new(config.places.of(&format!("broker.advertised.{name}")), what, remedy)
    };
    config.broker.advertised.keys().filter(missing).map(problem).collect()
}
