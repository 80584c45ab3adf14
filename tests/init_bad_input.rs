//! Every file that `pillion init` reads, as something it is not: a clear error, no hang, no panic.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

mod init_support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use init_support::{CLUSTER, Node, code, stderr};

/// Runs without hanging; exit code and message.
fn run(mut command: Command) -> (i32, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it hangs");
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    (code(&output), stderr(&output))
}

/// Each bad version of the file at `path`, told with exit code 64.
fn bad_versions(node: &Node, path: &Path, truncated: &[u8]) {
    let cases: [(&str, &dyn Fn(), &str); 6] = [
        ("empty", &|| fs::write(path, b"").unwrap(), ""),
        ("truncated", &|| fs::write(path, truncated).unwrap(), ""),
        ("binary", &|| fs::write(path, [0, 159, 146, 150, 0xff]).unwrap(), ""),
        ("100 MB", &|| fs::File::create(path).unwrap().set_len(100 << 20).unwrap(), "larger than"),
        ("a directory", &|| fs::create_dir(path).unwrap(), "a directory"),
        ("a FIFO", &|| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), "a FIFO"),
    ];
    for (name, make, says) in cases {
        let _ = fs::remove_file(path);
        make();
        let started = Instant::now();
        let (code, said) = run(node.command(&["--bootstrap"]));
        assert_eq!(code, 64, "{name}: {said}");
        assert!(
            said.contains(says) && said.contains("remedy: ") && !said.contains("panicked"),
            "{name}: {said}"
        );
        assert!(said.contains(path.to_str().unwrap()), "{name}: {said}");
        assert!(started.elapsed() < Duration::from_secs(5), "{name} took long");
        assert!(!node.at("run").exists(), "{name}: something was written");
        if path.is_dir() {
            fs::remove_dir(path).unwrap();
        }
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn the_config_file() {
    let node = Node::broker();
    let half = node.read("pillion.yaml")[..100].to_owned();
    bad_versions(&node, &node.at("pillion.yaml"), half.as_bytes());
    let (code, said) = run(node.command(&[]));
    assert!(code == 64 && said.contains("it does not exist"), "{said}");
}

#[test]
fn meta_properties() {
    let node = Node::broker();
    fs::create_dir_all(node.at("data/0")).unwrap();
    bad_versions(
        &node,
        &node.at("data/0/meta.properties"),
        format!("version=1\ncluster.id={CLUSTER}\n").as_bytes(),
    );
}

#[test]
fn identity_json() {
    let node = Node::broker();
    assert_eq!(code(&node.init(&["--bootstrap"])), 0);
    let whole = node.read("run/identity.json");
    let read = || pillion::init::Identity::read(&node.at("run"));
    read().unwrap();
    for bad in [&b""[..], &whole.as_bytes()[..200], &[0xff, 0, 1], b"{\"format\": 2}", b"[]"] {
        node.write("run/identity.json", bad);
        assert!(read().unwrap_err().what.contains("damaged"));
    }
    node.write("run/identity.json", whole.replace("\"format\": 1", "\"format\": 9"));
    assert!(read().unwrap_err().what.contains("format 9"));
    fs::File::create(node.at("run/identity.json")).unwrap().set_len(100 << 20).unwrap();
    assert!(read().unwrap_err().what.contains("larger than"));
    // Init itself never trusts it: it writes it anew.
    assert_eq!(code(&node.init(&[])), 0);
    assert_eq!(node.read("run/identity.json"), whole);
}

#[test]
fn what_this_user_may_not_read_or_write() {
    let node = Node::broker();
    fs::set_permissions(node.at(""), fs::Permissions::from_mode(0o755)).unwrap();
    // The build's own directory may be closed to others.
    let binary = node.at("pillion-under-test");
    // By another process: a child that a parallel test forks meanwhile would keep our copy open for writing, and then
    // it cannot be executed.
    let copied =
        Command::new("cp").args([env!("CARGO_BIN_EXE_pillion").as_ref(), binary.as_os_str()]).status();
    assert!(copied.unwrap().success());
    let unprivileged = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary).arg("init");
        command.arg("-c").arg(node.at("pillion.yaml")).args(args);
        run(command)
    };
    let chmod =
        |path: &str, mode| fs::set_permissions(node.at(path), fs::Permissions::from_mode(mode)).unwrap();

    let (code, said) = unprivileged(&["--bootstrap"]);
    assert!(code == 1 && said.contains("failed to create it: Permission denied"), "{code} {said}");
    chmod("pillion.yaml", 0o600);
    let (code, said) = unprivileged(&["--bootstrap"]);
    assert!(
        code == 64 && said.contains("pillion.yaml: failed to read it: permission denied"),
        "{code} {said}"
    );
    chmod("pillion.yaml", 0o644);
    node.write("data/0/meta.properties", format!("version=1\ncluster.id={CLUSTER}\nnode.id=1002\n"));
    chmod("data/0/meta.properties", 0o600);
    let (code, said) = unprivileged(&["--bootstrap"]);
    assert!(
        code == 64 && said.contains("meta.properties: failed to read it: permission denied"),
        "{code} {said}"
    );
    chmod("data/0", 0o700);
    let (code, said) = unprivileged(&["--bootstrap"]);
    assert!(code == 64 && said.contains("data/0: failed to read it: permission denied"), "{code} {said}");
    assert!(!node.at("run").exists());
}
