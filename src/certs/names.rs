//! Which names a certificate covers, as Kafka's clients see it (`HostnameChecker` of Java, RFC 9525).

use std::{collections::BTreeSet, net::IpAddr};

/// Those of `wanted` that `names` do not cover. A wildcard stands for one whole label, the first one. The common name
/// counts for nothing.
pub(super) fn missing<'a>(names: &BTreeSet<String>, wanted: &'a [String]) -> Vec<&'a str> {
    wanted.iter().map(String::as_str).filter(|name| !covered(names, name)).collect()
}

fn covered(names: &BTreeSet<String>, name: &str) -> bool {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return names.contains(&ip.to_string());
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    names.iter().any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    let (Some(zone), Some((label, rest))) = (pattern.strip_prefix("*."), name.split_once('.')) else {
        return false;
    };
    // *.com is no zone.
    !label.is_empty() && zone.contains('.') && zone.eq_ignore_ascii_case(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(names: &[&str], name: &str) -> bool {
        let names = names.iter().map(|n| (*n).to_owned()).collect();
        missing(&names, &[name.to_owned()]).is_empty()
    }

    #[test]
    fn whole_names_wildcards_of_one_label_and_addresses() {
        assert!(covers(&["kafka-0.kafka"], "KAFKA-0.kafka."));
        assert!(covers(&["*.kafka.ns.svc"], "kafka-0.kafka.ns.svc"));
        assert!(!covers(&["*.kafka.ns.svc"], "a.b.kafka.ns.svc"));
        assert!(!covers(&["*.kafka.ns.svc"], "kafka.ns.svc"));
        assert!(!covers(&["k*.ns.svc"], "kafka.ns.svc"));
        assert!(!covers(&["*.com"], "example.com"));
        assert!(covers(&["10.0.0.1", "::1"], "10.0.0.1") && covers(&["::1"], "0:0::1"));
        assert!(!covers(&["*.0.0.1"], "10.0.0.1"));
    }

    proptest! {
        #[test]
        fn a_wildcard_covers_what_has_one_label_more(label in "[a-z0-9-]{1,20}", zone in "[a-z]{1,9}\\.[a-z]{2,9}") {
            let name = format!("{label}.{zone}");
            let pattern = format!("*.{zone}");
            prop_assert!(covers(&[&pattern], &name));
            let deeper = format!("x.{name}");
            prop_assert!(!covers(&[&pattern], &deeper));
            prop_assert!(!covers(&[&pattern], &zone));
        }
    }
}
