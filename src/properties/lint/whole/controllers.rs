//! `controller.listener.names`: which listeners are the controllers', by what this node is.

use super::{
    migration,
    names::{ADVERTISED, CONTROLLERS, LISTENERS, MAP, Names},
};
use crate::properties::lint::{Finding, rules, v, view::View};

pub(super) fn find(view: &View<'_>, names: &Names<'_>) -> Vec<Finding> {
    let found = match (view.has_role("broker"), view.has_role("controller")) {
        _ if view.release < v(3, 1) => none_listens(view, names),
        _ if !view.is_kraft() => of_zookeeper(view, names),
        (false, false) => None,
        _ if names.controllers.is_empty() => Some(wrong(
            view,
            CONTROLLERS,
            "it is empty",
            "the name of the listener at which controllers are, as in CONTROLLER",
        )),
        (broker, true) => advertised(view, names, broker).or_else(|| of_controller(view, names, broker)),
        (_, false) => advertised(view, names, true).or_else(|| of_broker(view, names)),
    };
    found.into_iter().chain(blank(view, names)).collect()
}

fn wrong(view: &View<'_>, key: &str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    view.finding(&rules::CONTROLLERS, key, what, remedy)
}

fn listens(names: &Names<'_>, name: &str) -> bool {
    names.listeners.iter().any(|one| one.name == name)
}

/// All that 3.0 looked at.
fn none_listens(view: &View<'_>, names: &Names<'_>) -> Option<Finding> {
    let some = names.controllers.iter().any(|name| listens(names, name));
    if some || view.release < v(3, 0) || !view.has_role("controller") {
        return None;
    }
    Some(wrong(view, CONTROLLERS, "none of the listeners is the controllers'", "name one of the listeners"))
}

/// A broker of `ZooKeeper` has no such listener, but on the way to `KRaft` (KIP-866).
fn of_zookeeper(view: &View<'_>, names: &Names<'_>) -> Option<Finding> {
    match (names.controllers.is_empty(), migration::is_on(view)) {
        (false, false) => Some(wrong(
            view,
            CONTROLLERS,
            "it is set without process.roles",
            "set the two together: this is KRaft",
        )),
        (true, true) => Some(wrong(
            view,
            CONTROLLERS,
            "it is empty while ZooKeeper is left",
            "name the controllers' listener",
        )),
        _ => None,
    }
}

/// Before 3.9 clients were told of brokers' listeners alone.
fn advertised(view: &View<'_>, names: &Names<'_>, broker: bool) -> Option<Finding> {
    let told = names.advertised.as_ref().filter(|_| view.release < v(3, 9))?;
    if broker {
        let theirs = told.iter().find(|one| names.is_controllers(&one.name))?;
        let what = format!("{} is the controllers', where clients do not go", theirs.name);
        return Some(wrong(view, ADVERTISED, what, "take it out"));
    }
    // Before 3.3 it could be there, and be empty.
    (view.release >= v(3, 3) || !told.is_empty()).then_some(())?;
    Some(wrong(view, ADVERTISED, "a node that is no broker advertises nothing", "take it out"))
}

fn of_controller(view: &View<'_>, names: &Names<'_>, broker: bool) -> Option<Finding> {
    if let Some(other) = names.controllers.iter().find(|name| !listens(names, name)) {
        let what = format!("{other:?} is not among the listeners");
        return Some(wrong(
            view,
            CONTROLLERS,
            what,
            format!("add it to {LISTENERS}: this node is a controller"),
        ));
    }
    let other = names.listeners.iter().find(|one| !broker && !names.is_controllers(&one.name))?;
    let what = format!("{} is not the controllers', and this node is no broker", other.name);
    Some(wrong(view, LISTENERS, what, "take it out"))
}

/// A broker alone goes there as a client.
fn of_broker(view: &View<'_>, names: &Names<'_>) -> Option<Finding> {
    if let Some(name) = names.controllers.iter().find(|name| listens(names, name)) {
        let what = format!("{name} is a listener of this node, which is no controller");
        return Some(wrong(view, CONTROLLERS, what, format!("take it out of {LISTENERS}")));
    }
    let name = names.controllers.iter().find(|name| !names.map.contains_key(&name.to_uppercase()))?;
    let what = format!("{name:?} has no protocol in {MAP}");
    let remedy = format!("add {name}:PLAINTEXT there, or {name}:SSL: brokers go to controllers by it");
    Some(wrong(view, CONTROLLERS, what, remedy))
}

/// `ListenerName.normalised`, which is asked about each where a name is looked for.
fn blank(view: &View<'_>, names: &Names<'_>) -> Option<Finding> {
    let asked = view.release >= v(3, 9) || view.list("process.roles") == ["broker"];
    let blank = names.controllers.iter().any(|name| name.trim().is_empty());
    (view.release >= v(3, 1) && asked && blank).then_some(())?;
    Some(wrong(view, CONTROLLERS, "a name is empty", "take one of the commas out"))
}
