//! Servers on free ports of this machine, each with its agent. All of them end with the test.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

use bed::{
    fetch::{Kafka, V3_9},
    tls::Authority,
};
use serde_json::Value;
use tempfile::TempDir;

/// Elections and JVMs on a loaded machine, and the 60 s that a proof of death takes.
const PATIENCE: Duration = Duration::from_secs(150);

/// An agent, and the server beside it where there is a real one.
pub struct Server {
    config: PathBuf,
    /// Of the JVM and its class path, beside the usual.
    java: Java,
    child: Mutex<Option<Child>>,
    agent: Child,
    probes: u16,
}

#[derive(Clone, Debug, Default)]
struct Java {
    options: Vec<&'static str>,
    jars: Option<PathBuf>,
}

pub struct Ensemble {
    pub servers: Vec<Server>,
    _dir: TempDir,
}

/// What an ensemble is to be.
#[derive(Clone, Debug)]
#[must_use = "start it"]
pub struct Plan {
    count: usize,
    words: &'static str,
    observers: usize,
    admin: bool,
    read_only: bool,
    tls: Option<Tls>,
    file: Option<&'static str>,
}

/// The files of a port with TLS, which is then the only one for clients, and the flags that the agents get.
#[derive(Clone, Debug)]
pub struct Tls {
    settings: String,
    flags: Vec<String>,
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

impl Plan {
    /// So many voters, all of whom allow these words.
    pub fn of(count: usize, words: &'static str) -> Self {
        Self { count, words, observers: 0, admin: false, read_only: false, tls: None, file: None }
    }

    /// So many more that observe.
    pub fn observers(self, observers: usize) -> Self {
        Self { observers, ..self }
    }

    /// Each with its `AdminServer`.
    pub fn admin(self) -> Self {
        Self { admin: true, ..self }
    }

    /// Who has no majority goes on to serve reads.
    pub fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// What else stands in this file, instead of what tests are content with.
    pub fn file(self, file: &'static str) -> Self {
        Self { file: Some(file), ..self }
    }

    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    pub fn start(self) -> Ensemble {
        let dir = tempfile::tempdir().unwrap();
        let all = self.count + self.observers;
        let ports: Vec<[u16; 5]> = ports(all * 5).chunks(5).map(|five| five.try_into().unwrap()).collect();
        let members: Vec<_> = ports.iter().enumerate().map(|(id, ports)| self.member(id, *ports)).collect();
        let members = if all > 1 { members.join("\n") } else { String::new() };
        let servers = ports.iter().enumerate().map(|(id, [client, _, _, admin, probes])| {
            let data = dir.path().join(id.to_string());
            fs::create_dir(&data).unwrap();
            fs::write(data.join("myid"), (id + 1).to_string()).unwrap();
            let config = dir.path().join(format!("{id}.cfg"));
            let (usual, own) = (self.usual(*admin), self.own(id, *client));
            // Of what stands there twice the last one counts.
            let file = self.file.iter().flat_map(|file| file.lines());
            let file: Vec<_> = file.filter(|line| !line.starts_with("server.")).collect();
            let file = file.join("\n");
            fs::write(&config, format!("{usual}\n{file}\ndataDir={}\n{own}\n{members}", data.display()))
                .unwrap();
            let flags = self.tls.iter().flat_map(|tls| tls.flags.clone()).collect::<Vec<_>>();
            let mut server = Server::agent(config, *client, *admin, *probes, &flags);
            server.java = self.java();
            server.run();
            server
        });
        Ensemble { servers: servers.collect(), _dir: dir }
    }

    fn member(&self, id: usize, [_, peers, elections, ..]: [u16; 5]) -> String {
        let kind = if id < self.count { "" } else { ":observer" };
        format!("server.{}=127.0.0.1:{peers}:{elections}{kind}", id + 1)
    }

    /// What tests are content with.
    fn usual(&self, admin: u16) -> String {
        let Self { words, admin: enabled, .. } = self;
        format!(
            "tickTime=500\ninitLimit=20\nsyncLimit=4\n4lw.commands.whitelist={words}\nadmin.enableServer={enabled}\n\
             admin.serverPort={admin}\nadmin.serverAddress=127.0.0.1"
        )
    }

