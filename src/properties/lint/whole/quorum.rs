//! Who this node is, and which controllers it has.

use super::endpoint::is_address;
use crate::properties::lint::{Finding, rules, v, view::View};

const ROLES: &str = "process.roles";
const VOTERS: &str = "controller.quorum.voters";
const SERVERS: &str = "controller.quorum.bootstrap.servers";
const ZOOKEEPER: &str = "zookeeper.connect";

pub(super) fn find(view: &View<'_>) -> Vec<Finding> {
    if !view.tells(&[ROLES]) {
        return Vec::new();
    }
    let roles = view.list(ROLES);
    let mut found: Vec<Finding> = of_roles(view, &roles).into_iter().collect();
    found.extend(id(view, &roles));
    found.extend(voters(view, &roles));
    found.extend(addresses(view));
    found.extend(zookeeper(view, &roles));
    found.extend(joins(view));
    found
}

fn of_roles(view: &View<'_>, roles: &[&str]) -> Option<Finding> {
    if roles.is_empty() && view.is_set(ROLES) && view.release >= v(4, 0) {
        return Some(view.finding(&rules::IDLE, ROLES, "there is none", "broker, controller, or both"));
    }
    let twice =
        roles.iter().enumerate().find(|(at, role)| roles.iter().take(*at).any(|before| before == *role))?;
    let what = format!("{:?} is there twice", twice.1);
    // Later releases take out what is twice, in every list of theirs.
    (view.release < v(4, 2)).then(|| view.finding(&rules::ROLES, ROLES, what, "once each"))
}

fn id(view: &View<'_>, roles: &[&str]) -> Option<Finding> {
    if !view.tells(&["node.id", "broker.id", "broker.id.generation.enable", "reserved.broker.max.id"]) {
        return None;
    }
    let wrong = |key, what: String, remedy: &str| Some(view.finding(&rules::ID, key, what, remedy));
    let (new, old) = (view.number("node.id"), view.number("broker.id"));
    let both = view.is_set("node.id") && view.is_set("broker.id");
    if let (true, Some(new), Some(old)) = (both && view.release >= v(3, 1) && new != old, new, old) {
        return wrong("broker.id", format!("it is {old}, and node.id {new}"), "one of the two is enough");
    }
    let key = if view.is_set("broker.id") { "broker.id" } else { "node.id" };
    let id = view.id();
    if !roles.is_empty() {
        // Later a node without one is told of by itself, and a value is in a range.
        let missing = (view.release < v(4, 0) || view.is_set("broker.id")) && id.unwrap_or(-1) < 0;
        return if missing {
            wrong(key, "this node has no id".to_owned(), "node.id, from 0 on")
        } else {
            None
        };
    }
    if view.release >= v(4, 0) {
        return None;
    }
    let id = id.unwrap_or(-1);
    let generated =
        view.text("broker.id.generation.enable").is_some_and(|is| is.eq_ignore_ascii_case("true"));
    let most = view.number("reserved.broker.max.id")?;
    if !generated && id < 0 {
        return wrong(key, "this broker has no id, and none is generated".to_owned(), "broker.id, from 0 on");
    }
    if generated && !(-1..=most).contains(&id) {
        let what = format!("{id} is above reserved.broker.max.id, {most}, where generated ids begin");
        return wrong(key, what, "raise reserved.broker.max.id, or broker.id.generation.enable=false");
    }
    None
}

/// Who is among the voters, and whether there are any.
fn voters(view: &View<'_>, roles: &[&str]) -> Option<Finding> {
    if roles.is_empty() || view.release < v(3, 0) || !view.tells(&[VOTERS, SERVERS, "node.id", "broker.id"]) {
        return None;
    }
    let all = view.list(VOTERS);
    if all.is_empty() {
        // 3.8 knew the setting, and did not take it for this.
        let key = if view.release >= v(3, 9) { SERVERS } else { VOTERS };
        let none = view.list(key).is_empty();
        return none.then(|| {
            view.finding(
                &rules::QUORUM,
                key,
                "no controller is named",
                format!("{key}, as in controller-0:9093"),
            )
        });
    }
    let ids: Vec<i64> = all.iter().filter_map(|one| one.split('@').next()?.parse().ok()).collect();
    let id = view.id()?;
    let is_voter = ids.contains(&id);
    let controller = roles.contains(&"controller");
    let (what, remedy) = match (controller, is_voter) {
        (true, false) => (format!("it does not name this controller, {id}"), "name it, or correct node.id"),
        (false, true) => {
            (format!("it names {id}, which is a broker only"), "give brokers and controllers different ids")
        }
        _ => return None,
    };
    Some(view.finding(&rules::QUORUM, VOTERS, what, remedy))
}

fn addresses(view: &View<'_>) -> Vec<Finding> {
    // Controllers go to each other by these.
    let routable = view.release >= v(4, 2) && view.has_role("controller");
    let voter = |one: &str| {
        let parts: Vec<&str> = one.split('@').collect();
        let [id, address] = parts.as_slice() else { return false };
        whole(id) && is_address(address, view.release) && !(routable && address.starts_with("0.0.0.0:"))
    };
    let server = |one: &str| is_address(one, view.release);
    let of = |key: &str, good: &dyn Fn(&str) -> bool, form: &str| {
        let other = view.list(key).into_iter().find(|one| !good(one)).filter(|_| view.tells(&[key]))?;
        Some(view.finding(
            &rules::QUORUM,
            key,
            format!("{other:?} is no controller"),
            format!("as in {form}"),
        ))
    };
    let found = [of(VOTERS, &voter, "1@controller-0:9093"), of(SERVERS, &server, "controller-0:9093")];
    found.into_iter().flatten().collect()
}

/// `Integer.parseInt`.
fn whole(text: &str) -> bool {
    text.parse::<i32>().is_ok()
}

/// A controller that makes itself a voter (KIP-853).
fn joins(view: &View<'_>) -> Option<Finding> {
    let key = "controller.quorum.auto.join.enable";
    let joins = view.text(key).is_some_and(|is| is.eq_ignore_ascii_case("true"));
    (joins && !view.has_role("controller"))
        .then(|| view.finding(&rules::QUORUM, key, "this node is no controller", "take it out"))
}

fn zookeeper(view: &View<'_>, roles: &[&str]) -> Option<Finding> {
    let needs = roles.is_empty() && view.knows(ZOOKEEPER);
    (needs && view.text(ZOOKEEPER).is_none()).then(|| {
        let what = "neither ZooKeeper nor the roles of KRaft are named";
        view.finding(&rules::QUORUM, ZOOKEEPER, what, format!("{ROLES} and {VOTERS}, or {ZOOKEEPER}"))
    })
}
