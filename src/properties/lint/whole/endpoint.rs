//! Addresses as Kafka reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::properties::{catalogue::Release, lint::v};

/// A listener as in `PLAINTEXT://host:9092`, its name in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub name: String,
    pub host: String,
    pub port: i32,
}

/// Whether Kafka takes these characters in a host.
pub(super) fn is_host(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-%._:".contains(c))
}

/// `EndPoint.createEndPoint`, later `SocketServerConfigs.listenerListToEndPoints`.
pub(super) fn endpoint(text: &str) -> Option<Endpoint> {
    let (name, address) = text.rsplit_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    let digits = port.strip_prefix('-').unwrap_or(port);
    let is_port = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let good = !name.trim().is_empty() && is_host(host) && is_port;
    good.then_some(())?;
    Some(Endpoint { name: name.to_uppercase(), host: host.to_owned(), port: port.parse().ok()? })
}

/// `Utils.getHost` and `Utils.getPort`, and what `InetSocketAddress` takes. Before 3.8, and in 3.9 again, whatever stood
/// before the host was passed over.
pub(super) fn is_address(text: &str, release: Release) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if release < v(3, 8) || release == v(3, 9) {
        return is_port;
    }
    let host =
        host.split_once("://").filter(|(protocol, _)| is_host(protocol)).map_or(host, |(_, host)| host);
    let host = host.strip_prefix('[').unwrap_or(host);
    is_port && is_host(host.strip_suffix(']').unwrap_or(host))
}

/// Two listeners at one port that Kafka does not take. From 3.6 on one of IPv4 and one of IPv6 may share it (KAFKA-14821).
pub(super) fn same_port(all: &[Endpoint], release: Release) -> Option<i32> {
    let clash = |port: i32| {
        let at: Vec<&str> = all.iter().filter(|one| one.port == port).map(|one| one.host.as_str()).collect();
        let four = at.iter().filter(|host| host.parse::<Ipv4Addr>().is_ok()).count();
        let six = at.iter().filter(|host| host.parse::<Ipv6Addr>().is_ok()).count();
        let pair = release >= v(3, 6) && at.len() == 2 && four == 1 && six == 1;
        at.len() > 1 && !pair
    };
    all.iter().map(|one| one.port).filter(|port| *port != 0).find(|port| clash(*port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_kafka_reads_them() {
        let read = |text| endpoint(text).map(|it| format!("{} {} {}", it.name, it.host, it.port));
        assert_eq!(read("in://[::1]:9092").as_deref(), Some("IN ::1 9092"));
        assert_eq!(read("A://:0").as_deref(), Some("A  0"));
        assert_eq!(
            read("A://b 1:1").or(read("://h:1")).or(read("A://h")).or(read("A://h:99999999999")),
            None
        );
        assert!(is_address("h:1", v(4, 3)) && is_address("b 1:1", v(3, 7)) && !is_address("b 1:1", v(3, 8)));
        assert!(!is_address("h:65536", v(4, 3)) && !is_address("h:", v(4, 3)) && !is_address("h", v(2, 8)));
    }

    #[test]
    fn a_port_for_two() {
        let all: Vec<_> =
            ["A://1.1.1.1:1", "B://[::1]:1", "C://:0", "D://:0"].into_iter().filter_map(endpoint).collect();
        assert_eq!(same_port(&all, v(3, 6)), None);
        assert_eq!(same_port(&all, v(3, 5)), Some(1));
    }
}
