//! The controllers' listener speaks TLS and asks for certificates: what the raft client of a node goes on to use until the
//! node is restarted.

use std::{fs, time::Instant};

use anyhow::{Result, ensure};
use bed::{
    Builder, Cluster, NEWEST, Tls, Truth,
    tls::{Authority, replace},
};

use super::{
    super::scene::{Scene, run},
    steps::{SOON, change_dir, put, served_at, settled, trusts, wait_code},
};

const CONTROLLER: i32 = 1;
const REFUSED: &str = "authority-change-refused";
/// Beside all of which pillion is.
const ALL: [i32; 3] = [CONTROLLER, 1001, 1002];

/// One controller and two brokers; pillion keeps the certificates of all listeners, and asks by them.
pub fn stage() -> Builder {
    let lines = |names: &[&str]| -> String {
        let line = |name: &&str| format!("    {name}:\n      directory: {{path: \"{{dir}}/tls\"}}\n");
        format!(
            "  authorityChange: \"{{dir}}/change\"\n  listeners:\n{}",
            names.iter().map(line).collect::<String>()
        )
    };
    let of_brokers = lines(&["CONTROLLER", "EXTERNAL", "INTERNAL"]);
    let builder = Cluster::builder(NEWEST)
        .controllers(1)
        .brokers(2)
        .tls(Tls::new().client_auth().managed().controllers())
        .pillion_of(CONTROLLER, "certificates", &lines(&["CONTROLLER"]))
        .pillion_of(CONTROLLER, "broker", "  listener: \"{ip}:9093\"\n");
    [1001, 1002].into_iter().fold(builder, |builder, id| {
        builder.pillion_of(id, "certificates", &of_brokers).pillion_of(
            id,
            "broker",
            "  listener: \"{ip}:9094\"\n",
        )
    })
}

/// Renewed: served by the controllers' listener without a restart, but each raft client needs one, and its node says so.
pub fn renewed(scene: &Scene) -> Result<()> {
    let since = Instant::now();
    let authority = scene.fleet.cluster.authority();
    for id in ALL {
        let wanted = put(scene, id, authority)?;
        wait_code(scene, id, "certificate-restart-needed", Some("was started with, which ends in"))?;
        if id == CONTROLLER {
            wait_shown(scene, &wanted)?;
            println!("    the controller serves the new one, and says that its raft client needs a restart");
        }
    }
    for id in [1001, 1002] {
        scene.no_blip(id, since)?;
        restart(scene, id)?;
    }
    restart(scene, CONTROLLER)?;
    Ok(())
}

/// Another authority: a phase waits for the restart that the raft client needs. The cluster has the other one from then on.
pub fn authority(scene: &Scene) -> Result<()> {
    let old = scene.fleet.cluster.authority();
    let new = Authority::new("the next one")?;
    for id in ALL {
        fs::create_dir_all(change_dir(scene, id))?;
        replace(&change_dir(scene, id).join("old.crt"), old.certificate())?;
        replace(&change_dir(scene, id).join("new.crt"), new.certificate())?;
    }
    phase(scene, "trust-both")?;
    for id in ALL {
        trusts(scene, id, "CONTROLLER", 2)?;
    }
    phase(scene, "swap")?;
    for id in ALL {
        put(scene, id, &new)?;
        wait_code(scene, id, REFUSED, Some("was started before it trusted the new authority"))?;
    }
    println!("    `swap` waits for a restart of every node");
    // As the remedy has it. In `swap` the controller would begin as soon as it was restarted itself, for nobody can see
    // what the raft clients of the other nodes trust; they would not come back to it.
    phase(scene, "trust-both")?;
    for id in ALL {
        restart_in(scene, id)?;
    }
    phase(scene, "swap")?;
    for id in ALL {
        wait_code(scene, id, "certificate-restart-needed", None)?;
    }
    phase(scene, "drop")?;
    for id in ALL {
        wait_code(scene, id, REFUSED, Some("still shows a certificate of the old authority"))?;
    }
    println!("    `drop` waits for a restart of every node");
    phase(scene, "swap")?;
    for id in ALL {
        restart_in(scene, id)?;
    }
    phase(scene, "drop")?;
    for id in ALL {
        trusts(scene, id, "CONTROLLER", 1)?;
        // It is over: the source's own CA is the new one.
        replace(&scene.node(id).files().authority(), new.certificate())?;
        fs::remove_file(change_dir(scene, id).join("phase"))?;
    }
    for id in ALL {
        settled(scene, id)?;
        in_sync(scene, id)?;
    }
    Ok(())
}

/// Restarts a node, after which nothing is to be told any more.
fn restart(scene: &Scene, id: i32) -> Result<()> {
    restart_in(scene, id)?;
    settled(scene, id)
}

/// Restarts a node in the middle of a change.
fn restart_in(scene: &Scene, id: i32) -> Result<()> {
    run(scene.node(id).restart(SOON))?;
    for id in ALL {
        in_sync(scene, id)?;
    }
    Ok(())
}

fn in_sync(scene: &Scene, id: i32) -> Result<()> {
    if id != CONTROLLER {
        scene.wait_truth(id, Truth::InSync)?;
    }
    scene.wait(id, true)?;
    Ok(())
}

fn phase(scene: &Scene, phase: &str) -> Result<()> {
    ALL.into_iter().try_for_each(|id| replace(&change_dir(scene, id).join("phase"), phase))
}

/// Waits until openssl sees this certificate at the controllers' listener.
fn wait_shown(scene: &Scene, wanted: &str) -> Result<()> {
    run(bed::eventually("the controller serves the new certificate", SOON, async || {
        let shown = served_at(scene, scene.node(CONTROLLER).controller_addr())?;
        ensure!(shown == wanted, "it shows {shown}");
        Ok(())
    }))
}
