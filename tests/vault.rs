//! Vault's PKI engine and its Kubernetes auth, against a real `OpenBao`, which speaks the same. Who a token belongs to it
//! asks an API server, and that is made up here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

#[allow(dead_code, reason = "shared with other tests")]
mod made_up_api;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bed::{Cluster, NEWEST, OpenBao, Tls, eventually};
use made_up_api::{Answer, Server};
use pillion::{
    certs::{self, Bundle, Phase, Rules, SourceFault, vault::Vault},
    files::Disk,
    https,
};
use serde_json::json;

/// A real one with a CA of two levels, and a role for the service account `kafka/kafka`.
struct Scene {
    bao: OpenBao,
    reviews: Server,
    dir: tempfile::TempDir,
    /// What a broker would be configured with.
    vault: Vault,
}

/// A token as the kubelet mounts it, as far as anybody reads it here: the API server vouches for it.
fn token(account: &str) -> String {
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://kubernetes.default.svc", "sub": format!("system:serviceaccount:kafka:{account}"),
        "aud": ["https://kubernetes.default.svc"], "exp": 4_000_000_000_i64, "iat": 1_700_000_000, "nbf": 1_700_000_000,
        "kubernetes.io": { "namespace": "kafka", "serviceaccount": { "name": account, "uid": "u-1" } },
    });
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({ "alg": "RS256", "kid": "k" })), part(&claims))
}

/// Vouches for every token but those of `nobody`.
fn review(request: &made_up_api::Request) -> Answer {
    assert_eq!(request.path, "/apis/authentication.k8s.io/v1/tokenreviews");
    let review = request.json();
    let account = ["kafka", "other"].into_iter().find(|account| review["spec"]["token"] == token(account));
    let status = match account {
        Some(account) => json!({ "authenticated": true, "audiences": review["spec"]["audiences"], "user": {
            "username": format!("system:serviceaccount:kafka:{account}"), "uid": "u-1",
            "groups": ["system:serviceaccounts", "system:authenticated"],
        } }),
        None => json!({ "authenticated": false, "error": "it is none of this cluster" }),
    };
    Answer::json(
        201,
        &json!({ "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": status }),
    )
}

