//! What `deploy/` renders, held against what the verdict rests on. Needs kubectl, for its kustomize.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use pillion::config::{self, Sources, Timing};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A kustomization and the objects it renders.
struct Rendered {
    name: String,
    objects: Vec<Value>,
}

impl Rendered {
    fn of(dir: &Path, name: String) -> Self {
        let output = Command::new("kubectl").arg("kustomize").arg(dir).output();
        let output = output.unwrap_or_else(|error| {
            panic!("kubectl is missing, which renders deploy/: install it ({error})");
        });
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {complaint}");
        assert!(complaint.is_empty(), "{name}: kustomize warns: {complaint}");
        let text = String::from_utf8(output.stdout).unwrap();
        let parse =
            |text: &str| serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
        let objects = text.split("\n---\n").map(parse).collect();
        Self { name, objects }
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Its sets, each with how to call it.
    fn sets(&self) -> Vec<(String, &Value)> {
        let name = |set: &Value| format!("{}: {}", self.name, text(&set["metadata"]["name"]));
        self.of_kind("StatefulSet").map(|set| (name(set), set)).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn named<'a>(all: &'a Value, name: &str) -> &'a Value {
    list(all).iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("there is no {name} in {all}"))
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(&pod["initContainers"]).iter().chain(list(&pod["containers"]))
}

fn role(set: &Value) -> &str {
    text(&set["metadata"]["labels"]["pillion.dev/role"])
}

/// A copy of `deploy/`, so that overlays of the test's own may stand in it.
fn copy_of_deploy() -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
            if from.is_dir() {
                copy(&from, &to);
            } else {
                fs::copy(&from, &to).map(drop).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy"), dir.path());
    dir
}

/// Every directory with a kustomization that can be applied by itself.
fn complete(deploy: &Path) -> Vec<PathBuf> {
    let below = |dir: &str| fs::read_dir(deploy.join(dir)).unwrap().map(|entry| entry.unwrap().path());
    std::iter::once(deploy.join("base")).chain(below("overlays")).chain(below("examples")).collect()
}

/// The components that stand on the base alone or together: all but what the base has, and a part of others.
fn optional(deploy: &Path) -> Vec<String> {
    let all = fs::read_dir(deploy.join("components")).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there = ["pillion", "rollout-policy", "sidecar-token"];
    let mut names: Vec<_> = names.filter(|name| !there.contains(&name.as_str())).collect();
    names.sort();
    assert!(names.len() >= 7, "{names:?}");
    names
}

/// Everything that `deploy/` can be: each overlay and example as it is, and each optional component on each overlay that
/// does not have it, alone and all together on the base.
fn all() -> &'static [Rendered] {
    static ALL: LazyLock<Vec<Rendered>> = LazyLock::new(render);
    &ALL
}

fn render() -> Vec<Rendered> {
    let copy = copy_of_deploy();
    let name = |dir: &Path| dir.strip_prefix(copy.path()).unwrap().display().to_string();
    let mut all: Vec<_> = complete(copy.path()).iter().map(|dir| Rendered::of(dir, name(dir))).collect();
    let extra = copy.path().join("extra");
    fs::create_dir(&extra).unwrap();
    let mut with = |base: &str, components: &[String]| {
        let paths: Vec<_> = components.iter().map(|c| format!("../components/{c}")).collect();
        let file = json!({ "namespace": "other", "resources": [format!("../{base}")], "components": paths });
        fs::write(extra.join("kustomization.yaml"), file.to_string()).unwrap();
        all.push(Rendered::of(&extra, format!("{base} with {}", components.join(", "))));
    };
    let optional = optional(copy.path());
    for component in &optional {
        with("base", std::slice::from_ref(component));
    }
    for overlay in ["combined", "dedicated-nodes", "outside", "single-node", "two-maps"] {
        with(&format!("overlays/{overlay}"), &optional);
    }
    let others: Vec<_> = optional.into_iter().filter(|name| name != "certificates-from-secret").collect();
    with("overlays/tls", &others);
    all
}

