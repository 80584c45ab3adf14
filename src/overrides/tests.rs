#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use pillion_probes::time::BootTime;
use tempfile::TempDir;

use super::*;
use crate::overrides::{clear, write};

const CAP: Duration = Duration::from_secs(7200);

fn at(seconds: u64) -> Instant {
    let wall_ms = 1_700_000_000_000 + i64::try_from(seconds * 1000).unwrap();
    Instant { boot: BootTime::from_millis(seconds * 1000), wall_ms }
}

fn judged(watcher: &mut Watcher, seconds: u64) -> Forced {
    forced::judge_all(&watcher.poll(at(seconds)), at(seconds), CAP)
}

fn watcher(dir: &TempDir, boot: &str, seconds: u64) -> Watcher {
    Watcher::new(dir.path(), CAP, boot, at(seconds))
}

fn state(dir: &TempDir, text: &str) {
    write(dir.path(), &forced::parse(text).unwrap()).unwrap();
}

fn left(forced: &Forced) -> u64 {
    let Forced::Active { left, .. } = forced else { panic!("{forced:?}") };
    left.as_secs()
}

#[test]
fn it_is_written_read_restated_restarted_and_cleared() {
    let dir = TempDir::new().unwrap();
    let mut agent = watcher(&dir, "boot", 0);
    assert_eq!(judged(&mut agent, 0), Forced::None);
    state(&dir, "ready,for=30m,reason=INC-1,by=alice");
    let mode = fs::metadata(dir.path().join(FILE_NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(left(&judged(&mut agent, 100)), 1800);
    // Restated: the first start counts, whatever the new length.
    state(&dir, "ready,for=40m,reason=INC-1,by=alice");
    assert_eq!(left(&judged(&mut agent, 1000)), 2400 - 900);
    // A restart of the agent does not begin anew.
    let mut agent = watcher(&dir, "boot", 1100);
    assert_eq!(left(&judged(&mut agent, 1100)), 2400 - 1000);
    assert!(matches!(judged(&mut agent, 2500), Forced::Expired { .. }));
    let mut agent = watcher(&dir, "boot", 2600);
    assert!(matches!(judged(&mut agent, 2600), Forced::Expired { .. }));
    // Cleared and stated again: a new one.
    clear(dir.path()).unwrap();
    assert_eq!(judged(&mut agent, 2700), Forced::None);
    state(&dir, "ready,for=40m,reason=INC-1,by=alice");
    assert_eq!(left(&judged(&mut agent, 2800)), 2400);
}

#[test]
fn a_reboot_is_bridged_by_the_wall_clock() {
    let dir = TempDir::new().unwrap();
    state(&dir, "hold,for=30m,reason=INC-1");
    judged(&mut watcher(&dir, "one", 100_000), 100_000);
    // The boot clock begins anew; by the wall clock 600 s have passed.
    let reborn = Instant { boot: BootTime::from_millis(5000), wall_ms: at(100_600).wall_ms };
    let mut agent = Watcher::new(dir.path(), CAP, "two", reborn);
    assert_eq!(left(&forced::judge_all(&agent.poll(reborn), reborn, CAP)), 1200);
}

#[test]
fn a_broken_memory_is_no_obstacle() {
    let dir = TempDir::new().unwrap();
    for bytes in [&b""[..], b"{\"boot", b"\xff\x00\x01", b"[]"] {
        fs::write(dir.path().join(SEEN_NAME), bytes).unwrap();
        state(&dir, "hold,for=1m,reason=x");
        assert_eq!(left(&judged(&mut watcher(&dir, "b", 0), 0)), 60);
    }
}

#[test]
fn a_source_that_cannot_be_read_for_a_while_does_not_restart_the_time() {
    let dir = TempDir::new().unwrap();
    let mut agent = watcher(&dir, "b", 0);
    state(&dir, "ready,for=30m,reason=x");
    judged(&mut agent, 0);
    fs::write(dir.path().join(FILE_NAME), "nonsense").unwrap();
    assert!(matches!(judged(&mut agent, 600), Forced::Refused { .. }));
    state(&dir, "ready,for=30m,reason=x");
    assert_eq!(left(&judged(&mut agent, 700)), 1100);
}

#[test]
fn the_annotation_beats_the_file_and_hold_beats_both() {
    let dir = TempDir::new().unwrap();
    let mut agent = watcher(&dir, "b", 0);
    state(&dir, "ready,for=1m,reason=file");
    agent.annotate(Some("ready,for=1m,reason=annotation"));
    let Forced::Active { reason, .. } = judged(&mut agent, 0) else { panic!() };
    assert_eq!(reason, "annotation");
    state(&dir, "hold,for=1m,reason=file");
    assert_eq!(judged(&mut agent, 1).active(), Some(forced::Kind::Hold));
}

#[test]
fn whatever_lies_there_is_told_and_never_waited_for() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(FILE_NAME);
    let refused = |words: &str| {
        let Forced::Refused { why, .. } = judged(&mut watcher(&dir, "b", 0), 0) else { panic!("{words}") };
        assert!(why.contains(words), "{words}: {why}");
    };
    fs::write(&path, "").unwrap();
    refused("empty");
    fs::write(&path, "ready,for=3").unwrap();
    refused("reason= is required");
    fs::write(&path, [0xff, 0, 1, 2]).unwrap();
    refused("UTF-8");
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    refused("longer than 4096 bytes");
    fs::write(&path, "ready,for=1m,reason=x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o646)).unwrap();
    refused("everybody may write it");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    refused("symbolic link");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused("not a regular file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("not a regular file");
}

#[tokio::test]
async fn the_loop_publishes_and_ends() {
    let dir = TempDir::new().unwrap();
    state(&dir, "hold,for=1m,reason=x");
    let (sender, mut receiver) = watch::channel(Arc::new(Vec::new()));
    let shutdown = CancellationToken::new();
    let clock = Clock::system();
    let agent = Watcher::new(dir.path(), CAP, "b", clock.now().into());
    let task = tokio::spawn(run(agent, clock, sender, shutdown.clone()));
    receiver.changed().await.unwrap();
    assert_eq!(receiver.borrow().len(), 1);
    shutdown.cancel();
    task.await.unwrap();
}