impl Scene {
    async fn up() -> Self {
        let reviews = Server::start(|request| review(&request)).await;
        let bao = OpenBao::start().unwrap();
        let run = |words: &str| bao.run(words).unwrap();
        run("secrets enable -path=root pki");
        run("write root/root/generate/internal common_name=root ttl=48h");
        run("secrets enable -path=team/pki pki");
        let request =
            run("write -field=csr team/pki/intermediate/generate/internal common_name=intermediate ttl=40h");
        bao.file("csr", &request).unwrap();
        let signed = run(
            "write -field=certificate root/root/sign-intermediate csr=@csr ttl=40h common_name=intermediate",
        );
        let root = run("read -field=certificate root/cert/ca");
        bao.file("signed", &format!("{signed}\n{root}")).unwrap();
        run("write team/pki/intermediate/set-signed certificate=@signed");
        run("write team/pki/roles/kafka allowed_domains=kafka.svc allow_subdomains=true max_ttl=24h");
        bao.file("policy", "path \"team/pki/issue/kafka\" { capabilities = [\"update\"] }").unwrap();
        run("policy write kafka policy");
        run("auth enable kubernetes");
        bao.file("api.pem", reviews.certificate()).unwrap();
        run(&format!(
            "write auth/kubernetes/config kubernetes_host=https://127.0.0.1:{} kubernetes_ca_cert=@api.pem \
             token_reviewer_jwt={} disable_local_ca_jwt=true",
            reviews.port(),
            token("reviewer")
        ));
        let bound = "bound_service_account_names=kafka bound_service_account_namespaces=kafka ttl=10m";
        run(&format!("write auth/kubernetes/role/kafka {bound} policies=kafka"));
        run(&format!("write auth/kubernetes/role/powerless {bound}"));

        let dir = tempfile::tempdir().unwrap();
        let token_file = dir.path().join("token");
        std::fs::write(&token_file, token("kafka")).unwrap();
        let vault = Vault {
            server: https::Server { host: "127.0.0.1".to_owned(), port: bao.port() },
            authority: bao.authority(),
            namespace: None,
            auth_mount: "kubernetes".to_owned(),
            auth_role: "kafka".to_owned(),
            token_file,
            mount: "team/pki".to_owned(),
            role: "kafka".to_owned(),
            ttl: Duration::from_secs(3600),
        };
        Self { bao, reviews, dir, vault }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The fault of a Vault that is configured a little differently.
    async fn refused(&self, change: impl FnOnce(&mut Vault)) -> SourceFault {
        let mut vault = self.vault.clone();
        change(&mut vault);
        vault.issue(&names(&["kafka-0.kafka.svc"])).await.unwrap_err()
    }
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

fn said(fault: &SourceFault, text: &str, remedy: &str, heals: bool) {
    assert!(fault.text.contains(text), "{fault}");
    assert!(fault.remedy.contains(remedy), "{fault}");
    assert_eq!(fault.heals, heals, "{fault}");
}

fn openssl(dir: &Path, arguments: &str) -> String {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// By OpenSSL: it leads to the CA, has its names, and its key is its own, in PKCS#8.
fn good(scene: &Scene, bundle: &Bundle, san: &str) {
    let dir = scene.dir.path();
    std::fs::write(dir.join("chain.pem"), &bundle.certificate).unwrap();
    std::fs::write(dir.join("ca.pem"), &bundle.authority).unwrap();
    std::fs::write(dir.join("key.pem"), bundle.key.expose()).unwrap();
    openssl(dir, "verify -x509_strict -CAfile ca.pem -untrusted chain.pem chain.pem");
    let names = openssl(dir, "x509 -in chain.pem -noout -ext subjectAltName");
    assert!(names.contains(san), "{names}");
    assert_eq!(openssl(dir, "x509 -in chain.pem -noout -pubkey"), openssl(dir, "pkey -in key.pem -pubout"));
    assert!(bundle.key.expose().starts_with(b"-----BEGIN PRIVATE KEY-----"));
    assert_eq!(bundle.certificate.windows(11).filter(|part| part == b"BEGIN CERTI").count(), 2);
    assert_eq!(openssl(dir, "x509 -in ca.pem -noout -subject").trim(), "subject=CN = root");
}

/// All in one: what takes long is to start it.
#[tokio::test]
async fn a_certificate_by_vault_and_each_way_in_which_there_is_none() {
    let mut scene = Scene::up().await;
    let wanted = names(&["kafka-0.kafka.svc", "127.0.0.1", "pod-0.kafka.svc"]);
    let first = scene.vault.issue(&wanted).await.unwrap();
    good(&scene, &first, "DNS:kafka-0.kafka.svc, DNS:pod-0.kafka.svc, IP Address:127.0.0.1");
    assert_eq!(first.origin, "Vault team/pki/kafka");
    // The next one has another key, and a running Kafka takes it in the place of the first.
    let second = scene.vault.issue(&wanted).await.unwrap();
    good(&scene, &second, "DNS:kafka-0.kafka.svc");
    assert_ne!(second.key, first.key);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let rules = Rules {
        names: &wanted,
        now: i64::try_from(now).unwrap(),
        skew: Duration::from_secs(60),
        installed: None,
        allow_dn_changes: false,
        allow_san_changes: false,
        inter_broker: true,
        kafka: (4, 3),
        phase: &Phase::Stable,
    };
    let dir = scene.dir.path().join("installed");
    certs::install(&Disk::default(), &dir, &certs::check(&first, &rules).unwrap()).unwrap();
    let installed = certs::installed(&dir).unwrap().unwrap();
    certs::check(&second, &Rules { installed: Some(&installed), ..rules }).unwrap();

    login(&scene).await;
    issue(&scene).await;

    let stranger = scene.file("stranger.pem", scene.reviews.certificate());
    let fault = scene.refused(|vault| vault.authority = stranger).await;
    said(&fault, "is not trusted: ", "must hold the CA of Vault's own certificate", false);
    scene.bao.run("operator seal").unwrap();
    let fault = scene.refused(|_| {}).await;
    said(
        &fault,
        "auth/kubernetes/login, role kafka) fails: Vault answers 503: Vault is sealed",
        "unseal",
        true,
    );
    scene.bao.stop();
    let fault = scene.refused(|_| {}).await;
    said(&fault, "cannot be reached: ", "no NetworkPolicy keeps this pod", true);
}

async fn login(scene: &Scene) {
    let fault = scene.refused(|vault| vault.auth_role = "none".into()).await;
    said(&fault, "invalid role name \"none\"", "write auth/kubernetes/role/none", false);
    let fault = scene.refused(|vault| vault.auth_mount = "none".into()).await;
    said(&fault, "Vault answers 403: permission denied", "the Kubernetes auth is enabled at none", false);
    for account in ["other", "nobody"] {
        let file = scene.file(account, &token(account));
        let fault = scene.refused(|vault| vault.token_file = file).await;
        said(&fault, "Vault answers 403: ", "its role kafka is bound to the service account", false);
        assert!(!fault.to_string().contains(&token(account)));
    }
    let fault = scene.refused(|vault| vault.namespace = Some("none".into())).await;
    said(&fault, "namespace not found", "correct namespace", false);
    let fault = scene.refused(|vault| vault.token_file = "/nowhere/token".into()).await;
    said(&fault, "failed to read /nowhere/token: it does not exist", "create /nowhere/token", false);
    let garbage = scene.file("garbage", "none");
    let fault = scene.refused(|vault| vault.authority = garbage).await;
    said(&fault, "garbage holds no certificate", "must hold the CA", false);
    let other = Server::answering(Answer::raw(200, "<html>")).await;
    let (port, authority) = (other.port(), scene.file("other.pem", other.certificate()));
    let fault = scene
        .refused(|vault| {
            vault.server.port = port;
            vault.authority = authority;
        })
        .await;
    said(&fault, "is no Vault", "correct the address", false);
}

async fn issue(scene: &Scene) {
    let fault = scene.refused(|vault| vault.role = "none".into()).await;
    said(&fault, "(team/pki/issue/none): Vault answers 403: ", "on team/pki/issue/none", false);
    let fault = scene.refused(|vault| vault.auth_role = "powerless".into()).await;
    said(&fault, "Vault answers 403: ", "[\"update\"] on team/pki/issue/kafka", false);
    let fault = scene.vault.issue(&names(&["kafka.example"])).await.unwrap_err();
    said(&fault, "kafka.example not allowed by this role", "let team/pki/roles/kafka issue it", false);

    scene.bao.file("policy", "path \"*\" { capabilities = [\"update\"] }").unwrap();
    scene.bao.run("policy write kafka policy").unwrap();
    let fault = scene.refused(|vault| vault.role = "none".into()).await;
    said(&fault, "unknown role: none", "write team/pki/roles/none", false);
    let fault = scene.refused(|vault| vault.mount = "none".into()).await;
    said(&fault, "(none/issue/kafka): Vault answers 404: ", "enable the PKI engine at none", false);
    scene.bao.run("write team/pki/roles/kafka allow_any_name=true allow_ip_sans=false").unwrap();
    let fault = scene.vault.issue(&names(&["a.b", "10.0.0.1"])).await.unwrap_err();
    said(&fault, "not allowed", "allow_ip_sans", false);
}

/// Long enough for anything that will happen at all.
const SOON: Duration = Duration::from_secs(120);

/// A sidecar that ends with this.
struct Sidecar(Child);

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lives of 40 s under a real broker: renewed again and again while it runs, and kept when Vault is gone.
#[tokio::test(flavor = "multi_thread")]
async fn renewed_under_a_running_broker_until_vault_is_gone() {
    let mut scene = Scene::up().await;
    scene
        .bao
        .run("write team/pki/roles/brokers allow_any_name=true max_ttl=1h not_before_duration=1s")
        .unwrap();
    let policy = "path \"team/pki/issue/brokers\" { capabilities = [\"update\"] }";
    scene.bao.file("policy", policy).unwrap();
    scene.bao.run("policy write kafka policy").unwrap();
    let vault = format!(
        "vault: {{address: \"https://127.0.0.1:{}\", authority: {:?}, auth: {{mount: kubernetes, role: kafka, tokenFile: {:?}}}, \
         mount: team/pki, role: brokers, ttl: 40s}}",
        scene.vault.server.port, scene.vault.authority, scene.vault.token_file
    );
    let listeners = format!("  listeners:\n    EXTERNAL: {{{vault}}}\n    INTERNAL: {{{vault}}}\n");
    let builder = Cluster::builder(NEWEST).combined(1).tls(Tls::new().managed()).unformatted([1001]);
    let cluster = builder.pillion("certificates", &listeners).start().await.unwrap();
    let node = cluster.node(1001);
    bed::fleet::configure(&cluster, 1001, "").unwrap();

    // Outside of the node's network: Vault is here.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = node.dir().join("pillion.yaml");
    let pillion = |command: &str| {
        let mut pillion = Command::new(env!("CARGO_BIN_EXE_pillion"));
        pillion
            .arg(command)
            .arg("--config")
            .arg(&config)
            .args(["--set", &format!("sidecar.listen=127.0.0.1:{port}")]);
        pillion
    };
    let prepared = pillion("init").arg("--bootstrap").output().unwrap();
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
    node.start_with(node.dir().join("run/server.properties")).unwrap();
    let log = std::fs::File::create(node.dir().join("pillion.log")).unwrap();
    let sidecar = pillion("sidecar").stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let _sidecar = Sidecar(sidecar);

    let status = async || {
        let (_, body) = bed::watch::get(([127, 0, 0, 1], port).into(), "/status").await?;
        anyhow::Ok(serde_json::from_str::<serde_json::Value>(&body)?)
    };
    let serial = || {
        let address = node.external_addr().to_string();
        let mut look = Command::new("timeout");
        look.args(["5", "openssl", "s_client", "-connect", &address]).stdin(Stdio::null());
        let shown = String::from_utf8(look.output().unwrap().stdout).unwrap();
        anyhow::ensure!(shown.contains("BEGIN CERTIFICATE"), "none is served");
        std::fs::write(node.dir().join("shown.pem"), &shown)?;
        anyhow::Ok(openssl(node.dir(), "x509 -in shown.pem -noout -serial"))
    };
    let mut before = eventually("one is served", SOON, async || serial()).await.unwrap();
    for _ in 0..2 {
        let another = eventually("another one is served", SOON, async || {
            let now = serial()?;
            anyhow::ensure!(now != before, "it is the same; {}", status().await?["certificates"]);
            Ok(now)
        });
        before = another.await.unwrap();
    }
    eventually("it is proven, and the broker is ready", SOON, async || {
        let status = status().await?;
        let served = &status["certificates"]["listeners"]["EXTERNAL"]["served"];
        anyhow::ensure!(*served == true && status["verdicts"]["ready"]["answer"] == "yes", "{status}");
        Ok(())
    })
    .await
    .unwrap();

    scene.bao.stop();
    eventually("it is loud, and the one that ended is kept", SOON, async || {
        let reasons = status().await?["certificates"]["reasons"].to_string();
        let said = reasons.contains("certificate-source-unreachable") && reasons.contains("ended");
        anyhow::ensure!(said, "{reasons}");
        serial()
    })
    .await
    .unwrap();
    assert!(node.running());
}
