//! Reads the settings that hold addresses: `listeners`, the voters, the bootstrap servers.

use super::identity::{Controller, ListenerAddress};

/// A listener as in `listeners`: its name, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub name: String,
    pub host: String,
    pub port: u16,
}

/// Every listener, or the part that is none.
pub(super) fn parse(listeners: &str) -> Result<Vec<Bound>, String> {
    let parts = listeners.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| bound(part).ok_or_else(|| part.to_owned())).collect()
}

fn bound(entry: &str) -> Option<Bound> {
    let (name, address) = entry.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    Some(Bound { name: name.to_uppercase(), host: host.to_owned(), port: port.parse().ok()? })
}

/// The protocol of a listener by `listener.security.protocol.map`; without it the name is the protocol, and
/// a controller's own name means PLAINTEXT (`KafkaConfig.effectiveListenerSecurityProtocolMap`).
pub(super) fn protocol(name: &str, map: Option<&str>) -> String {
    let mapped = map.unwrap_or_default().split(',').filter_map(|pair| pair.split_once(':'));
    let found = mapped.map(|(n, p)| (n.trim(), p.trim())).find(|(n, _)| n.eq_ignore_ascii_case(name));
    let own = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"].contains(&name);
    found.map_or_else(|| if own { name } else { "PLAINTEXT" }.to_owned(), |(_, p)| p.to_uppercase())
}

/// The one the agent asks: it needs no credentials where there is a plain one, and otherwise the one that
/// brokers use among themselves.
pub(super) fn to_ask(
    bound: &[Bound],
    map: Option<&str>,
    inter_broker: Option<&str>,
) -> Option<ListenerAddress> {
    let plain = |b: &&Bound| protocol(&b.name, map) == "PLAINTEXT";
    let inter = |b: &&Bound| inter_broker.is_some_and(|name| name.eq_ignore_ascii_case(&b.name));
    let chosen = bound.iter().find(plain).or_else(|| bound.iter().find(inter)).or_else(|| bound.first())?;
    let host = match chosen.host.as_str() {
        "" | "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    Some(ListenerAddress {
        name: chosen.name.clone(),
        host: host.to_owned(),
        port: chosen.port,
        protocol: protocol(&chosen.name, map),
    })
}

/// The controllers of `controller.quorum.voters` (`1@host:9093,...`) or of
/// `controller.quorum.bootstrap.servers` (`host:9093,...`), or the part that is none.
pub(super) fn controllers(text: &str, voters: bool) -> Result<Vec<Controller>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let one = |entry: &str| {
        let (id, address) = match entry.split_once('@') {
            Some((id, address)) if voters => (Some(id.parse::<i32>().ok().filter(|id| *id >= 0)?), address),
            None if !voters => (None, entry),
            _ => return None,
        };
        let (host, port) = address.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        (!host.is_empty()).then_some(())?;
        Some(Controller { id, host: host.to_owned(), port: port.parse().ok()? })
    };
    parts.map(|part| one(part).ok_or_else(|| part.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn the_plain_listener_then_the_brokers_own() {
        let ask = |listeners: &str, map, inter| {
            let address = to_ask(&parse(listeners).unwrap(), map, inter).unwrap();
            format!("{} {} {}:{}", address.name, address.protocol, address.host, address.port)
        };
        assert_eq!(ask("SSL://:9093,PLAINTEXT://:9092", None, None), "PLAINTEXT PLAINTEXT 127.0.0.1:9092");
        let map = Some("in:SASL_SSL,out:SSL");
        assert_eq!(ask("OUT://h:9093,IN://[::]:9092", map, Some("IN")), "IN SASL_SSL ::1:9092");
        assert_eq!(parse("PLAINTEXT://:9092,nonsense"), Err("nonsense".into()));
    }

    #[test]
    fn voters_and_bootstrap_servers() {
        let voters = controllers("1@a:9093, 2@[::1]:9093", true).unwrap();
        assert_eq!((voters[1].id, voters[1].host.as_str(), voters[1].port), (Some(2), "::1", 9093));
        assert_eq!(controllers("a:9093", false).unwrap()[0].id, None);
        assert_eq!(controllers("a:9093", true), Err("a:9093".into()));
        assert_eq!(controllers("1@a:9093", false), Err("1@a:9093".into()));
    }
}
