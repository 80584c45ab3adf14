//! Servers on free ports of this machine, each with its agent. All of them end with the test.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

use bed::fetch::{Kafka, V3_9};
use serde_json::Value;
use tempfile::TempDir;

/// Elections and JVMs on a loaded machine, and the 60 s that a proof of death takes.
const PATIENCE: Duration = Duration::from_secs(150);

/// An agent, and the server beside it where there is a real one.
pub struct Server {
    config: PathBuf,
    child: Mutex<Option<Child>>,
    agent: Child,
    probes: u16,
}

pub struct Ensemble {
    pub servers: Vec<Server>,
    _dir: TempDir,
}

/// So many ports that were free a moment ago, all different.
fn ports(count: usize) -> Vec<u16> {
    let all: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    all.iter().map(|one| one.local_addr().unwrap().port()).collect()
}

/// A port that was free a moment ago.
pub fn free() -> u16 {
    ports(1)[0]
}

impl Ensemble {
    /// Starts them all, with the words that they allow.
    pub fn start(count: usize, words: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = ports(count * 4);
        let of = |id: usize| &ports[id * 4..id * 4 + 4];
        let member = |id| format!("server.{}=127.0.0.1:{}:{}", id + 1, of(id)[1], of(id)[2]);
        let members: Vec<String> = (0..count).filter(|_| count > 1).map(member).collect();
        let members = members.join("\n");
        let servers = (0..count).map(|id| {
            let [client, _, _, probes] = *of(id) else { unreachable!() };
            let data = dir.path().join(id.to_string());
            fs::create_dir(&data).unwrap();
            fs::write(data.join("myid"), (id + 1).to_string()).unwrap();
            let config = dir.path().join(format!("{id}.cfg"));
            let data = data.display();
            let text = format!(
                "dataDir={data}\nclientPort={client}\nclientPortAddress=127.0.0.1\ntickTime=500\ninitLimit=20\n\
                 syncLimit=4\n4lw.commands.whitelist={words}\nadmin.enableServer=false\n{members}"
            );
            fs::write(&config, text).unwrap();
            let server = Server::agent(config, client, free(), probes);
            server.run();
            server
        });
        Self { servers: servers.collect(), _dir: dir }
    }

    /// The index of the server that says that it leads.
    pub fn leads(&self) -> Option<usize> {
        self.servers.iter().position(|server| {
            let told = &server.status()["observations"]["server"];
            told["state"] == "leader" && server.status()["verdicts"]["ready"]["answer"] == "yes"
        })
    }

    pub fn leader(&self) -> usize {
        wait("one leads", || self.leads().ok_or_else(|| "nobody".to_owned()))
    }
}

impl Server {
    /// An agent alone, whose server and `AdminServer` are told to be at these ports.
    pub fn beside(client: u16, admin: u16) -> Self {
        Self::agent(PathBuf::from("/no/such.cfg"), client, admin, free())
    }

    fn agent(config: PathBuf, client: u16, admin: u16, probes: u16) -> Self {
        let at = |port: u16| format!("127.0.0.1:{port}");
        let mut agent = Command::new(env!("CARGO_BIN_EXE_pillion"));
        agent.args(["sidecar", "--role", "zookeeper", "--address", &at(client), "--admin", &at(admin)]);
        agent.args(["--listen", &at(probes), "--server-config"]).arg(&config);
        let agent = agent.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { config, child: Mutex::default(), agent, probes }
    }

    /// Starts the server; its agent runs all the time.
    pub fn run(&self) {
        let mut java = Command::new("java");
        java.args(["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        java.args(Kafka::fetch(V3_9).unwrap().java_args("org.apache.zookeeper.server.quorum.QuorumPeerMain"))
            .arg(&self.config);
        java.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        *self.child.lock().unwrap() = Some(java.spawn().unwrap());
    }

    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.lock().unwrap().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// What its agent says; null while that does not answer.
    pub fn status(&self) -> Value {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.probes))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        let text = ask().unwrap_or_default();
        text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

/// The verdict is yes, or is no with this as its first reason.
pub fn is(server: &Server, verdict: &str, word: &str) -> Result<(), String> {
    let told = &server.status()["verdicts"][verdict];
    let said = if told["answer"] == "yes" {
        "yes"
    } else {
        told["reasons"][0]["code"].as_str().unwrap_or("nothing")
    };
    if said == word { Ok(()) } else { Err(format!("{verdict}: {said}, not {word}")) }
}

/// Waits until `look` finds what it looks for; the last thing that it found instead is told.
pub fn wait<T>(what: &str, look: impl Fn() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) => assert!(started.elapsed() < PATIENCE, "not in time: {what}; last: {last}"),
        }
        sleep(Duration::from_millis(100));
    }
}