#[test]
fn a_set_rolls_as_readiness_says() {
    for rendered in all() {
        assert!(!rendered.sets().is_empty(), "{}: no StatefulSet", rendered.name);
        for (name, set) in rendered.sets() {
            let spec = &set["spec"];
            assert_eq!(spec["podManagementPolicy"], "Parallel", "{name}");
            assert!(
                spec["minReadySeconds"].is_null(),
                "{name}: minReadySeconds deletes all young pods at once"
            );
            let strategy = &spec["updateStrategy"]["type"];
            assert!(strategy.is_null() || strategy == "RollingUpdate", "{name}: {strategy}");
        }
        for service in rendered.of_kind("Service") {
            assert_eq!(service["spec"]["publishNotReadyAddresses"], true, "{}: {service}", rendered.name);
        }
        for budget in rendered.of_kind("PodDisruptionBudget") {
            assert_eq!(budget["spec"]["maxUnavailable"], 1, "{}", rendered.name);
            assert_eq!(budget["spec"]["unhealthyPodEvictionPolicy"], "IfHealthyBudget", "{}", rendered.name);
        }
    }
}

#[test]
fn each_probe_asks_whom_it_should() {
    for rendered in all() {
        for (name, set) in rendered.sets() {
            let pod = &set["spec"]["template"]["spec"];
            let kafka = named(&pod["containers"], "kafka");
            probes(&name, pod, kafka);
            let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
            let least = if role(set) == "controller" { 30 } else { 330 } + waits(kafka);
            assert!(grace >= least, "{name}: Kafka may take 5 minutes to hand over; {grace} s");
        }
    }
}

/// The agent's probes, and those of what it speaks for.
fn probes(name: &str, pod: &Value, node: &Value) {
    let timing = Timing::default();
    let agent = named(&pod["initContainers"], "pillion");
    assert_eq!(agent["restartPolicy"], "Always", "{name}: a native sidecar");
    let ready = &agent["readinessProbe"];
    assert_eq!(ready["httpGet"], json!({ "path": "/readyz", "port": 9440 }), "{name}");
    // The numbers of the kubelet are part of the sum that the age limit comes from.
    assert_eq!(ready["periodSeconds"], timing.probe_period.as_secs(), "{name}");
    assert_eq!(ready["timeoutSeconds"], timing.probe_timeout.as_secs(), "{name}");
    assert_eq!(ready["failureThreshold"], 1, "{name}");
    // The agent's own: neither waits for the node.
    for probe in ["startupProbe", "livenessProbe"] {
        assert_eq!(agent[probe]["httpGet"], json!({ "path": "/agentz", "port": 9440 }), "{name}: {probe}");
    }
    for probe in ["startupProbe", "readinessProbe"] {
        assert!(node[probe].is_null(), "{name}: the agent speaks for the node, not its {probe}");
    }
    let live = &node["livenessProbe"];
    assert_eq!(live["exec"]["command"], json!(["/run/pillion/pillion", "probe", "live"]), "{name}");
    assert!(live["terminationGracePeriodSeconds"].as_u64().unwrap() <= 30, "{name}");
    // A machine too busy to run the probe in time must not look like a node that hangs.
    let patience = live["timeoutSeconds"].as_u64().unwrap() * live["failureThreshold"].as_u64().unwrap();
    assert!(patience >= 30, "{name}: {patience} s");
    assert_eq!(pod["shareProcessNamespace"], true, "{name}: liveness needs sight of the process");
}

/// For how many seconds the hook may wait before Kafka is told to stop.
fn waits(kafka: &Value) -> u64 {
    let command: Vec<_> = list(&kafka["lifecycle"]["preStop"]["exec"]["command"]).iter().map(text).collect();
    match command.as_slice() {
        [] => 0,
        ["/run/pillion/pillion", "drain", "--within", within] => {
            config::parse_duration(within).unwrap().as_secs()
        }
        other => panic!("{other:?}"),
    }
}

