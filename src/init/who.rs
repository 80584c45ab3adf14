//! Who am I: id = base + ordinal, within the range of the map.

use crate::{config::Config, problem::Problem};

/// Which node this is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    /// Its place in its map.
    pub ordinal: i32,
    /// Its id.
    pub id: i32,
}

/// Ordinal and id. The ordinal is what is given, else the number that the name of the pod or, where none is told, of the
/// host ends with.
pub(super) fn who(config: &Config, host_name: Option<&str>) -> Result<Who, Problem> {
    let broker = &config.broker;
    let pod = config.kubernetes.pod.as_deref();
    let ordinal = match broker.ordinal {
        Some(given) => given,
        None => pod.or(host_name).and_then(suffix).ok_or_else(|| {
            let what = match (pod, host_name) {
                (Some(name), _) => format!("the name of the pod, {name:?}, does not end with -NUMBER"),
                (None, Some(name)) => format!("the host name {name:?} does not end with -NUMBER"),
                (None, None) => "there is no host name to take the ordinal from".to_owned(),
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
        _ => Ok(Who { ordinal, id }),
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
