//! `zookeeper.connect`: the servers of the ensemble, and below which path the cluster is kept.

/// The port of a server that is named without one (`org.apache.zookeeper.client.ConnectStringParser`).
const DEFAULT_PORT: &str = "2181";

/// The servers of `host:2181,.../chroot` as host, without brackets, and port; or the part that is none.
pub fn servers(text: &str) -> Result<Vec<(String, u16)>, String> {
    let text = text.trim();
    let (hosts, chroot) = text.find('/').map_or((text, ""), |at| text.split_at(at));
    if chroot.ends_with('/') || chroot.contains("//") {
        return Err(chroot.to_owned());
    }
    hosts.split(',').map(str::trim).map(|entry| server(entry).ok_or_else(|| entry.to_owned())).collect()
}

fn server(entry: &str) -> Option<(String, u16)> {
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.starts_with('[') || host.ends_with(']') => (host, port),
        _ => (entry, DEFAULT_PORT),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = Some(host).filter(|host| !host.contains(':'));
    let host = inner.or(plain).filter(|host| !host.is_empty())?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    Some((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::servers;

    #[test]
    fn where_zookeeper_is() {
        for (text, first, count) in [
            ("zk:2182", ("zk", 2182), 1),
            ("zk", ("zk", 2181), 1),
            ("a:1,b:2, c:3/kafka", ("a", 1), 3),
            ("[::1]:2182/a/b", ("::1", 2182), 1),
            ("[::1]", ("::1", 2181), 1),
        ] {
            let found = servers(text).unwrap();
            let (host, port) = &found[0];
            assert_eq!(((host.as_str(), *port), found.len()), (first, count), "{text}");
        }
        for (bad, part) in [
            ("zk:port", "zk:port"),
            ("a:1,,b:2", ""),
            ("a:1 b:2", "a:1 b:2"),
            ("zk:0", "zk:0"),
            ("::1:2181", "::1:2181"),
            ("[]:1", "[]:1"),
            ("zk:2181/", "/"),
            ("zk:2181/kafka/", "/kafka/"),
            ("zk://zk:2181", "//zk:2181"),
        ] {
            assert_eq!(servers(bad), Err(part.to_owned()), "{bad}");
        }
    }
}