    /// What a server has for itself.
    fn own(&self, id: usize, client: u16) -> String {
        let kind = if id < self.count { "" } else { "peerType=observer\n" };
        let port = match &self.tls {
            None => format!("clientPort={client}\nclientPortAddress=127.0.0.1"),
            Some(tls) => {
                format!("secureClientPort={client}\nsecureClientPortAddress=127.0.0.1\n{}", tls.settings)
            }
        };
        format!("{kind}{port}")
    }

    fn java(&self) -> Java {
        // No setting of the file, unlike the others.
        let options = if self.read_only { vec!["-Dreadonlymode.enabled=true"] } else { Vec::new() };
        Java { options, jars: self.admin.then(|| bed::fetch::jetty().unwrap()) }
    }
}

impl Tls {
    /// Certificates in `dir` for servers on this machine; clients, and so the agents, need one where that is asked.
    pub fn new(dir: &Path, names: &[String], client_auth: &str) -> Self {
        let authority = Authority::new("zookeeper").unwrap();
        let issued = authority.issue("zookeeper", names, &[Ipv4Addr::LOCALHOST.into()]).unwrap();
        let [ca, store] = ["ca.pem", "store.pem"].map(|name| dir.join(name));
        fs::write(&ca, authority.certificate()).unwrap();
        fs::write(&store, format!("{}{}", issued.key, issued.certificate)).unwrap();
        let [ca, store] = [ca, store].map(|path| path.display().to_string());
        let settings = format!(
            "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\nssl.clientAuth={client_auth}\n\
             ssl.keyStore.location={store}\nssl.trustStore.location={ca}"
        );
        let flags = if client_auth == "none" {
            vec!["--tls-authority".to_owned(), ca]
        } else {
            vec!["--tls-authority".to_owned(), ca, "--tls-certificate".to_owned(), store]
        };
        Self { settings, flags }
    }

    /// With these flags and no others.
    pub fn flags(self, flags: Vec<String>) -> Self {
        Self { flags, ..self }
    }
}

impl Ensemble {
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

    /// Waits until each of them is ready.
    pub fn ready(&self) {
        for server in &self.servers {
            wait("ready", || is(server, "ready", "yes"));
        }
    }

    /// Waits until each of them is ready, and the leader may stop: that one is returned.
    pub fn ready_and_led(&self) -> usize {
        self.ready();
        let leader = self.leader();
        wait("the leader may stop", || is(&self.servers[leader], "stoppable", "yes"));
        leader
    }
}

impl Server {
    /// An agent alone, whose server and `AdminServer` are told to be at these ports.
    pub fn beside(client: u16, admin: u16) -> Self {
        Self::agent(PathBuf::from("/no/such.cfg"), client, admin, free(), &[])
    }

    fn agent(config: PathBuf, client: u16, admin: u16, probes: u16, flags: &[String]) -> Self {
        let at = |port: u16| format!("127.0.0.1:{port}");
        let mut agent = Command::new(env!("CARGO_BIN_EXE_pillion"));
        agent.args(["sidecar", "--role", "zookeeper", "--address", &at(client), "--admin", &at(admin)]);
        agent.args(["--listen", &at(probes), "--server-config"]).arg(&config);
        let agent = agent.args(flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { config, java: Java::default(), child: Mutex::default(), agent, probes }
    }

    /// Starts the server; its agent runs all the time.
    pub fn run(&self) {
        let mut java = Command::new("java");
        java.args(["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        java.args(&self.java.options);
        let mut args =
            Kafka::fetch(V3_9).unwrap().java_args("org.apache.zookeeper.server.quorum.QuorumPeerMain");
        let class_path = args.iter().position(|arg| arg == "-cp").unwrap() + 1;
        if let Some(jars) = &self.java.jars {
            write!(args[class_path], ":{}/*", jars.display()).unwrap();
        }
        java.args(args).arg(&self.config);
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

    /// As it last told it.
    pub fn state(&self) -> String {
        self.status()["observations"]["server"]["state"].as_str().unwrap_or_default().to_owned()
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
