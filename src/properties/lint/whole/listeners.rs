//! How listeners, what is advertised, and who comes there fit together.

use super::{
    endpoint::{Endpoint, is_host},
    names::{ADVERTISED, CONTROLLERS, LISTENERS, MAP, Names, protocol},
};
use crate::properties::lint::{
    Finding, rules, v,
    view::{View, csv},
};

const BETWEEN: &str = "inter.broker.listener.name";
const PROTOCOL: &str = "security.inter.broker.protocol";
const CONTROL_PLANE: &str = "control.plane.listener.name";
const MECHANISM: &str = "sasl.mechanism.inter.broker.protocol";
const MECHANISMS: &str = "sasl.enabled.mechanisms";
const PER_ADDRESS: &str = "max.connections.per.ip.overrides";

pub(super) fn find(view: &View<'_>, names: &Names<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = [nowhere(view, names), early(view, names)].into_iter().flatten().collect();
    if !view.tells(&[BETWEEN, PROTOCOL, CONTROL_PLANE]) {
        return found;
    }
    match between(view, names) {
        Ok((name, spoken)) => {
            found.extend(of_brokers(view, names, &name));
            found.extend(control_plane(view, names, &name));
            found.extend(sasl(view, &name, spoken));
        }
        Err(wrong) => found.push(wrong),
    }
    found
}

/// The listener by which brokers come to each other, and how that is secured.
fn between(view: &View<'_>, names: &Names<'_>) -> Result<(String, &'static str), Finding> {
    let wrong = |key, what: String, remedy: &str| Err(view.finding(&rules::BETWEEN, key, what, remedy));
    let Some(name) = view.text(BETWEEN) else {
        let word = view.text(PROTOCOL).unwrap_or("PLAINTEXT");
        return match protocol(word) {
            Some(spoken) => Ok((spoken.to_owned(), spoken)),
            None => wrong(
                PROTOCOL,
                format!("{word:?} is no protocol"),
                "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
            ),
        };
    };
    if view.is_set(PROTOCOL) {
        return wrong(PROTOCOL, format!("{BETWEEN} is set too"), "set one of the two");
    }
    let name = name.to_uppercase();
    match names.map.get(&name) {
        Some(spoken) => Ok((name, spoken)),
        None => wrong(
            BETWEEN,
            format!("{name:?} has no protocol in {MAP}"),
            "the name of a listener that brokers advertise",
        ),
    }
}

/// 0.0.0.0 is where nobody can go; what listens there and is not advertised otherwise is advertised so.
fn nowhere(view: &View<'_>, names: &Names<'_>) -> Option<Finding> {
    let explicit = names.advertised.as_deref().unwrap_or_default();
    let counts = |name: &str| names.advertised.is_none() && !names.is_controllers(name);
    let is_nowhere = |one: &&Endpoint| one.host == "0.0.0.0";
    let there = explicit.iter().find(is_nowhere).map(|one| (ADVERTISED, one));
    let silent = || {
        names.listeners.iter().find(|one| is_nowhere(one) && counts(&one.name)).map(|one| (LISTENERS, one))
    };
    let (key, one) = there.or_else(silent)?;
    let what = format!("{} is advertised at 0.0.0.0", one.name);
    let remedy = if key == LISTENERS {
        format!("no host here, as in {}://:{}, or a name of it in {ADVERTISED}", one.name, one.port)
    } else {
        "the name or address by which clients reach this broker".to_owned()
    };
    Some(view.finding(&rules::NOWHERE, key, what, remedy))
}

/// `early.start.listeners` (KIP-801).
fn early(view: &View<'_>, names: &Names<'_>) -> Option<Finding> {
    let key = "early.start.listeners";
    let text = view.text(key).filter(|_| view.tells(&[key]))?;
    let known = |name: &str| names.listeners.iter().any(|one| one.name == name);
    // What is empty is passed over, and these names are not made upper-case as those of the listeners are.
    let other = text.split(',').map(str::trim).find(|name| !name.is_empty() && !known(name))?;
    Some(view.finding(
        &rules::LISTENER,
        key,
        format!("{other:?} is no listener"),
        "names of listeners, with commas between them",
    ))
}

