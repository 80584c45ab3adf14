//! What is asked of Kubernetes and told it, against an API server made up, over real TLS: every failure by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test where it stands"
)]

mod init_support;
mod made_up_api;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use init_support::golden;
use made_up_api::{Answer, Server};
use pillion::{
    config::{Config, Sources},
    init::{InitError, zone},
    kube::{
        Api, Event, Fault, Kind, LEASES, LeaseName, Marks, Regarding, SECRETS, SecretName, SecretWatch,
        SetName, mark,
    },
};
use serde_json::json;

/// Long enough for a few attempts on a busy machine.
const SHORT: Duration = Duration::from_millis(1500);

fn config() -> Config {
    let env = [("POD", "kafka-1"), ("NAMESPACE", "kafka"), ("POD_UID", "u-1"), ("NODE", "n1")];
    let env = env.map(|(key, value)| (format!("PILLION_KUBERNETES_{key}"), value.to_owned())).into();
    let sources = Sources { env, ..Sources::default() };
    let text = include_bytes!("../examples/kubernetes.yaml");
    pillion::config::load_bytes(text, "pillion.yaml", &sources).unwrap().config
}

async fn asked(api: Result<Api, Fault>) -> Result<Option<String>, InitError> {
    zone::of_node(api, &config(), SHORT).await
}

/// The refusal, as a person reads it.
async fn refused(api: Result<Api, Fault>, code: u8, name: &str, settle: &[(&str, &str)]) {
    let error = asked(api).await.unwrap_err();
    assert_eq!(error.exit.code(), code, "{error}");
    let text = settle.iter().fold(format!("{error}\n"), |text, (from, to)| text.replace(from, to));
    golden(&format!("fails/{name}.txt"), &text);
}

