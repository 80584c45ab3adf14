//! What a running broker was started with, and what it runs with.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    error::{Exit, InitError},
    render::Rendered,
    security,
};
use crate::{
    kafka::{
        Address, Connection,
        requests::{BrokerSetting, api_versions, broker_configs},
    },
    problem::Problem,
};

/// What the asking may take altogether.
const PATIENCE: Duration = Duration::from_secs(10);
const CLIENT_ID: &str = "pillion-render";

/// Asks the broker at `address`, or at its own listener, for its settings.
///
/// # Errors
/// Why it does not tell them, as one problem.
pub async fn settings(
    rendered: &Rendered,
    address: Option<(String, u16)>,
) -> Result<BTreeMap<String, BrokerSetting>, InitError> {
    let Rendered { config, identity, .. } = rendered;
    let own = &identity.listener;
    let (address, security) = if let Some((host, port)) = address {
        (Address { host, port }, security::of_port(config, identity, port))
    } else {
        (Address { host: own.host.clone(), port: own.port }, security::own(config, identity))
    };
    let failed = |what: String, remedy: &str| {
        InitError::one(Exit::Unavailable, Problem::new(format!("broker {address}"), what, remedy))
    };
    let deadline = Instant::now() + PATIENCE;
    let asked = async {
        let mut connection = Connection::open(&address, &security, CLIENT_ID, deadline).await?.pinned();
        let versions = api_versions(&mut connection, deadline).await?;
        broker_configs(&mut connection, &versions, identity.id, deadline).await
    };
    match asked.await {
        Ok(Ok(settings)) => Ok(settings),
        Ok(Err(refusal)) => {
            let what = format!("it does not tell the settings of {}: {}", identity.id, refusal.message);
            let remedy =
                "ask the broker that is meant (--ordinal), as a user that may DESCRIBE_CONFIGS on CLUSTER";
            Err(failed(what, remedy))
        }
        Err(error) => Err(failed(
            format!("it cannot be asked: {error}"),
            "see that it runs and can be reached from here",
        )),
    }
}
