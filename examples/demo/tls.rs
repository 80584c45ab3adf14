//! The same with TLS everywhere (`TLS=1`): between clients, brokers and the controller, with certificates that pillion
//! installs, and all of them replaced while they serve.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bed::{Builder, Fleet, Tls};
use pillion::kafka::{self, Address};
use tokio::time::Instant as Deadline;

/// How long one look at what is served may take.
const LOOK: Duration = Duration::from_secs(5);
/// The controller.
const CONTROLLER: i32 = 1;

/// Listeners with TLS, each with a directory as the source of its certificate; the agent asks the one of the clients.
pub fn everywhere(builder: Builder) -> Builder {
    let source = |name: &str| format!("    {name}:\n      directory: {{path: \"{{dir}}/tls\"}}\n");
    let sources = |names: &[&str]| {
        format!("  listeners:\n{}", names.iter().map(|name| source(name)).collect::<String>())
    };
    let mut builder = builder.tls(Tls::new().client_auth().controllers().managed()).pillion_of(
        CONTROLLER,
        "certificates",
        &sources(&["CONTROLLER"]),
    );
    builder = builder.pillion_of(CONTROLLER, "broker", "  listener: \"{ip}:9093\"\n");
    for id in super::BROKERS {
        builder = builder
            .pillion_of(id, "certificates", &sources(&["EXTERNAL", "INTERNAL", "CONTROLLER"]))
            .pillion_of(id, "broker", "  listener: \"{ip}:9094\"\n");
    }
    builder
}

/// Puts a new certificate where the source of this broker's listeners is, and waits until both serve it. How long that
/// took.
pub async fn rotate(fleet: &Fleet, id: i32) -> Result<Duration> {
    let (node, authority) = (fleet.cluster.node(id), fleet.cluster.authority());
    let before = served(fleet, id).await?;
    let (name, names, addresses) = node.names();
    let issued = authority.issue(&name, &names, &addresses)?;
    let trust = fs::read_to_string(node.files().authority())?;
    let began = Instant::now();
    node.files().put(&issued, &trust, false)?;
    bed::eventually("the new certificate is served", super::story::SOON, async || {
        let now = served(fleet, id).await?;
        ensure!(now.iter().zip(&before).all(|(now, before)| now != before), "the old one is served");
        Ok(())
    })
    .await?;
    Ok(began.elapsed())
}

/// The certificates that clients and other brokers are shown.
async fn served(fleet: &Fleet, id: i32) -> Result<Vec<[u8; 32]>> {
    let node = fleet.cluster.node(id);
    let mut all = Vec::new();
    for at in [node.external_addr(), node.internal_addr()] {
        let address = Address { host: at.ip().to_string(), port: at.port() };
        all.push(kafka::handshake(&address, None, None, Deadline::now() + LOOK).await?.leaf_sha256);
    }
    Ok(all)
}
