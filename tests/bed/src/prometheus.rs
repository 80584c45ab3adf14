//! A real Prometheus and its `promtool`: those on the PATH, or Debian's package, unpacked into the cache. Nothing is
//! installed, and no service starts.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::fetch::{cache_dir, succeeded};

/// It starts within a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(90);
const ANSWER: Duration = Duration::from_secs(20);

/// `promtool`, which checks rules and plays them.
pub fn promtool() -> Result<Command> {
    Ok(Command::new(program("promtool")?))
}

/// A server that ends with this, and keeps what it scrapes in a directory of its own.
pub struct Prometheus {
    server: Child,
    port: u16,
    /// Removed with it.
    dir: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one with this configuration, in a directory that has these files, by name and content.
    pub fn start(config: &str, files: &[(&str, &str)]) -> Result<Self> {
        let program = program("prometheus")?;
        let dir = tempfile::tempdir()?;
        for (name, content) in files.iter().chain([&("prometheus.yml", config)]) {
            fs::write(dir.path().join(name), content)?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(dir.path().join("log"))?;
        let server = Command::new(program)
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut prometheus = Self { server, port, dir };
        let began = Instant::now();
        while let Err(error) = prometheus.get("/api/v1/status/config") {
            let ended = prometheus.server.try_wait()?.is_some();
            if ended || began.elapsed() > PATIENCE {
                let log = fs::read_to_string(prometheus.dir.path().join("log")).unwrap_or_default();
                bail!("Prometheus does not start: {error:#}\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(prometheus)
    }

    /// What an expression is now: the `result` of an instant query.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let told = self.get(&format!("/api/v1/query?query={}", escaped(expression)));
        let told = told.with_context(|| expression.to_owned())?;
        told["result"].as_array().cloned().with_context(|| format!("no vector: {expression}: {told}"))
    }

    /// The values of a label among the series of a selector.
    pub fn label_values(&self, selector: &str, label: &str) -> Result<Vec<Value>> {
        let told = self.get(&format!("/api/v1/label/{label}/values?match[]={}", escaped(selector)))?;
        told.as_array().cloned().context("no list")
    }

    /// The `data` of an answer of its API.
    pub fn get(&self, path: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        // By HTTP/1.0 the body ends with the connection, and comes in one piece.
        write!(stream, "GET {path} HTTP/1.0\r\nhost: prometheus\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let mut told: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
        if told["status"] != "success" {
            bail!("{}", told["error"]);
        }
        Ok(told["data"].take())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| {
        if byte.is_ascii_alphanumeric() {
            all + &char::from(byte).to_string()
        } else {
            all + &format!("%{byte:02X}")
        }
    })
}

/// One of them: from the PATH, or from the cache, fetched first when it is not there.
fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()) {
        return Ok(found);
    }
    let root = cache_dir().join("prometheus");
    let dir = root.join("unpacked");
    if !dir.exists() {
        fs::create_dir_all(&root)?;
        let lock = File::create(root.join("lock"))?;
        lock.lock().context("failed to lock the cache")?;
        if !dir.exists() {
            fetch(&root, &dir)
                .context("failed to fetch Prometheus: put prometheus and promtool on the PATH")?;
        }
    }
    Ok(dir.join("usr/bin").join(name))
}

/// Aside first, so that a directory of that name is always complete.
fn fetch(root: &Path, dir: &Path) -> Result<()> {
    eprintln!("fetching Prometheus from Debian ...");
    let aside = tempfile::Builder::new().prefix(".fetching-").tempdir_in(root)?;
    // The lists of packages may be old, or none.
    let download = ["download", "prometheus"];
    if apt_get(&download, aside.path()).is_err() {
        apt_get(&["update"], aside.path())?;
        apt_get(&download, aside.path())?;
    }
    let package = fs::read_dir(aside.path())?.next().context("apt-get downloaded nothing")??.path();
    let unpacked = aside.path().join("unpacked");
    let output = Command::new("dpkg-deb").arg("--extract").args([&package, &unpacked]).output()?;
    succeeded(&output).context("dpkg-deb --extract")?;
    Ok(fs::rename(unpacked, dir)?)
}

fn apt_get(arguments: &[&str], dir: &Path) -> Result<()> {
    let mut command = Command::new("apt-get");
    // What is downloaded lies in a directory that apt's own user may not enter.
    command.args(["-o", "APT::Sandbox::User=root"]).args(arguments).current_dir(dir);
    succeeded(&command.output().context("apt-get is not on the PATH")?)
}
