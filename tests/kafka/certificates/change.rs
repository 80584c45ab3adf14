//! Another authority takes the place of the old one, in three phases.

use std::fs;

use anyhow::{Result, ensure};
use bed::{
    TlsClients,
    tls::{Authority, bundle, replace},
};

use super::{
    super::scene::{Scene, run},
    steps::{IDS, SOON, change_dir, put, rotate, serial, served, settled, trusts, wait_code, wait_served},
};

/// Under load, across all brokers; nobody may begin a phase too early.
pub fn authority(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let old = cluster.authority();
    let new = Authority::new("the next one")?;
    for id in IDS {
        fs::create_dir_all(change_dir(scene, id))?;
        replace(&change_dir(scene, id).join("old.crt"), old.certificate())?;
        replace(&change_dir(scene, id).join("new.crt"), new.certificate())?;
    }
    // Clients trust both all the time.
    let both = bundle([old, &new]);
    replace(&cluster.client_files().authority(), &both)?;
    let clients = begin(scene, "before")?;

    phase(scene, 1001, "trust-both")?;
    trusts(scene, 1001, "INTERNAL", 2)?;
    // The others do not trust it yet.
    let before = served(scene, 1001)?;
    put(scene, 1001, &new)?;
    wait_code(scene, 1001, "certificate-invalid", Some("trust-both"))?;
    phase(scene, 1001, "swap")?;
    wait_code(scene, 1001, "authority-change-refused", Some("does not accept the new certificate"))?;
    ensure!(served(scene, 1001)? == before, "it shows a certificate that the others refuse");
    for id in [1002, 1003] {
        phase(scene, id, "trust-both")?;
        trusts(scene, id, "INTERNAL", 2)?;
    }
    let wanted = serial(&fs::read_to_string(scene.node(1001).files().certificate())?)?;
    wait_served(scene, 1001, &wanted)?;
    println!("    1001 swapped by itself when the others trusted both");
    phase(scene, 1001, "drop")?;
    wait_code(
        scene,
        1001,
        "authority-change-refused",
        Some("still serves a certificate of the old authority"),
    )?;
    // It would begin by itself, before the clients are through.
    phase(scene, 1001, "swap")?;
    for id in [1002, 1003] {
        phase(scene, id, "swap")?;
        rotate(scene, id, &new)?;
    }
    // The clients, too, go over to the new one before the old one is dropped.
    end(clients)?;
    cluster.client_files().put(&new.issue("client", &[], &[])?, &both, false)?;
    let clients = begin(scene, "after")?;
    for id in IDS {
        phase(scene, id, "drop")?;
    }
    for id in IDS {
        trusts(scene, id, "INTERNAL", 1)?;
        settled(scene, id)?;
    }
    // It is over: the sources' own CA is the new one.
    end(clients)?;
    back(scene, old, &new)?;
    cluster.client_files().put(&old.issue("client", &[], &[])?, old.certificate(), false)
}

fn begin(scene: &Scene, topic: &str) -> Result<TlsClients> {
    scene.topic(topic)?;
    let cluster = &scene.fleet.cluster;
    let clients = TlsClients::start(cluster, topic, &cluster.tls_client())?;
    run(clients.wait_more(3, SOON))?;
    Ok(clients)
}

fn end(clients: TlsClients) -> Result<()> {
    run(clients.wait_more(3, SOON))?;
    let report = run(clients.stop(SOON))?;
    println!("    {} records, {} new clients, {} errors", report.acked, report.opened, report.errors.len());
    ensure!(report.errors.is_empty(), "{:?}", report.errors);
    ensure!(report.read == report.acked, "{} of {} records were read", report.read, report.acked);
    Ok(())
}

/// The bed's own authority again, by the same way.
fn back(scene: &Scene, old: &Authority, new: &Authority) -> Result<()> {
    for id in IDS {
        replace(&change_dir(scene, id).join("old.crt"), new.certificate())?;
        replace(&change_dir(scene, id).join("new.crt"), old.certificate())?;
    }
    for id in IDS {
        phase(scene, id, "trust-both")?;
        trusts(scene, id, "INTERNAL", 2)?;
    }
    for id in IDS {
        phase(scene, id, "swap")?;
        rotate(scene, id, old)?;
    }
    for id in IDS {
        phase(scene, id, "drop")?;
    }
    for id in IDS {
        trusts(scene, id, "INTERNAL", 1)?;
        fs::remove_file(change_dir(scene, id).join("phase"))?;
        settled(scene, id)?;
    }
    Ok(())
}

fn phase(scene: &Scene, id: i32, phase: &str) -> Result<()> {
    replace(&change_dir(scene, id).join("phase"), phase)
}
