//! Fetches versions of Kafka into the cache: `bed-fetch 4.3.1 3.9.2`; without arguments, the newest. And `prometheus`, `jetty`.

use std::env;

use bed::{Kafka, NEWEST, fetch, prometheus::promtool};

fn main() -> anyhow::Result<()> {
    let mut versions: Vec<String> = env::args().skip(1).collect();
    if versions.is_empty() {
        versions.push(NEWEST.to_owned());
    }
    for version in versions {
        if version == "prometheus" {
            eprintln!("Prometheus: {}", promtool()?.get_program().display());
            continue;
        }
        if version == "jetty" {
            eprintln!("Jetty is in {}", fetch::jetty()?.display());
            continue;
        }
        let kafka = Kafka::fetch(&version)?;
        eprintln!("Kafka {version} is in {}", kafka.libs().display());
    }
    Ok(())
}