/// What holds for every node that is a broker.
fn of_brokers(view: &View<'_>, names: &Names<'_>, between: &str) -> Vec<Finding> {
    if view.is_kraft() && !view.has_role("broker") {
        let wrong = view.release >= v(4, 1)
            && view.has_role("controller")
            && view.is_set(BETWEEN)
            && names.is_controllers(between);
        let what = format!("{between} is the controllers'");
        return wrong
            .then(|| view.finding(&rules::BETWEEN, BETWEEN, what, "take it out: this node is no broker"))
            .into_iter()
            .collect();
    }
    let mine = names.of_brokers(view);
    let advertises = if names.advertised.is_some() { ADVERTISED } else { LISTENERS };
    if mine.is_empty() {
        let what = "no listener is left for brokers and clients";
        return vec![view.finding(
            &rules::ADVERTISED,
            advertises,
            what,
            format!("add one that is not among {CONTROLLERS}"),
        )];
    }
    let mut found = Vec::new();
    if !mine.contains(between) {
        let all = mine.iter().copied().collect::<Vec<_>>().join(", ");
        let key = if view.is_set(PROTOCOL) { PROTOCOL } else { BETWEEN };
        let what = format!("brokers come to each other at {between}, which is not advertised");
        found.push(view.finding(&rules::BETWEEN, key, what, format!("{BETWEEN}: one of {all}")));
    }
    if let Some(other) = mine.iter().find(|name| !names.listeners.iter().any(|one| one.name == **name)) {
        let what = format!("{other} is advertised, and is no listener");
        found.push(view.finding(
            &rules::ADVERTISED,
            ADVERTISED,
            what,
            format!("add it to {LISTENERS}, or take it out"),
        ));
    }
    found
}

fn control_plane(view: &View<'_>, names: &Names<'_>, between: &str) -> Option<Finding> {
    let name = view.text(CONTROL_PLANE)?.to_uppercase();
    let wrong =
        |what: String, remedy: &str| Some(view.finding(&rules::CONTROL_PLANE, CONTROL_PLANE, what, remedy));
    if view.release >= v(3, 1) && view.is_kraft() {
        return wrong("there is none in KRaft mode".to_owned(), "take it out");
    }
    if !names.map.contains_key(&name) {
        return wrong(
            format!("{name:?} has no protocol in {MAP}"),
            "the name of a listener that is advertised",
        );
    }
    if !names.of_brokers(view).contains(name.as_str()) {
        return wrong(format!("{name} is not advertised"), "the name of a listener that is advertised");
    }
    (name == between).then_some(())?;
    wrong(format!("{name} is that of brokers among themselves"), "a listener of its own")
}

/// SASL between brokers, by a mechanism that they take from each other.
fn sasl(view: &View<'_>, between: &str, spoken: &str) -> Option<Finding> {
    let own = format!("listener.name.{}.{MECHANISMS}", between.to_lowercase());
    if !spoken.starts_with("SASL") || !view.tells(&[MECHANISM, MECHANISMS, &own]) {
        return None;
    }
    let mechanism = view.text(MECHANISM)?;
    let taken = view.raw(&own).unwrap_or_else(|| view.list(MECHANISMS));
    (!taken.contains(&mechanism)).then(|| {
        let what = format!("{mechanism:?} is not among {MECHANISMS}, and brokers speak SASL with each other");
        view.finding(&rules::SASL, MECHANISM, what, format!("one of {}", taken.join(", ")))
    })
}

/// `max.connections.per.ip.overrides`: addresses and numbers.
pub(super) fn overrides_of_addresses(view: &View<'_>) -> Option<Finding> {
    let text = view.text(PER_ADDRESS).filter(|_| view.tells(&[PER_ADDRESS]))?;
    let good = |pair: &str| {
        pair.rsplit_once(':')
            .is_some_and(|(host, most)| is_host(host.trim()) && most.trim().parse::<i32>().is_ok())
    };
    let other = csv(text).into_iter().find(|pair| !good(pair))?;
    let what = format!("{other:?} is no address and number");
    Some(view.finding(&rules::PER_ADDRESS, PER_ADDRESS, what, "HOST:NUMBER, with commas between them"))
}
