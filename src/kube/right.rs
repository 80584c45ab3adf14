//! What has to be granted for a request, and what to do when it fails.

use super::Fault;

/// A right that one feature needs.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// The setting that asks for it.
    pub setting: &'static str,
    /// The component in deploy/ that grants it.
    pub component: &'static str,
    /// As a rule of RBAC.
    pub rule: &'static str,
    /// What it means that the object is not there, and what to do.
    pub gone: &'static str,
}

/// Reading a node.
pub const NODES: Right = Right {
    setting: "kubernetes.zoneFromNode",
    component: "deploy/components/zone-from-node",
    rule: "a ClusterRole with apiGroups: [\"\"], resources: [nodes], verbs: [get]",
    gone: "the node was removed, or PILLION_KUBERNETES_NODE (spec.nodeName) is wrong: delete the pod, so that it is \
           scheduled anew",
};

/// Writing on the own pod.
pub const PODS: Right = Right {
    setting: "kubernetes.publishIdentity",
    component: "deploy/components/identity",
    rule: "a Role with apiGroups: [\"\"], resources: [pods], verbs: [patch]",
    gone: "the pod is being replaced, or PILLION_KUBERNETES_POD and _NAMESPACE are wrong",
};

/// Telling Events.
pub const EVENTS: Right = Right {
    setting: "kubernetes.events",
    component: "deploy/components/events",
    rule: "a Role with apiGroups: [events.k8s.io], resources: [events], verbs: [create]",
    gone: "the namespace is being removed, or PILLION_KUBERNETES_NAMESPACE is wrong",
};

/// Reading a Secret, and following it.
pub const SECRETS: Right = Right {
    setting: "certificates.listeners",
    component: "deploy/components/certificates-from-secret",
    rule: "a Role with apiGroups: [\"\"], resources: [secrets], resourceNames: [the Secret's name], verbs: [get, watch]",
    gone: "create the Secret in the namespace of this pod, see that what makes it (cert-manager) could, or correct \
           its name in certificates.listeners",
};

/// Taking turns by a Lease.
pub const LEASES: Right = Right {
    setting: "turn.lease",
    component: "deploy/components/turn",
    rule: "a Role with apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [the Lease's name], verbs: \
           [get, update]",
    gone: "create the Lease in the namespace of this pod, empty, as deploy/components/turn does, or correct its name in \
           turn.lease",
};

impl Right {
    /// What to do about `fault`.
    pub fn remedy(&self, fault: &Fault) -> String {
        let Self { setting, component, rule, gone } = self;
        match fault {
            Fault::NotInPod => format!("run it in a pod, or take {setting} out"),
            Fault::Credentials { .. } => {
                format!("mount a token in this container, as {component} does, or take {setting} out")
            }
            Fault::Refused { code: 401, .. } => {
                "the token is none of this cluster or has run out: mount one that the kubelet renews (a projected \
                 serviceAccountToken)"
                    .to_owned()
            }
            Fault::Refused { code: 403, .. } => {
                format!("add {component}, or bind {rule} to the service account of this pod")
            }
            Fault::Refused { code: 404, .. } => (*gone).to_owned(),
            Fault::Untrusted(_) => {
                "mount the CA of this cluster (ConfigMap kube-root-ca.crt) as ca.crt beside the token".to_owned()
            }
            Fault::TooLarge(_) => "see what makes it so large; pillion reads objects of 1 MiB at the most".to_owned(),
            Fault::Malformed(_) => "write it anew: kubectl and cert-manager encode it".to_owned(),
            Fault::Nonsense(_) => {
                "see what answers at KUBERNETES_SERVICE_HOST and _PORT: a proxy may stand there".to_owned()
            }
            _ if fault.heals() => {
                "see that the API server is up, and that no NetworkPolicy keeps this pod from it".to_owned()
            }
            _ => "see what it says; an admission policy may stand behind it".to_owned(),
        }
    }
}