/// A turn outlasts the stop that it is for, and its Lease is there.
#[test]
fn a_turn_lasts_as_long_as_a_stop_may() {
    let mut taken = 0;
    for rendered in all() {
        let leases: Vec<_> =
            rendered.of_kind("Lease").map(|lease| text(&lease["metadata"]["name"])).collect();
        for (name, set) in rendered.sets() {
            let pod = &set["spec"]["template"]["spec"];
            let env = environment(named(&pod["initContainers"], "pillion"));
            let hooked = waits(named(&pod["containers"], "kafka")) > 0;
            assert_eq!(env.contains_key("PILLION_TURN_LEASE"), hooked, "{name}");
            let Some(lease) = env.get("PILLION_TURN_LEASE") else { continue };
            assert!(leases.contains(&lease.as_str()), "{name}: {lease} of {leases:?}");
            assert_eq!(lease.ends_with("-controllers"), role(set) == "controller", "{name}: {lease}");
            let expires = config::parse_duration(&env["PILLION_TURN_EXPIRES"]).unwrap().as_secs();
            let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
            assert!(expires >= grace, "{name}: it expires after {expires} s, and a stop may take {grace} s");
            taken += 1;
        }
    }
    assert!(taken > 5, "{taken}");
}

#[test]
fn the_containers_stand_in_their_order() {
    for rendered in all() {
        for (name, set) in rendered.sets() {
            let pod = &set["spec"]["template"]["spec"];
            let order: Vec<_> = list(&pod["initContainers"]).iter().map(|c| text(&c["name"])).collect();
            let expected: &[&str] = match role(set) {
                "broker" => &["pillion-init", "pillion"],
                _ => &["pillion-install", "pillion-init", "pillion"],
            };
            assert_eq!(order, expected, "{name}");
            let kafka = named(&pod["containers"], "kafka");
            let init = named(&pod["initContainers"], "pillion-init");
            let in_kafka = init["image"] == kafka["image"];
            assert_eq!(in_kafka, role(set) != "broker", "{name}: kafka-storage is in Kafka's image only");
            assert_eq!(init["terminationMessagePolicy"], "FallbackToLogsOnError", "{name}");
            assert_eq!(pod["enableServiceLinks"], false, "{name}");
            // Init looks after the same volumes as Kafka, and the sidecar watches them.
            let claims = list(&set["spec"]["volumeClaimTemplates"]);
            assert!(!claims.is_empty(), "{name}");
            for claim in claims.iter().map(|claim| &claim["metadata"]["name"]) {
                let at = |container: &Value| {
                    list(&container["volumeMounts"]).iter().find(|mount| mount["name"] == *claim).cloned()
                };
                assert!(at(kafka).is_some(), "{name}: {claim}");
                assert_eq!(at(init), at(kafka), "{name}");
                assert_eq!(at(named(&pod["initContainers"], "pillion")), at(kafka), "{name}");
            }
        }
    }
}

#[test]
fn every_pod_passes_the_restricted_standard() {
    for rendered in all() {
        for (name, set) in rendered.sets() {
            let pod = &set["spec"]["template"]["spec"];
            restricted(&name, pod);
        }
    }
}

fn restricted(name: &str, pod: &Value) {
    let context = &pod["securityContext"];
    assert_eq!(context["runAsNonRoot"], true, "{name}");
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{name}");
    assert_eq!((&context["runAsUser"], &context["fsGroup"]), (&json!(1000), &json!(1000)), "{name}");
    for container in containers(pod) {
        let (what, context) = (format!("{name}: {}", container["name"]), &container["securityContext"]);
        assert_eq!(context["allowPrivilegeEscalation"], false, "{what}");
        assert_eq!(context["readOnlyRootFilesystem"], true, "{what}");
        assert_eq!(context["capabilities"], json!({ "drop": ["ALL"] }), "{what}");
    }
}