#[tokio::test]
async fn the_label_of_the_node_tells_the_zone() {
    let server = Server::start(|request| {
        assert_eq!((&*request.method, &*request.path), ("GET", "/api/v1/nodes/n1"));
        assert_eq!(request.header("authorization"), "Bearer secret");
        // Of a node only the metadata: its status lists every image it holds.
        assert!(request.header("accept").contains("PartialObjectMetadata"));
        Answer::json(
            200,
            &json!({ "metadata": { "labels": {
            "topology.kubernetes.io/zone": "zone-n", "failure-domain.beta.kubernetes.io/zone": "old",
        } } }),
        )
    })
    .await;
    assert_eq!(asked(Ok(server.api())).await.unwrap().as_deref(), Some("zone-n"));
    for (labels, zone) in [
        (json!({ "failure-domain.beta.kubernetes.io/zone": "old" }), Some("old")),
        (json!({ "topology.kubernetes.io/zone": "" }), None),
        (json!({ "kubernetes.io/hostname": "n1" }), None),
        (json!(null), None),
    ] {
        let server = Server::answering(Answer::json(200, &json!({ "metadata": { "labels": labels } }))).await;
        assert_eq!(asked(Ok(server.api())).await.unwrap().as_deref(), zone, "{labels}");
    }
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_told_at_once_with_its_remedy() {
    refused(Err(Fault::NotInPod), 64, "api-not-in-pod", &[]).await;

    let denied = "nodes \"n1\" is forbidden: User \"system:serviceaccount:kafka:pillion\" cannot get resource \"nodes\" in \
                  API group \"\" at the cluster scope";
    for (code, message, name) in [
        (403, denied, "api-denied"),
        (404, "nodes \"n1\" not found", "api-node-gone"),
        (401, "Unauthorized", "api-unauthorized"),
    ] {
        let server = Server::answering(Answer::status(code, message)).await;
        refused(Ok(server.api()), 64, name, &[]).await;
        assert_eq!(server.requests(), 1, "{name}: asked again in vain");
    }

    let server = Server::answering(Answer::raw(200, "<html>a proxy</html>")).await;
    refused(Ok(server.api()), 64, "api-nonsense", &[]).await;

    let server = Server::answering(Answer::json(200, &json!({}))).await;
    let (credentials, other) = (server.credentials(), Server::answering(Answer::json(200, &json!({}))).await);
    let place = credentials.display().to_string();
    let settle: &[_] = &[(&*place, "/CREDENTIALS")];
    std::fs::write(credentials.join("ca.crt"), other.certificate()).unwrap();
    refused(Ok(server.api()), 64, "api-untrusted", settle).await;
    std::fs::write(credentials.join("ca.crt"), "no certificate").unwrap();
    refused(Ok(server.api()), 64, "api-bad-ca", settle).await;
    std::fs::remove_file(credentials.join("token")).unwrap();
    refused(Ok(server.api()), 64, "api-no-token", settle).await;
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn what_may_heal_is_asked_again_until_it_does_or_time_is_up() {
    let mut answers = vec![
        Answer::json(200, &json!({ "metadata": { "labels": { "topology.kubernetes.io/zone": "z" } } })),
        Answer::status(429, "too many requests"),
        Answer::raw(503, "no backend"),
        Answer::Hangup,
    ];
    let answers = std::sync::Mutex::new(std::mem::take(&mut answers));
    let server = Server::start(move |_| answers.lock().unwrap().pop().unwrap()).await;
    let found = zone::of_node(Ok(server.api()), &config(), Duration::from_secs(20)).await;
    assert_eq!((found.unwrap().as_deref(), server.requests()), (Some("z"), 4));

    let mut server = Server::answering(Answer::status(500, "etcd is down")).await;
    refused(Ok(server.api()), 69, "api-broken", &[]).await;
    assert!(server.requests() > 1, "given up too early");

    server.stop().await;
    refused(Ok(server.api()), 69, "api-refused", &[(&server.port().to_string(), "PORT")]).await;

    // A listener that never answers: the deadline of all holds, whatever that of one request.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::answering(Answer::json(200, &json!({}))).await;
    let api = Api::new("127.0.0.1", silent.local_addr().unwrap().port(), &server.credentials());
    let began = tokio::time::Instant::now();
    refused(Ok(api), 69, "api-silent", &[]).await;
    assert!(began.elapsed() >= SHORT && began.elapsed() < SHORT * 4);
}

fn pod() -> Regarding {
    Regarding { namespace: "kafka".into(), name: "kafka-1".into(), uid: Some("u-1".into()) }
}

#[tokio::test]
async fn the_marks_are_merged_into_this_very_pod() {
    let server = Server::start(|request| {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("PATCH", "/api/v1/namespaces/kafka/pods/kafka-1")
        );
        assert_eq!(request.header("content-type"), "application/merge-patch+json");
        let expected = json!({ "metadata": {
            "uid": "u-1",
            "labels": { "pillion.dev/cluster": "demo", "pillion.dev/role": "broker" },
            "annotations": {
                "pillion.dev/broker-id": "1002",
                "pillion.dev/zone": null,
                "pillion.dev/listeners": "PLAINTEXT://kafka-1:9092",
            },
        } });
        assert_eq!(request.json(), expected);
        Answer::json(200, &json!({ "metadata": {} }))
    })
    .await;
    let marks = Marks {
        cluster: "demo".into(),
        role: "broker",
        broker_id: 1002,
        zone: None,
        listeners: Some("PLAINTEXT://kafka-1:9092".into()),
    };
    mark(&server.api(), &pod(), &marks).await.unwrap();
}

#[tokio::test]
async fn an_event_has_what_the_api_demands_and_is_told_once() {
    let server = Server::start(|request| {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/apis/events.k8s.io/v1/namespaces/kafka/events"));
        let event = request.json();
        let expected = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": { "namespace": "kafka", "name": "kafka-1.18bcfe568c8.kafkanotready" },
            "eventTime": "2023-11-14T22:13:20.200000Z",
            "reportingController": "pillion.dev/sidecar", "reportingInstance": "kafka-1",
            "action": "Judging", "reason": "KafkaNotReady", "type": "Warning",
            "regarding": { "apiVersion": "v1", "kind": "Pod", "namespace": "kafka", "name": "kafka-1", "uid": "u-1" },
            "series": { "count": 3, "lastObservedTime": "2023-11-14T22:13:20.200000Z" },
            "note": event["note"],
        });
        assert_eq!(event, expected);
        let note = event["note"].as_str().unwrap();
        assert!(note.len() <= 1024 && note.len() > 1000 && note.ends_with("é..."), "{note}");
        Answer::status(409, "it exists")
    })
    .await;
    let event = Event {
        at_ms: 1_700_000_000_200,
        kind: Kind::Warning,
        reason: "KafkaNotReady",
        action: "Judging",
        note: "é".repeat(4000),
        count: 3,
    };
    // An attempt whose answer was lost had come through.
    event.tell(&server.api(), &pod()).await.unwrap();
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Server::answering(Answer::raw(200, &"x".repeat(2 << 20))).await;
    let marks = Marks { cluster: "demo".into(), role: "broker", broker_id: 1, zone: None, listeners: None };
    let fault = mark(&server.api(), &pod(), &marks).await.unwrap_err();
    assert_eq!(fault.to_string(), "the API server's answer is larger than 1048576 bytes");
}

