//! What is told of the pod, where the zone comes from, and what is advertised.

use std::collections::BTreeMap;

use super::{
    super::{
        file::{self, Mode, WhenMissing},
        model::{Kubernetes, Zone},
        pattern::Pattern,
    },
    Check, host_port,
};

impl Check<'_> {
    pub(super) fn kubernetes(&mut self, file: file::Kubernetes) -> Option<Kubernetes> {
        let before = self.problems.len();
        let on = |flag: Option<bool>| flag.unwrap_or(false);
        let (publish_identity, events) = (on(file.publish_identity), on(file.events));
        let pod = self.name("kubernetes.pod", file.pod);
        let namespace = self.name("kubernetes.namespace", file.namespace);
        let pod_uid = self.name("kubernetes.podUid", file.pod_uid);
        let node = self.name("kubernetes.node", file.node);
        let needed = [
            ("kubernetes.pod", pod.is_some(), "metadata.name", publish_identity || events),
            ("kubernetes.namespace", namespace.is_some(), "metadata.namespace", publish_identity || events),
            ("kubernetes.podUid", pod_uid.is_some(), "metadata.uid", events),
            ("kubernetes.node", node.is_some(), "spec.nodeName", on(file.zone_from_node)),
        ];
        let asked_for = |path: &str| match path {
            "kubernetes.node" => "kubernetes.zoneFromNode",
            _ if publish_identity && path != "kubernetes.podUid" => "kubernetes.publishIdentity",
            _ => "kubernetes.events",
        };
        for (path, told, field, needed) in needed {
            let written = self.gathered.places.is_written(path) || self.gathered.is_spoilt(path);
            if needed && !told && !written {
                let what = format!("it is required by {}", asked_for(path));
                let remedy =
                    format!("set {} by the downward API (fieldRef {field})", super::super::variable(path));
                self.wrong::<()>(path, what, remedy);
            }
        }
        let pod_info = self.absolute("kubernetes.podInfo", file.pod_info);
        (self.problems.len() == before).then_some(Kubernetes {
            pod,
            namespace,
            pod_uid,
            node,
            pod_info,
            publish_identity,
            events,
        })
    }

    /// It becomes part of a request and of a command for the shell.
    pub(super) fn name(&mut self, path: &str, name: Option<String>) -> Option<String> {
        let name = name?;
        let inner = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        if (1..=253).contains(&name.len())
            && name.chars().all(inner)
            && name.starts_with(|c| c != '-' && c != '.')
        {
            return Some(name);
        }
        self.wrong(path, format!("{name:?} is no name of Kubernetes"), "set it by the downward API")
    }

    /// Where the zone comes from, the policy for a missing one applied; `Err` where a mistake was added.
    pub(super) fn zone(
        &mut self,
        file: &file::Zone,
        of_pod: &file::Kubernetes,
        mode: Option<Mode>,
    ) -> Result<Zone, ()> {
        let given = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let (value, labelled, literal) = (given(&file.value), given(&of_pod.zone), given(&file.literal));
        let policy = file.when_missing.unwrap_or(WhenMissing::Fail);
        if policy == WhenMissing::Literal && literal.is_none() {
            let remedy = "set the zone that a broker without one is given";
            return self.refuse("broker.zone.literal", "whenMissing is literal and there is none", remedy);
        }
        for (path, text) in
            [("broker.zone.value", &value), ("kubernetes.zone", &labelled), ("broker.zone.literal", &literal)]
        {
            if text.as_ref().is_some_and(|t| t.len() > 255 || t.chars().any(char::is_control)) {
                return self.refuse(
                    path,
                    "it is no name of a zone",
                    "a short name without control characters",
                );
            }
        }
        let missing = match policy {
            WhenMissing::Literal => Some(literal),
            WhenMissing::None => Some(None),
            // A rack means nothing to a controller.
            WhenMissing::Fail => (mode == Some(Mode::KraftController)).then_some(None),
        };
        if let Some(zone) = value.or(labelled) {
            return Ok(Zone::Known(Some(zone)));
        }
        if of_pod.zone_from_node == Some(true) && mode != Some(Mode::KraftController) {
            return Ok(Zone::OfNode { missing });
        }
        match missing {
            Some(zone) => Ok(Zone::Known(zone)),
            None if self.gathered.is_spoilt("broker.zone.value") => Err(()),
            None => {
                let variable = super::super::variable;
                let pod = if of_pod.pod.is_some() {
                    format!(
                        "label the node with topology.kubernetes.io/zone, which its pods inherit from Kubernetes 1.35 on \
                         ({}); before, set kubernetes.zoneFromNode; or ",
                        variable("kubernetes.zone")
                    )
                } else {
                    String::new()
                };
                let remedy = format!(
                    "{pod}give --zone or {}; or set broker.zone.whenMissing to none or literal",
                    variable("broker.zone.value")
                );
                self.refuse("broker.zone.value", "the zone of this broker is not known", remedy)
            }
        }
    }

    /// The patterns by the names of the listeners; `None` where a mistake was added.
    pub(super) fn advertised(
        &mut self,
        file: &BTreeMap<String, String>,
        mode: Option<Mode>,
    ) -> Option<BTreeMap<String, Pattern>> {
        if mode == Some(Mode::KraftController) && !file.is_empty() {
            let remedy = "take it out; the controllers are known by controller.quorum.*";
            return self.wrong("broker.advertised", "a controller advertises nothing to clients", remedy);
        }
        let before = self.problems.len();
        let mut all = BTreeMap::new();
        for (name, text) in file {
            let path = format!("broker.advertised.{name}");
            let pattern = match Pattern::parse(text) {
                Ok(pattern) => pattern,
                Err((what, remedy)) => {
                    self.wrong::<()>(&path, what, remedy);
                    continue;
                }
            };
            // Any values will do for its form.
            let filled = pattern.fill(0, |_| Some("1".into())).unwrap_or_default();
            if host_port(&filled).is_none() || text.contains([',', ' ']) {
                let what = format!("{text:?} comes to no address");
                self.wrong::<()>(
                    &path,
                    what,
                    "write it as host:port, as in {pod}.kafka.{namespace}.svc:9092",
                );
            }
            all.insert(name.to_uppercase(), pattern);
        }
        (self.problems.len() == before).then_some(all)
    }
}