/// A policy admits ports by their names: one that it does not name is closed, and no verdict shows that.
#[test]
fn policies_admit_every_port_of_a_node() {
    let mut held = 0;
    for rendered in all() {
        let admitted: Vec<_> = (rendered.of_kind("NetworkPolicy"))
            .flat_map(|policy| list(&policy["spec"]["ingress"]))
            .flat_map(|rule| list(&rule["ports"]))
            .map(|port| text(&port["port"]))
            .collect();
        if admitted.is_empty() {
            continue;
        }
        for (name, set) in rendered.sets() {
            for port in containers(&set["spec"]["template"]["spec"]).flat_map(|one| list(&one["ports"])) {
                assert!(admitted.contains(&text(&port["name"])), "{name}: {port} of {admitted:?}");
                held += 1;
            }
        }
    }
    assert!(held > 10, "{held}");
}

/// Only who needs a token has one: the sidecar for identity, events and the turn, init for the node's zone, both for a Secret.
#[test]
fn no_token_where_none_is_needed() {
    for rendered in all() {
        let grants = |role: &str| {
            rendered.objects.iter().any(|o| {
                o["kind"].as_str().is_some_and(|k| k.ends_with("Role")) && o["metadata"]["name"] == role
            })
        };
        let sidecar = grants("pillion-events") || grants("pillion-identity") || grants("pillion-turn");
        for (name, set) in rendered.sets() {
            let pod = &set["spec"]["template"]["spec"];
            assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
            let broker = role(set) != "controller";
            let secret = grants("pillion-certificates") && broker;
            for container in containers(pod) {
                let mounted = list(&container["volumeMounts"])
                    .iter()
                    .any(|mount| text(&mount["mountPath"]).contains("serviceaccount"));
                let wanted = match text(&container["name"]) {
                    "pillion" => sidecar || secret,
                    "pillion-init" => grants("pillion-zone-from-node") && broker || secret,
                    _ => false,
                };
                assert_eq!(mounted, wanted, "{name}: {}", container["name"]);
            }
        }
        for binding in
            rendered.objects.iter().filter(|o| o["kind"].as_str().is_some_and(|k| k.ends_with("RoleBinding")))
        {
            let account = rendered.of_kind("ServiceAccount").next().unwrap();
            assert_eq!(
                binding["subjects"][0]["namespace"], account["metadata"]["namespace"],
                "{}",
                rendered.name
            );
        }
    }
}

/// Every `pillion.yaml`, with the environment of the container that reads it, is a configuration without mistakes.
#[test]
fn every_configuration_is_one() {
    for rendered in all() {
        for (name, set) in rendered.sets() {
            let pod = &set["spec"]["template"]["spec"];
            let config = text(&named(&pod["volumes"], "pillion-config")["configMap"]["name"]);
            let config = rendered.of_kind("ConfigMap").find(|map| map["metadata"]["name"] == config);
            let file =
                text(&config.unwrap_or_else(|| panic!("{name}: no ConfigMap"))["data"]["pillion.yaml"]);
            // Without the pod's label, where the node is asked for it.
            let asks = rendered
                .of_kind("ClusterRole")
                .any(|role| role["metadata"]["name"] == "pillion-zone-from-node");
            for container in ["pillion-init", "pillion"] {
                let mut env = environment(named(&pod["initContainers"], container));
                if asks {
                    env.insert("PILLION_KUBERNETES_ZONE".to_owned(), String::new());
                }
                let sources = Sources { env: env.into_iter().collect(), ..Sources::default() };
                let loaded = config::load_bytes(file.as_bytes(), "pillion.yaml", &sources);
                let loaded = loaded.unwrap_or_else(|problems| panic!("{name}: {container}: {problems:?}"));
                assert_eq!(loaded.notices, Vec::<String>::new(), "{name}: {container}");
                assert_eq!(
                    loaded.config.sidecar.timing,
                    Timing::default(),
                    "{name}: the probes are made for it"
                );
            }
        }
    }
}