fn secret() -> SecretName {
    SecretName { namespace: "kafka".into(), name: "tls".into() }
}

/// As the API server shows it, with one value.
fn object(version: &str, value: &[u8]) -> serde_json::Value {
    let value = BASE64_STANDARD.encode(value);
    json!({ "kind": "Secret", "metadata": { "name": "tls", "resourceVersion": version }, "data": { "tls.crt": value } })
}

fn event(kind: &str, object: &serde_json::Value) -> String {
    format!("{}\n", json!({ "type": kind, "object": object }))
}

const DENIED: &str = "secrets \"tls\" is forbidden: User \"system:serviceaccount:kafka:kafka\" cannot VERB resource \
                      \"secrets\" in API group \"\" in the namespace \"kafka\"";

#[tokio::test]
async fn a_secret_is_read_and_no_debug_shows_what_it_holds() {
    let server = Server::start(|request| {
        assert_eq!((&*request.method, &*request.path), ("GET", "/api/v1/namespaces/kafka/secrets/tls"));
        assert_eq!(request.header("accept"), "application/json");
        Answer::json(200, &object("7", b"hush"))
    })
    .await;
    let read = secret().read(&server.api()).await.unwrap();
    assert_eq!((&*read.version, &*read.data["tls.crt"]), ("7", &b"hush"[..]));
    assert_eq!(format!("{read:?}"), r#"Secret(7: ["tls.crt"])"#);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_says_why_and_what_to_do() {
    let denied = DENIED.replace("VERB", "get");
    for (answer, text, remedy) in [
        (
            Answer::status(403, &denied),
            &*format!("the API server answers 403: {denied}"),
            "certificates-from-secret",
        ),
        (
            Answer::status(404, "secrets \"tls\" not found"),
            "the API server answers 404: secrets \"tls\" not found",
            "create the Secret",
        ),
        (Answer::raw(200, "<html>"), "what answers is no API server: its answer is no JSON", "a proxy"),
        (
            Answer::json(200, &json!({})),
            "what answers is no API server: its answer has no resourceVersion",
            "a proxy",
        ),
        (
            Answer::raw(200, &"x".repeat(2 << 20)),
            "the API server's answer is larger than 1048576 bytes",
            "1 MiB",
        ),
        (
            Answer::json(
                200,
                &json!({ "metadata": { "resourceVersion": "1" }, "data": { "tls.key": "-----BEGIN" } }),
            ),
            "Secret kafka/tls: tls.key is not base64",
            "write it anew",
        ),
    ] {
        let server = Server::answering(answer).await;
        let fault = secret().read(&server.api()).await.unwrap_err();
        assert_eq!(fault.to_string(), text);
        assert!(!fault.heals() && SECRETS.remedy(&fault).contains(remedy), "{}", SECRETS.remedy(&fault));
    }
}

/// Answers each in its turn, and takes down what was asked for.
async fn in_turn(answers: Vec<Answer>) -> (Server, Arc<Mutex<Vec<String>>>) {
    let (asked, answers) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(answers.into_iter()));
    let heard = Arc::clone(&asked);
    let server = Server::start(move |request| {
        heard.lock().unwrap().push(request.path);
        answers.lock().unwrap().next().unwrap_or(Answer::Hangup)
    })
    .await;
    (server, asked)
}

