#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use pillion_probes::time::BootTime;
use tempfile::TempDir;

use super::*;
use crate::overrides::{ANNOTATION_FILE, clear, write};

const CAP: Duration = Duration::from_secs(7200);
const INFO: &str = "podinfo";

fn at(seconds: u64) -> Instant {
    let wall_ms = 1_700_000_000_000 + i64::try_from(seconds * 1000).unwrap();
    Instant { boot: BootTime::from_millis(seconds * 1000), wall_ms }
}

fn judged(watcher: &mut Watcher, seconds: u64) -> Forced {
    forced::judge_all(&watcher.poll(at(seconds)), at(seconds), CAP)
}

fn watcher(dir: &TempDir, boot: &str, seconds: u64) -> Watcher {
    Watcher::new(dir.path(), Some(&dir.path().join(INFO)), CAP, boot, at(seconds))
}

fn state(dir: &TempDir, text: &str) {
    write(dir.path(), &forced::parse(text).unwrap()).unwrap();
}

/// As the kubelet does: a new directory, then the link to it swapped, then the old one removed.
fn annotate(dir: &TempDir, version: u32, bytes: &[u8]) {
    let info = dir.path().join(INFO);
    let old = fs::read_link(info.join("..data")).ok();
    let new = format!("..{version}");
    fs::create_dir_all(info.join(&new)).unwrap();
    fs::write(info.join(&new).join(ANNOTATION_FILE), bytes).unwrap();
    symlink(&new, info.join("..data_tmp")).unwrap();
    fs::rename(info.join("..data_tmp"), info.join("..data")).unwrap();
    let _ = symlink(format!("..data/{ANNOTATION_FILE}"), info.join(ANNOTATION_FILE));
    if let Some(old) = old {
        fs::remove_dir_all(info.join(old)).unwrap();
    }
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
    let mut agent = Watcher::new(dir.path(), None, CAP, "two", reborn);
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
    annotate(&dir, 1, b"ready,for=1m,reason=annotation");
    let Forced::Active { reason, .. } = judged(&mut agent, 0) else { panic!() };
    assert_eq!(reason, "annotation");
    state(&dir, "hold,for=1m,reason=file");
    assert_eq!(judged(&mut agent, 1).active(), Some(forced::Kind::Hold));
}

#[test]
fn the_annotation_comes_goes_and_may_be_wrong() {
    let dir = TempDir::new().unwrap();
    let mut agent = watcher(&dir, "b", 0);
    // No volume, then one of a pod that has none.
    assert_eq!(judged(&mut agent, 0), Forced::None);
    annotate(&dir, 1, b"");
    assert_eq!(judged(&mut agent, 1), Forced::None);
    annotate(&dir, 2, b"ready,for=30m,reason=INC-1,by=alice");
    assert_eq!(left(&judged(&mut agent, 10)), 1800);
    // Its time goes on over a restart of the agent.
    let mut agent = watcher(&dir, "b", 110);
    assert_eq!(left(&judged(&mut agent, 110)), 1700);
    let mut refused = |version, bytes: &[u8], words: &str| {
        annotate(&dir, version, bytes);
        let Forced::Refused { source: Source::Annotation, why } = judged(&mut agent, 120) else {
            panic!("{words}")
        };
        assert!(why.contains(words), "{words}: {why}");
    };
    refused(3, b"ready", "is required");
    refused(4, b"\xff\x00", "UTF-8");
    refused(5, &[b'a'; 5000], "larger than 4096 bytes");
    // What was wrong for a while may be the same as before.
    annotate(&dir, 6, b"ready,for=30m,reason=INC-1,by=alice");
    assert_eq!(left(&judged(&mut agent, 210)), 1600);
    annotate(&dir, 7, b"\n");
    assert_eq!(judged(&mut agent, 211), Forced::None);
    annotate(&dir, 8, b"ready,for=30m,reason=INC-1,by=alice");
    assert_eq!(left(&judged(&mut agent, 1211)), 1800);
}

#[test]
fn a_swap_of_the_kubelets_directory_is_not_an_end() {
    let dir = TempDir::new().unwrap();
    annotate(&dir, 0, b"hold,for=1h,reason=x");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 1..300 {
                annotate(&dir, version, b"hold,for=1h,reason=x");
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let looked = crate::overrides::annotation(&dir.path().join(INFO));
            assert_eq!(looked, Look::Found(b"hold,for=1h,reason=x".to_vec()));
        }
    });
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
    let agent = Watcher::new(dir.path(), None, CAP, "b", clock.now().into());
    let task = tokio::spawn(run(agent, clock, sender, shutdown.clone()));
    receiver.changed().await.unwrap();
    assert_eq!(receiver.borrow().len(), 1);
    shutdown.cancel();
    task.await.unwrap();
}
