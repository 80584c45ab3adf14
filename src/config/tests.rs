#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use super::*;

const GOOD: &str = include_str!("../../examples/kraft-broker.yaml");

fn errors(text: &str, sources: &Sources) -> Vec<String> {
    let problems = load_bytes(text.as_bytes(), "p.yaml", sources).unwrap_err();
    problems.iter().map(|p| format!("{}: {}", p.place, p.what)).collect()
}

#[test]
fn the_published_schema_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/pillion.schema.json");
    if std::env::var_os("PILLION_BLESS").is_some() {
        std::fs::write(path, published_schema()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap();
    assert_eq!(there, published_schema(), "run the tests with PILLION_BLESS=1 and commit the schema");
}

#[test]
fn every_example_is_without_mistakes() {
    let examples = [
        (GOOD, "kraft-broker"),
        (include_str!("../../examples/kraft-combined.yaml"), "kraft-combined"),
        (include_str!("../../examples/kraft-controller.yaml"), "kraft-controller"),
        (include_str!("../../examples/zookeeper.yaml"), "zookeeper"),
        (IN_POD, "kraft-broker"),
    ];
    for (text, mode) in examples {
        let loaded = load_bytes(text.as_bytes(), mode, &pod(&[])).unwrap();
        assert_eq!((loaded.config.broker.mode.name(), loaded.notices), (mode, vec![]));
    }
}

/// What the downward API tells a pod.
fn pod(extra: &[(&str, &str)]) -> Sources {
    let told = [("POD", "kafka-2"), ("NAMESPACE", "kafka"), ("POD_UID", "u-1"), ("NODE", "n1")];
    let mut sources = Sources::default();
    sources.env.extend(told.map(|(key, value)| (format!("PILLION_KUBERNETES_{key}"), value.to_owned())));
    sources.env.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    sources
}

const IN_POD: &str = include_str!("../../examples/kubernetes.yaml");

#[test]
fn an_empty_variable_counts_as_not_set() {
    let empty =
        [("PILLION_BROKER_ORDINAL", ""), ("PILLION_KUBERNETES_ZONE", ""), ("PILLION_STORAGE_BOOTSTRAP", "")];
    let config = load_bytes(IN_POD.as_bytes(), "p", &pod(&empty)).unwrap().config;
    assert_eq!((config.broker.ordinal, config.storage.bootstrap), (None, false));
    assert_eq!(config.broker.zone, Zone::OfNode { missing: None });
    let told = load_bytes(GOOD.as_bytes(), "p", &pod(&[("PILLION_KUBERNETES_POD", "")])).unwrap().config;
    assert_eq!(told.kubernetes.pod.as_deref(), Some("kafka-2"));
}

#[test]
fn the_zone_is_the_explicit_one_then_the_pods_then_the_nodes() {
    let zone = |text: &str, extra: &[(&str, &str)]| {
        load_bytes(text.as_bytes(), "p", &pod(extra)).unwrap().config.broker.zone
    };
    let known = |zone: &str| Zone::Known(Some(zone.to_owned()));
    let labelled = ("PILLION_KUBERNETES_ZONE", "zone-p");
    assert_eq!(zone(IN_POD, &[labelled, ("PILLION_BROKER_ZONE_VALUE", "zone-e")]), known("zone-e"));
    assert_eq!(zone(IN_POD, &[labelled]), known("zone-p"));
    assert_eq!(zone(IN_POD, &[]), Zone::OfNode { missing: None });
    let none = ("PILLION_BROKER_ZONE_WHEN_MISSING", "none");
    assert_eq!(zone(IN_POD, &[none]), Zone::OfNode { missing: Some(None) });
    let literal = [("PILLION_BROKER_ZONE_WHEN_MISSING", "literal"), ("PILLION_BROKER_ZONE_LITERAL", "x")];
    assert_eq!(zone(IN_POD, &literal), Zone::OfNode { missing: Some(Some("x".into())) });
    let unasked = IN_POD.replace("zoneFromNode: true", "zoneFromNode: false");
    assert_eq!(zone(&unasked, &literal), known("x"));
    // A rack means nothing to a controller: nobody is asked.
    let controller = IN_POD.replace("mode: kraft-broker", "mode: kraft-controller");
    let controller = controller
        .replace("  advertised:\n", "")
        .replace("    PLAINTEXT: \"", "  # \"")
        .replace("    EXTERNAL: \"", "  # \"");
    assert_eq!(zone(&controller, &[]), Zone::Known(None));
}

#[test]
fn what_the_downward_api_should_tell_is_asked_for_by_name() {
    assert_eq!(
        errors(IN_POD, &Sources::default()),
        [
            "p.yaml: kubernetes.pod: it is required by kubernetes.publishIdentity",
            "p.yaml: kubernetes.namespace: it is required by kubernetes.publishIdentity",
            "p.yaml: kubernetes.podUid: it is required by kubernetes.events",
            "p.yaml: kubernetes.node: it is required by kubernetes.zoneFromNode",
        ]
    );
    let wrong = pod(&[("PILLION_KUBERNETES_NODE", "n1/../x"), ("PILLION_KUBERNETES_POD_INFO", "podinfo")]);
    assert_eq!(
        errors(IN_POD, &wrong),
        [
            "environment PILLION_KUBERNETES_NODE: kubernetes.node: \"n1/../x\" is no name of Kubernetes",
            "environment PILLION_KUBERNETES_POD_INFO: kubernetes.podInfo: \"podinfo\" is not an absolute path below /",
        ]
    );
}

#[test]
fn a_pattern_that_comes_to_no_address_is_refused() {
    let mut sources = pod(&[]);
    sources.flag("--set", "broker.advertised.EXTERNAL", "{nod}:9094");
    sources.flag("--set", "broker.advertised.PLAINTEXT", "{pod}");
    assert_eq!(
        errors(IN_POD, &sources),
        [
            "flag --set: broker.advertised.EXTERNAL: {nod} is not known here",
            "flag --set: broker.advertised.PLAINTEXT: \"{pod}\" comes to no address",
        ]
    );
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = "clustr: {}\nbroker:\n  mode: kraft-brokr\n  idBase: x\n  ordinal: -1\n  zone: { value: a, value: b }\n\
                kafka:\n  version: 3\n  properties:\n    a.b:\nstorage:\n  logDirs: [data, /d, /d/1]\n\
                sidecar:\n  listen: 9440\n  timing:\n    sessionTimeout: 9\n    hungAfter: 5s\n  resources: {writeProbe: 9s}\n";
    assert_eq!(
        errors(text, &Sources::default()),
        [
            "p.yaml:6: value is set twice (first at p.yaml:6)",
            "p.yaml:1: clustr: there is no such setting",
            "p.yaml:3: broker.mode: \"kraft-brokr\" is no choice here",
            "p.yaml:4: broker.idBase: \"x\" is not a whole number from 0 to 2147483647",
            "p.yaml:5: broker.ordinal: \"-1\" is not a whole number from 0 to 2147483647",
            "p.yaml:10: kafka.properties.a.b: it has no value",
            "p.yaml:16: sidecar.timing.sessionTimeout: \"9\" is not a duration",
            "p.yaml:8: kafka.version: \"3\" is no version",
            "p.yaml:12: storage.logDirs: \"data\" is not an absolute path below /",
            "p.yaml:12: storage.logDirs: /d and /d/1 overlap",
            "p.yaml:14: sidecar.listen: \"9440\" is no address",
            "p.yaml:17: sidecar.timing.hungAfter: 5s is less than the larger of 1m and 2 x requestTimeout 3s: a slow \
         broker would be killed",
            "p.yaml:18: sidecar.resources.writeProbe: it is less than 10s",
        ]
    );
}

#[test]
fn flags_win_over_the_environment_and_it_over_the_file() {
    let mut sources = Sources::default();
    let zone = |sources: &Sources| {
        load_bytes(GOOD.as_bytes(), "p", sources).unwrap().config.broker.zone.known().unwrap().to_owned()
    };
    assert_eq!(zone(&sources), "zone-a");
    sources.env.push(("PILLION_BROKER_ZONE_VALUE".into(), "from-env".into()));
    assert_eq!(zone(&sources), "from-env");
    sources.flag("--zone", "broker.zone.value", "from-flag");
    assert_eq!(zone(&sources), "from-flag");
    sources.flag("--set", "kafka.properties.num.io.threads", "3");
    sources.env.push(("PILLION_STORAGE_LOG_DIRS".into(), "/a,/b".into()));
    let loaded = load_bytes(GOOD.as_bytes(), "p", &sources).unwrap();
    assert_eq!(loaded.config.kafka.properties["num.io.threads"], "3");
    assert_eq!(loaded.config.storage.log_dirs.len(), 2);
}

#[test]
fn a_mistake_from_the_environment_or_a_flag_names_it() {
    let mut sources = Sources::default();
    sources.env.push(("PILLION_BROKER_ID_BASE".into(), "one".into()));
    sources.flag("--set", "broker.ordnal", "1");
    assert_eq!(
        errors(GOOD, &sources),
        [
            "flag --set: there is no setting broker.ordnal",
            "environment PILLION_BROKER_ID_BASE: broker.idBase: \"one\" is not a whole number from 0 to 2147483647",
        ]
    );
    let mut near = Sources::default();
    near.env.push(("PILLION_CLUSTR_ID".into(), "x".into()));
    near.env.push(("PILLION_PORT_9440_TCP".into(), "x".into()));
    let notices = load_bytes(GOOD.as_bytes(), "p", &near).unwrap().notices;
    assert_eq!(notices, ["environment PILLION_CLUSTR_ID is not looked at; did you mean PILLION_CLUSTER_ID?"]);
}

#[test]
fn brokers_to_ask_are_a_list_wherever_they_come_from() {
    let mut sources = Sources::default();
    sources.flag("--set", "cluster.bootstrap", "a:9092, [fd00::1]:9093");
    let config = load_bytes(GOOD.as_bytes(), "p", &sources).unwrap().config;
    let found: Vec<_> = config.cluster.bootstrap.iter().map(|b| (b.host.as_str(), b.port)).collect();
    assert_eq!(found, [("a", 9092), ("fd00::1", 9093)]);
    let wrong = GOOD.replace("cluster:\n", "cluster:\n  bootstrap: [a, b:9092, c:0]\n");
    assert_eq!(
        errors(&wrong, &Sources::default()),
        [
            "p.yaml:4: cluster.bootstrap: \"a\" is no address",
            "p.yaml:4: cluster.bootstrap: \"c:0\" is no address"
        ]
    );
}

#[test]
fn text_stays_as_it_is_written() {
    let text = GOOD.replace("4.3.1", "3.10");
    let config = load_bytes(text.as_bytes(), "p", &Sources::default()).unwrap().config;
    assert_eq!(config.kafka.version, KafkaVersion { major: 3, minor: 10, patch: 0 });
}

#[test]
fn what_is_no_config_is_told_and_not_swallowed() {
    for (bytes, says) in [
        (&b""[..], "it holds no settings"),
        (b"# nothing\n", "it holds no settings"),
        (b"\xff\xfe\x00", "it is not UTF-8 text"),
        (b"a: [1, 2", "it is not YAML"),
        (b"a: &x 1\nb: *x\n", "anchors and aliases are not taken"),
        (b"- 1\n", "it is a list, where a mapping belongs"),
        (b"text\n", "it is a single value, where a mapping belongs"),
        (b"a: 1\n---\nb: 1\n", "a second document begins"),
        (b"[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]", "it is nested too deeply"),
    ] {
        let problems = load_bytes(bytes, "p", &Sources::default()).unwrap_err();
        assert!(problems.iter().any(|p| p.what.contains(says)), "{says}: {problems:?}");
    }
    let huge = vec![b'#'; 2 << 20];
    assert!(load_bytes(&huge, "p", &Sources::default()).unwrap_err()[0].what.contains("larger than"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_fall_over(text in "[a-z:\\-\\[\\]{}\"'#&*!|>%@ \n\t0-9]{0,200}") {
        let _ = load_bytes(text.as_bytes(), "p", &Sources::default());
    }

    #[test]
    fn no_cut_makes_it_fall_over(at in 0..GOOD.len(), bytes: Vec<u8>) {
        let mut cut = GOOD.as_bytes()[..at].to_vec();
        cut.extend(bytes);
        let _ = load_bytes(&cut, "p", &Sources::default());
    }
}

#[test]
fn the_turn_is_kept_in_one_place_and_long_enough() {
    let turn = |lines: &str| format!("{IN_POD}turn:\n{lines}");
    let load = |lines: &str, sources: &Sources| {
        load_bytes(turn(lines).as_bytes(), "p.yaml", sources).map(|loaded| loaded.config.turn)
    };
    let kept = load("  lease: kafka-turn\n", &pod(&[])).unwrap().unwrap();
    let keeper = TurnKeeper::Lease { namespace: "kafka".into(), name: "kafka-turn".into() };
    assert_eq!((kept.keeper, kept.expires.as_secs()), (keeper, 600));
    let kept = load("  file: /run/turn.json\n  expires: 90s\n", &pod(&[])).unwrap().unwrap();
    assert_eq!((kept.keeper, kept.expires.as_secs()), (TurnKeeper::File("/run/turn.json".into()), 90));
    assert_eq!(load("  expires: 5m\n", &pod(&[])).unwrap(), None);
    let refused = |lines: &str, sources: &Sources| errors(&turn(lines), sources).join("\n");
    let both = refused("  lease: a\n  file: /b\n", &pod(&[]));
    assert!(both.contains("turn.file: the turn is kept in one place"), "{both}");
    let short = refused("  lease: a\n  expires: 5s\n", &pod(&[]));
    assert!(short.contains("turn.expires: it is so short"), "{short}");
    let outside = errors(&format!("{GOOD}turn:\n  lease: a\n"), &Sources::default()).join("\n");
    assert!(
        outside.contains("kubernetes.namespace") && outside.contains("it is required by turn.lease"),
        "{outside}"
    );
}

#[test]
fn lag_is_off_until_it_is_asked_for() {
    let lag = |extra: &[(&str, &str)]| {
        let mut sources = pod(&[]);
        for (path, value) in extra {
            sources.flag("--set", path, *value);
        }
        load_bytes(GOOD.as_bytes(), "p.yaml", &sources).unwrap().config.sidecar.lag
    };
    assert_eq!(lag(&[("sidecar.lag.interval", "10s")]), None);
    let on = lag(&[("sidecar.lag.enabled", "true")]).unwrap();
    assert_eq!((on.interval.as_secs(), on.max_groups, on.max_partitions), (30, 100, 2000));
    assert!(on.lists.want("any"));
    let some = [("enabled", "true"), ("allow", "a-*,b"), ("deny", "a-x")];
    let some = some.map(|(key, value)| (format!("sidecar.lag.{key}"), value));
    let some = lag(&some.each_ref().map(|(key, value)| (key.as_str(), *value))).unwrap();
    assert_eq!(["a-1", "b", "a-x", "c"].map(|name| some.lists.want(name)), [true, true, false, false]);
    let mut sources = pod(&[]);
    sources.flag("--set", "sidecar.lag.interval", "500ms");
    sources.flag("--set", "sidecar.lag.maxGroups", "0");
    assert_eq!(
        errors(GOOD, &sources),
        [
            "flag --set: sidecar.lag.maxGroups: \"0\" is not a whole number from 1 to 10000",
            "flag --set: sidecar.lag.interval: so many questions would be a load of their own",
        ]
    );
}

#[test]
fn the_canary_is_off_until_it_is_asked_for() {
    let set = |pairs: &[(&str, &str)]| {
        let mut sources = pod(&[]);
        for (path, value) in pairs {
            sources.flag("--set", path, *value);
        }
        sources
    };
    let canary = |pairs| load_bytes(GOOD.as_bytes(), "p.yaml", &set(pairs)).unwrap().config.sidecar.canary;
    assert_eq!(canary(&[]), None);
    assert_eq!(canary(&[("sidecar.canary.enabled", "true")]).unwrap().topic, "pillion-canary");
    for bad in ["__mine", "a/b", ".."] {
        let told = errors(GOOD, &set(&[("sidecar.canary.topic", bad)]));
        assert_eq!(told, [format!("flag --set: sidecar.canary.topic: {bad:?} is no topic of its own")]);
    }
}