/// What the kubelet would set, of pillion's variables.
fn environment(container: &Value) -> BTreeMap<String, String> {
    let value = |variable: &Value| match &variable["valueFrom"]["fieldRef"]["fieldPath"] {
        Value::String(field) if field.contains("pod-index") => "0".to_owned(),
        Value::String(field) if field.contains("zone") => "zone-a".to_owned(),
        Value::String(field) => field.replace('.', "-"),
        _ if variable["valueFrom"].is_object() => "true".to_owned(),
        _ => text(&variable["value"]).to_owned(),
    };
    let all =
        list(&container["env"]).iter().map(|variable| (text(&variable["name"]).to_owned(), value(variable)));
    all.filter(|(name, _)| name.starts_with("PILLION_") && name != "PILLION_CONFIG").collect()
}

/// `docs/kubernetes.md` has them in a table.
#[test]
fn the_rights_are_the_documented_ones() {
    let expected = [
        (
            "pillion-certificates",
            json!({
                "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["kafka-tls"], "verbs": ["get", "watch"],
            }),
        ),
        (
            "pillion-events",
            json!({ "apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"] }),
        ),
        ("pillion-identity", json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["patch"] })),
        (
            "pillion-turn",
            json!([
                {
                    "apiGroups": ["coordination.k8s.io"],
                    "resources": ["leases"],
                    "resourceNames": ["kafka-turn", "kafka-turn-controllers"],
                    "verbs": ["get", "update"],
                },
                { "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get"] },
            ]),
        ),
        ("pillion-zone-from-node", json!({ "apiGroups": [""], "resources": ["nodes"], "verbs": ["get"] })),
    ];
    let of = |name: &str| all().iter().find(|rendered| rendered.name == name).unwrap();
    let (full, tls) = (of("overlays/full"), of("overlays/tls"));
    let roles = full.of_kind("Role").chain(full.of_kind("ClusterRole")).chain(tls.of_kind("Role"));
    let found: BTreeMap<_, _> = roles.map(|role| (text(&role["metadata"]["name"]), &role["rules"])).collect();
    let expected = expected.map(|(name, rule)| (name, if rule.is_array() { rule } else { json!([rule]) }));
    assert_eq!(found, expected.iter().map(|(name, rules)| (*name, rules)).collect());
    // No set comes without the policy that keeps a rollout from all brokers that are unready at once.
    for rendered in all() {
        for kind in ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] {
            let there = rendered.of_kind(kind).any(|o| o["metadata"]["name"] == "pillion-rollout");
            assert!(there, "{}: no {kind}", rendered.name);
        }
    }
    // RBAC knows no "own pod": the right to patch pods never comes without the policy that holds it to that.
    for rendered in all() {
        let has = |kind: &str| rendered.of_kind(kind).any(|o| o["metadata"]["name"] == "pillion-identity");
        assert_eq!(has("Role"), has("ValidatingAdmissionPolicy"), "{}", rendered.name);
        assert_eq!(has("Role"), has("ValidatingAdmissionPolicyBinding"), "{}", rendered.name);
    }
}

/// `deploy/zookeeper`, with what may stand on it.
fn zookeeper() -> Rendered {
    let copy = copy_of_deploy();
    let extra = copy.path().join("extra");
    fs::create_dir(&extra).unwrap();
    let components = ["alerts", "dashboards", "pod-monitor"].map(|name| format!("../components/{name}"));
    let file = json!({ "namespace": "other", "resources": ["../zookeeper"], "components": components });
    fs::write(extra.join("kustomization.yaml"), file.to_string()).unwrap();
    Rendered::of(&extra, "zookeeper".to_owned())
}

