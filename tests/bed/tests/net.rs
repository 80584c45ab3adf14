//! The network without Kafka: links, cuts, and what a killed run leaves behind.

use std::env;
use std::io::{BufRead, BufReader, stdout};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bed::{Net, Peer, eventually, process};

/// `timeout` ended it: the packets were dropped.
const STALLED: i32 = 124;
const CONNECTED: i32 = 0;
const REFUSED: i32 = 1;

/// How a connect from a node ends.
fn connect(net: &Net, from: i32, to: SocketAddr) -> Result<i32> {
    let script = format!("exec 3<>/dev/tcp/{}/{}", to.ip(), to.port());
    let mut command = net.command(from, "timeout")?;
    let status = command.args(["2", "bash", "-c", &script]).stderr(Stdio::null()).status()?;
    status.code().context("killed")
}

#[test]
fn links_are_cut_and_healed() -> Result<()> {
    let mut net = Net::new()?;
    net.add(1)?;
    net.add(2)?;
    let listener = TcpListener::bind((net.host_ip(), 0))?;
    let host = listener.local_addr()?;
    ensure!(connect(&net, 1, host)? == CONNECTED);
    net.cut(1, Peer::Host)?;
    ensure!(connect(&net, 1, host)? == STALLED, "what 1 sends is dropped");
    ensure!(connect(&net, 2, host)? == CONNECTED, "2 is not concerned");
    net.heal(1, Peer::Host)?;
    ensure!(connect(&net, 1, host)? == CONNECTED);
    net.cut(Peer::Host, 1)?;
    ensure!(connect(&net, 1, host)? == STALLED, "what the host sends is dropped");
    net.heal_all()?;
    net.refuse(1, Peer::Host)?;
    ensure!(connect(&net, 1, host)? == REFUSED, "no route");
    net.heal(Peer::Host, 1)?;
    ensure!(connect(&net, 1, host)? == CONNECTED, "healed, whichever way it is named");
    ensure!(net.cut(1, 99).is_err(), "there is no node 99");
    Ok(())
}

#[test]
fn two_networks_do_not_meet() -> Result<()> {
    let (mut one, mut two) = (Net::new()?, Net::new()?);
    ensure!(one.add(1)? != two.add(1)? && one.netns(1) != two.netns(1) && one.host_ip() != two.host_ip());
    let name = two.netns(1).context("just added")?.to_owned();
    drop(one);
    ensure!(exists(&name), "dropping one must not sweep the other");
    drop(two);
    ensure!(!exists(&name));
    Ok(())
}

fn exists(netns: &str) -> bool {
    Path::new("/run/netns").join(netns).exists()
}

/// Not a test: the run that [`a_killed_run_is_swept`] kills.
#[test]
#[ignore = "holds a network until it is killed"]
fn holder() -> Result<()> {
    let mut net = Net::new()?;
    net.add(7)?;
    let [first, rest @ ..] = process::tied();
    let mut command = net.command(7, first)?;
    command.args(rest).args(["sleep", "600"]).stdout(Stdio::null()).stderr(Stdio::null());
    // From a thread that ends at once: the child must not end with it.
    let child = std::thread::spawn(|| process::spawn(command)).join().expect("no panic")?;
    std::io::Write::write_fmt(
        &mut stdout(),
        format_args!("\nheld {} {}\n", net.netns(7).unwrap(), child.id()),
    )?;
    std::thread::park();
    drop((net, child));
    Ok(())
}

#[tokio::test]
async fn a_killed_run_is_swept() -> Result<()> {
    let mut run = Command::new(env::current_exe()?)
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(run.stdout.take().context("piped")?).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("held ")).context("never held")?;
    let words: Vec<_> = line.split(' ').collect();
    let (netns, sleeper) = (words[1], Path::new("/proc").join(words[2]));
    ensure!(exists(netns) && sleeper.exists());
    run.kill()?;
    run.wait()?;
    eventually("the kernel kills what was tied", Duration::from_secs(20), async || {
        ensure!(!sleeper.exists());
        Ok(())
    })
    .await?;
    // Another test of this process may have swept it by now.
    let _next = Net::new()?;
    ensure!(!exists(netns), "the next run sweeps it");
    Ok(())
}
