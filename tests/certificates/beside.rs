//! What is refused because of what runs: Kafka's own rules for a reload, and the order in which a CA is changed.

use std::time::Duration;

use pillion::{
    certs::{Bundle, Checked, Fault, Installed, Phase, Rules, Secret, check, install, installed},
    files::Disk,
};

use super::openssl::{BROKER, CA, EC, Openssl, Request, now};

struct Scene {
    work: tempfile::TempDir,
    openssl: Openssl,
    names: Vec<String>,
}

impl Scene {
    /// With the CA `ca`, the CA `new`, and a certificate of the first, which is installed.
    fn new() -> Self {
        let work = tempfile::tempdir().unwrap();
        let openssl = Openssl::new(&work.path().join("openssl"));
        openssl.key("new", EC);
        openssl.issue(&Request {
            name: "new",
            subject: "/CN=new CA",
            by: "new",
            extensions: CA,
            ..Request::BROKER
        });
        openssl.broker();
        let scene = Self { work, openssl, names: vec!["kafka-1".to_owned()] };
        scene.install(&scene.check("ca", None, &Phase::Stable).unwrap());
        scene
    }

    fn bundle(&self, authority: &str) -> Bundle {
        Bundle {
            certificate: self.openssl.read("broker.crt"),
            key: Secret::new(self.openssl.read("broker.key")),
            authority: self.openssl.read(&format!("{authority}.crt")),
            password: None,
            origin: "/certs".to_owned(),
        }
    }

    fn rules<'a>(&'a self, installed: Option<&'a Installed>, phase: &'a Phase) -> Rules<'a> {
        Rules {
            names: &self.names,
            now: now(),
            skew: Duration::from_secs(300),
            installed,
            allow_dn_changes: false,
            allow_san_changes: false,
            inter_broker: true,
            kafka: (4, 3),
            phase,
        }
    }

    /// What `broker.crt` comes to.
    fn check(
        &self,
        authority: &str,
        installed: Option<&Installed>,
        phase: &Phase,
    ) -> Result<Checked, Vec<Fault>> {
        check(&self.bundle(authority), &self.rules(installed, phase))
    }

    fn install(&self, checked: &Checked) {
        install(&Disk::default(), &self.work.path().join("tls"), checked).unwrap();
    }

    fn there(&self) -> Installed {
        installed(&self.work.path().join("tls")).unwrap().unwrap()
    }

    fn both(&self) -> (Vec<u8>, Vec<u8>) {
        (self.openssl.read("ca.crt"), self.openssl.read("new.crt"))
    }

    fn issue_by(&self, by: &str) {
        self.openssl.key("broker", EC);
        self.openssl.issue(&Request { by, ..Request::BROKER });
    }
}

fn codes(outcome: Result<Checked, Vec<Fault>>) -> Vec<&'static str> {
    outcome.map_or_else(|faults| faults.iter().map(|fault| fault.code).collect(), |_| Vec::new())
}

#[test]
fn a_running_kafka_takes_no_other_subject_and_no_fewer_names() {
    let scene = Scene::new();
    let there = scene.there();
    scene.openssl.issue(&Request { subject: "/O=demo/CN=kafka-9", ..Request::BROKER });
    assert_eq!(codes(scene.check("ca", Some(&there), &Phase::Stable)), ["subject-changed"]);
    let fewer = BROKER.replace(",IP:127.0.0.1", "");
    scene.openssl.issue(&Request { extensions: &fewer, ..Request::BROKER });
    let faults = scene.check("ca", Some(&there), &Phase::Stable).unwrap_err();
    assert!(
        faults.len() == 1 && faults[0].code == "names-lost" && faults[0].text.ends_with("127.0.0.1"),
        "{faults:?}"
    );
    let rules = Rules { allow_san_changes: true, ..scene.rules(Some(&there), &Phase::Stable) };
    assert!(check(&scene.bundle("ca"), &rules).is_ok());
    // One that is not running takes it.
    assert!(scene.check("ca", None, &Phase::Stable).is_ok());
    let more = BROKER.replace("IP:127.0.0.1", "IP:127.0.0.1,DNS:more");
    scene.openssl.issue(&Request { extensions: &more, ..Request::BROKER });
    assert!(scene.check("ca", Some(&there), &Phase::Stable).is_ok());
    // All that is wrong is told at once.
    scene.openssl.issue(&Request {
        subject: "/CN=x",
        extensions: "subjectAltName=DNS:other\n",
        life: (-9, -1),
        ..Request::BROKER
    });
    let all = codes(scene.check("new", Some(&there), &Phase::Stable));
    assert_eq!(all, ["expired", "names-missing", "subject-changed", "names-lost", "chain-incomplete"]);
}

#[test]
fn a_ca_is_changed_in_order_or_not_at_all() {
    let scene = Scene::new();
    let (old, new) = scene.both();
    let trust_both = Phase::TrustBoth { old: old.clone(), new: new.clone() };
    let swap = Phase::Swap { old, new: new.clone() };
    let drop = Phase::Drop { new };
    let stable = Phase::Stable;

    // Without phases, and each phase too early.
    scene.issue_by("new");
    let there = scene.there();
    assert_eq!(codes(scene.check("new", Some(&there), &stable)), ["authority-changed"]);
    assert_eq!(codes(scene.check("new", Some(&there), &trust_both)), ["phase-unsafe"]);
    assert_eq!(codes(scene.check("new", Some(&there), &swap)), ["phase-unsafe"]);
    assert_eq!(codes(scene.check("new", Some(&there), &drop)), ["phase-unsafe"]);
    // Clients are their own masters: where no broker connects, another CA is taken.
    let outside = Rules { inter_broker: false, ..scene.rules(Some(&there), &stable) };
    assert!(check(&scene.bundle("new"), &outside).is_ok());

    // In order.
    scene.issue_by("ca");
    let step = |phase: &Phase, trusted: usize| {
        let there = scene.there();
        let checked =
            scene.check("ca", Some(&there), phase).unwrap_or_else(|faults| panic!("{phase:?}: {faults:?}"));
        scene.install(&checked);
        assert_eq!(scene.there().trust.len(), trusted, "{}", phase.name());
    };
    step(&trust_both, 2);
    step(&swap, 2);
    assert_eq!(
        codes(scene.check("ca", Some(&scene.there()), &drop)),
        ["chain-incomplete"],
        "swap was left out"
    );
    scene.issue_by("new");
    assert_eq!(
        codes(scene.check("ca", Some(&scene.there()), &drop)),
        ["phase-unsafe"],
        "the old one is still served"
    );
    step(&swap, 2);
    step(&drop, 1);
    assert_eq!(scene.there().trust[0].subject, "CN=new CA");
}

#[test]
fn one_that_is_nearly_valid_is_waited_for() {
    let scene = Scene::new();
    let valid_from = scene.there().leaf.not_before;
    let at = |now| check(&scene.bundle("ca"), &Rules { now, ..scene.rules(None, &Phase::Stable) });
    assert!(at(valid_from).is_ok());
    let faults = at(valid_from - 60).unwrap_err();
    assert_eq!((faults[0].code, faults[0].until), ("not-yet-valid", Some(valid_from)));
    assert!(faults[0].heals() && faults[0].remedy.contains("a little ahead"), "{faults:?}");
    let faults = at(valid_from - 3600).unwrap_err();
    assert!(faults[0].remedy.contains("check the clocks"), "{faults:?}");
}