#[tokio::test]
async fn a_secret_is_followed_through_changes_and_its_removal() {
    let (first, watched) = Answer::pieces();
    let (second, watched_again) = Answer::pieces();
    let (server, asked) = in_turn(vec![
        Answer::json(200, &object("1", b"a")),
        watched,
        Answer::json(200, &object("3", b"b")),
        watched_again,
        Answer::status(404, "secrets \"tls\" not found"),
        Answer::json(200, &object("9", b"c")),
        Answer::status(410, "too old resource version"),
        Answer::json(200, &object("10", b"d")),
    ])
    .await;
    let mut watch = SecretWatch::new(server.api(), secret());
    let told = async |watch: &mut SecretWatch| watch.next().await.map(|secret| secret.version);
    assert_eq!(told(&mut watch).await.unwrap(), "1");

    // An event may come in pieces, and whoever waits may turn away meanwhile.
    let changed = event("MODIFIED", &object("2", b"b"));
    let (head, tail) = changed.split_at(40);
    first.send(head.to_owned()).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), watch.next()).await.is_err());
    first.send(tail.to_owned()).unwrap();
    assert_eq!(told(&mut watch).await.unwrap(), "2");

    // The API server does not know that version any more: it is read again.
    first.send(event("ERROR", &json!({ "kind": "Status", "code": 410, "message": "too old" }))).unwrap();
    assert_eq!(told(&mut watch).await.unwrap(), "3");
    // What is the same is no news, and what ends is begun again.
    second.send(event("MODIFIED", &object("3", b"b"))).unwrap();
    second.send(event("DELETED", &object("4", b"b"))).unwrap();
    assert_eq!(watch.next().await.unwrap_err().code(), Some(404));
    assert_eq!(told(&mut watch).await.unwrap(), "9");
    assert_eq!(told(&mut watch).await.unwrap(), "10");
    assert!(asked.lock().unwrap()[1].ends_with(
        "/secrets?watch=true&fieldSelector=metadata.name%3Dtls&resourceVersion=1&timeoutSeconds=60"
    ));
}

#[tokio::test]
async fn a_secret_that_may_not_be_watched_is_read_again_and_again() {
    let denied = Answer::status(403, &DENIED.replace("VERB", "watch"));
    let (server, asked) = in_turn(vec![
        Answer::json(200, &object("1", b"a")),
        denied.clone(),
        Answer::json(200, &object("2", b"b")),
        denied,
        Answer::status(403, &DENIED.replace("VERB", "get")),
        Answer::json(200, &object("2", b"b")),
    ])
    .await;
    let mut watch = SecretWatch::new(server.api(), secret());
    for version in ["1", "2"] {
        assert_eq!(watch.next().await.unwrap().version, version);
        let why = watch.unwatched().unwrap().to_string();
        assert!(why.contains("cannot watch resource \"secrets\""), "{why}");
    }
    // The right to read it is taken away, and given back: the same content is news then.
    let fault = watch.next().await.unwrap_err();
    assert!(fault.to_string().contains("cannot get resource \"secrets\""), "{fault}");
    assert_eq!(watch.next().await.unwrap().version, "2");
    let reads = asked.lock().unwrap().iter().filter(|path| path.ends_with("/secrets/tls")).count();
    assert_eq!(reads, 4);
}

