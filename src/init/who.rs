//! Who am I: id = base + ordinal, within the range of the map.

use crate::{config::Config, problem::Problem};

/// Ordinal and id.
pub(super) fn who(config: &Config, host_name: Option<&str>) -> Result<(i32, i32), Problem> {
    let broker = &config.broker;
    let ordinal = match broker.ordinal {
        Some(given) => given,
        None => host_name.and_then(suffix).ok_or_else(|| {
            let what = match host_name {
                Some(name) => format!("the host name {name:?} does not end with -NUMBER"),
                None => "there is no host name to take the ordinal from".to_owned(),
            };
            let remedy = "give --ordinal or PILLION_BROKER_ORDINAL";
            Problem::new(config.places.of("broker.ordinal"), what, remedy)
        })?,
    };
    let base = broker.id_base;
    let outside = |what: String| {
        let remedy = "correct the ordinal (number of replicas), idBase or idRange";
        Problem::new(config.places.of("broker.idRange"), what, remedy)
    };
    let id = base
        .checked_add(ordinal)
        .ok_or_else(|| outside(format!("idBase {base} + ordinal {ordinal} is no id")))?;
    match &broker.id_range {
        Some(range) if !range.contains(&id) => Err(outside(format!(
            "idBase {base} + ordinal {ordinal} = {id} is outside of the range {} to {}",
            range.start(),
            range.end()
        ))),
        _ => Ok((ordinal, id)),
    }
}

/// 3 of `kafka-3` and of `kafka-3.kafka.svc`.
fn suffix(host_name: &str) -> Option<i32> {
    let (_, number) = host_name.split('.').next()?.rsplit_once('-')?;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::suffix;

    #[test]
    fn the_number_the_host_name_ends_with() {
        assert_eq!(suffix("kafka-3"), Some(3));
        assert_eq!(suffix("my-kafka-12.kafka.svc"), Some(12));
        for none in ["kafka", "kafka-", "kafka-x1", "kafka3", "", "kafka-99999999999"] {
            assert_eq!(suffix(none), None, "{none}");
        }
    }
}
