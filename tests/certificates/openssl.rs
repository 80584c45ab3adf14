//! What the openssl command makes: keys, CAs, certificates of any life.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A directory in which openssl works.
pub struct Openssl {
    dir: PathBuf,
}

/// A certificate to be issued.
#[derive(Clone)]
pub struct Request<'a> {
    /// The name of its file, without the ending.
    pub name: &'a str,
    pub subject: &'a str,
    /// The names of the files of who issues it; its own name: it signs itself.
    pub by: &'a str,
    /// Extensions, as in the config of openssl.
    pub extensions: &'a str,
    /// From and until when, in hours from now.
    pub life: (i64, i64),
    pub digest: &'a str,
}

pub const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n";
pub const BROKER: &str = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n\
                          subjectAltName=DNS:kafka-1,IP:127.0.0.1\n";

impl Request<'_> {
    /// A good certificate of a broker.
    pub const BROKER: Request<'static> = Request {
        name: "broker",
        subject: "/O=demo/CN=kafka-1",
        by: "ca",
        extensions: BROKER,
        life: (-1, 24),
        digest: "sha256",
    };
}

impl Openssl {
    /// With a CA: `ca.key`, `ca.crt`.
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir.join("issued")).unwrap();
        fs::write(dir.join("index.txt"), "").unwrap();
        fs::write(dir.join("index.txt.attr"), "unique_subject = no\n").unwrap();
        let config = "[ca]\ndefault_ca=a\n[a]\ndir=.\ndatabase=index.txt\nnew_certs_dir=issued\npolicy=any\n\
                      rand_serial=yes\n[any]\nO=optional\nCN=optional\n";
        fs::write(dir.join("ca.cnf"), config).unwrap();
        let openssl = Self { dir: dir.to_owned() };
        openssl.key("ca", EC);
        openssl.issue(&Request {
            name: "ca",
            subject: "/CN=demo CA",
            by: "ca",
            extensions: CA,
            life: (-24, 8000),
            ..Request::BROKER
        });
        openssl
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Runs it; the arguments stand between blanks.
    pub fn run(&self, args: &str) -> String {
        self.run_args(&args.split_whitespace().collect::<Vec<_>>())
    }

    fn run_args(&self, args: &[&str]) -> String {
        let output = Command::new("openssl").args(args).current_dir(&self.dir).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// `NAME.key`, as `genpkey` makes it with these arguments.
    pub fn key(&self, name: &str, kind: &str) {
        self.run(&format!("genpkey {kind} -out {name}.key"));
    }

    /// `NAME.crt`, of the key `NAME.key`.
    pub fn issue(&self, request: &Request<'_>) {
        let Request { name, subject, by, extensions, life: (from, until), digest } = *request;
        fs::write(self.at("extensions"), extensions).unwrap();
        self.run_args(&["req", "-new", "-key", &format!("{name}.key"), "-subj", subject, "-out", "request"]);
        let (from, until) = (instant(from), instant(until));
        let (ca_key, ca_cert) = (format!("{by}.key"), format!("{by}.crt"));
        let mut args = vec!["ca", "-batch", "-notext", "-config", "ca.cnf", "-in", "request", "-preserveDN"];
        args.extend(["-extfile", "extensions", "-startdate", &from, "-enddate", &until, "-md", digest]);
        args.extend(["-keyfile", &ca_key]);
        if name == by {
            args.push("-selfsign");
        } else {
            args.extend(["-cert", &ca_cert]);
        }
        let out = format!("{name}.crt");
        args.extend(["-out", &out]);
        self.run_args(&args);
    }

    /// A good one of a broker: `broker.key`, `broker.crt`.
    pub fn broker(&self) {
        self.key("broker", EC);
        self.issue(&Request::BROKER);
    }

    /// Lays out a directory as a source has it.
    pub fn lay(to: &Path, certificate: &[u8], key: &[u8], authority: &[u8]) {
        fs::create_dir_all(to).unwrap();
        for (name, bytes) in [("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority)] {
            fs::write(to.join(name), bytes).unwrap();
        }
    }
}

pub const EC: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
pub const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";

/// As `openssl ca` wants it.
fn instant(hours: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = now.as_secs().checked_add_signed(hours * 3600).unwrap();
    let date = Command::new("date").args(["-u", "-d", &format!("@{at}"), "+%Y%m%d%H%M%SZ"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap()
}