#[test]
fn a_zookeeper_server_is_probed_as_a_broker_is() {
    let rendered = zookeeper();
    let (name, set) = rendered.sets().into_iter().next().unwrap();
    assert_eq!(set["spec"]["podManagementPolicy"], "Parallel", "{name}");
    assert!(set["spec"]["minReadySeconds"].is_null(), "{name}");
    let pod = &set["spec"]["template"]["spec"];
    let server = named(&pod["containers"], "zookeeper");
    probes(&name, pod, server);
    restricted(&name, pod);
    assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
    assert_eq!(pod["enableServiceLinks"], false, "{name}");
    let order: Vec<_> = list(&pod["initContainers"]).iter().map(|c| text(&c["name"])).collect();
    assert_eq!(order, ["pillion-install", "pillion"], "{name}");
    let ours = named(&all()[0].sets()[0].1["spec"]["template"]["spec"]["initContainers"], "pillion");
    assert!(
        list(&pod["initContainers"]).iter().all(|c| c["image"] == ours["image"]),
        "{name}: {}",
        ours["image"]
    );
    let budget = &rendered.of_kind("PodDisruptionBudget").next().unwrap()["spec"];
    assert_eq!(
        (&budget["maxUnavailable"], &budget["unhealthyPodEvictionPolicy"]),
        (&json!(1), &json!("IfHealthyBudget"))
    );
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&budget["selector"]["matchLabels"], labels);
    let monitored =
        &rendered.of_kind("PodMonitor").next().unwrap()["spec"]["selector"]["matchExpressions"][0];
    assert!(
        list(&monitored["values"]).contains(&labels[text(&monitored["key"])]),
        "{monitored} and {labels}"
    );
}

/// Servers find each other before any of them is ready, by names and ids that are those of their pods.
#[test]
fn zookeeper_servers_find_each_other() {
    let rendered = zookeeper();
    let (name, set) = rendered.sets().into_iter().next().unwrap();
    let service = |name: &str| {
        let mut all = rendered.of_kind("Service").filter(|service| service["metadata"]["name"] == name);
        all.next().unwrap_or_else(|| panic!("no Service {name}"))["spec"].clone()
    };
    let servers = service(text(&set["spec"]["serviceName"]));
    assert_eq!((&servers["publishNotReadyAddresses"], &servers["clusterIP"]), (&json!(true), &json!("None")));
    assert!(service("zookeeper")["publishNotReadyAddresses"].is_null(), "clients are for those that serve");

    let config = text(&rendered.of_kind("ConfigMap").find(|map| !map["data"]["zoo.cfg"].is_null()).unwrap()["data"]["zoo.cfg"])
        .to_owned();
    let lines: BTreeMap<_, _> = config.lines().filter_map(|line| line.split_once('=')).collect();
    let listed: Vec<_> =
        lines.iter().filter(|(key, _)| key.starts_with("server.")).map(|(k, v)| format!("{k}={v}")).collect();
    let member = |at: u64| {
        let (set, service) = (text(&set["metadata"]["name"]), text(&set["spec"]["serviceName"]));
        format!("server.1{at}={set}-{at}.{service}:2888:3888")
    };
    let wanted: Vec<_> = (0..set["spec"]["replicas"].as_u64().unwrap()).map(member).collect();
    assert_eq!(listed, wanted, "{name}");
    let pod = &set["spec"]["template"]["spec"];
    let server = named(&pod["containers"], "zookeeper");
    assert_eq!(named(&server["env"], "ZOO_MY_ID")["value"], "1$(ORDINAL)", "{name}");
    let ports: Vec<_> = list(&server["ports"]).iter().map(|port| port["containerPort"].to_string()).collect();
    assert_eq!(ports, [lines["clientPort"], "2888", "3888"], "{name}");
    assert_eq!(lines["4lw.commands.whitelist"], "srvr, mntr", "what the agent asks");
}

/// The agent takes its arguments, and knows the server by them. Its port is taken, so it ends at once.
#[test]
fn the_agent_beside_zookeeper_understands_its_arguments() {
    let rendered = zookeeper();
    let (_, set) = rendered.sets().into_iter().next().unwrap();
    let agent = named(&set["spec"]["template"]["spec"]["initContainers"], "pillion");
    let arguments: Vec<_> =
        list(&agent["args"]).iter().map(|arg| text(arg).replace("$(ORDINAL)", "2")).collect();
    assert!(arguments.contains(&"--id=12".to_owned()), "{arguments:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let ended = Command::new(env!("CARGO_BIN_EXE_pillion"))
        .args(arguments)
        .args(["--listen", &listen])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
}