#[tokio::test]
async fn an_event_without_end_ends_the_watch() {
    let (events, watched) = Answer::pieces();
    let (server, _) =
        in_turn(vec![Answer::json(200, &object("1", b"a")), watched, Answer::json(200, &object("2", b"b"))])
            .await;
    let mut watch = SecretWatch::new(server.api(), secret());
    assert_eq!(watch.next().await.unwrap().version, "1");
    for _ in 0..20 {
        events.send("x".repeat(1 << 16)).unwrap();
    }
    assert_eq!(watch.next().await.unwrap().version, "2");
}

fn lease(version: &str, spec: &serde_json::Value) -> serde_json::Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": "kafka-turn", "resourceVersion": version, "labels": { "kept": "yes" } },
        "spec": spec,
    })
}

fn lease_name() -> LeaseName {
    LeaseName { namespace: "kafka".into(), name: "kafka-turn".into() }
}

#[tokio::test]
async fn a_lease_is_taken_by_who_saw_its_last_change() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&written);
    let server = Server::start(move |request| {
        assert_eq!(request.path, "/apis/coordination.k8s.io/v1/namespaces/kafka/leases/kafka-turn");
        if request.method == "GET" {
            return Answer::json(200, &lease("7", &json!({})));
        }
        assert_eq!(request.method, "PUT");
        let object = request.json();
        assert_eq!(object["metadata"]["labels"]["kept"], "yes", "what others wrote stays");
        let mut all = kept.lock().unwrap();
        all.push(object.clone());
        if object["metadata"]["resourceVersion"] != "7" && all.len() > 2 {
            return Answer::status(409, "the object has been modified");
        }
        Answer::json(200, &lease(&format!("{}", 7 + all.len()), &object["spec"]))
    })
    .await;
    let (api, name, ten) = (server.api(), lease_name(), Duration::from_secs(600));
    let free = name.read(&api).await.unwrap();
    assert_eq!((free.record.holder.as_deref(), free.record.revision.as_str()), (None, "7"));
    let held = name.write(&api, &free, Some("broker-1001"), ten, 1_700_000_000_000).await.unwrap().unwrap();
    assert_eq!(held.record.holder.as_deref(), Some("broker-1001"));
    assert_eq!((held.record.duration, held.record.acquired_ms), (ten, Some(1_700_000_000_000)));
    let renewed =
        name.write(&api, &held, Some("broker-1001"), ten, 1_700_000_010_000).await.unwrap().unwrap();
    assert_eq!(renewed.record.acquired_ms, Some(1_700_000_000_000), "since when it holds");
    assert_eq!(name.write(&api, &renewed, None, ten, 1_700_000_020_000).await.unwrap(), None);
    let all = written.lock().unwrap();
    assert_eq!(all[0]["spec"]["renewTime"], "2023-11-14T22:13:20.000000Z");
    assert_eq!(all[1]["spec"]["renewTime"], "2023-11-14T22:13:30.000000Z");
    assert_eq!(
        (&all[0]["spec"]["leaseTransitions"], &all[1]["spec"]["leaseTransitions"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(all[2]["spec"]["holderIdentity"], "");
}

#[tokio::test]
async fn a_lease_that_cannot_be_had_is_told_with_its_remedy() {
    for (code, word) in [(403, "resources: [leases]"), (404, "create the Lease")] {
        let server = Server::answering(Answer::status(code, "no")).await;
        let fault = lease_name().read(&server.api()).await.unwrap_err();
        assert!(LEASES.remedy(&fault).contains(word), "{}", LEASES.remedy(&fault));
    }
}

#[tokio::test]
async fn a_set_that_is_not_there_any_more_is_disbanded() {
    let set = SetName::of_pod("kafka", "kafka-2").unwrap();
    let asked = async |answer| {
        let server = Server::answering(answer).await;
        set.is_disbanded(&server.api()).await
    };
    assert_eq!(asked(Answer::status(404, "not found")).await, Ok(true));
    assert_eq!(asked(Answer::json(200, &json!({ "spec": { "replicas": 3 } }))).await, Ok(false));
    assert!(asked(Answer::status(403, "forbidden")).await.is_err());
}
