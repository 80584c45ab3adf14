//! Why Vault gave no certificate: which step, why, and what to do.

use super::{SourceFault, Vault};
use crate::{files::ReadError, https};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Login,
    Issue,
}

/// A step that failed.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) step: Step,
    pub(super) why: Why,
}

/// Why it failed.
#[derive(Debug)]
pub(super) enum Why {
    /// The token or the CA cannot be read.
    File(ReadError),
    /// The file of the CA holds no certificate.
    NoAuthority,
    /// A mount, role or namespace that no request can name.
    BadPath,
    NoAnswer(https::Fault),
    /// It answered with an error.
    Refused {
        code: u16,
        said: String,
    },
    /// Its answer is not what Vault's would be.
    Nonsense,
}

impl Fault {
    /// Whether the same may succeed a little later without anybody's doing.
    pub(super) fn heals(&self) -> bool {
        match &self.why {
            Why::NoAnswer(https::Fault::Unreachable(_) | https::Fault::Silent) => true,
            // 307: a standby that cannot forward, as while another takes over.
            Why::Refused { code, .. } => matches!(code, 307 | 429 | 500..=599),
            _ => false,
        }
    }

    /// In words, for who set it up so.
    pub(super) fn told(&self, vault: &Vault) -> SourceFault {
        let address = format!("https://{}", vault.server.authority());
        let why = match &self.why {
            Why::File(error) => error.to_string(),
            Why::NoAuthority => format!("{} holds no certificate", vault.authority.display()),
            Why::BadPath => "its mount, role or namespace holds what no request can".to_owned(),
            Why::NoAnswer(https::Fault::Unreachable(why)) => format!("{address} cannot be reached: {why}"),
            Why::NoAnswer(https::Fault::Silent) => format!("{address} does not answer"),
            Why::NoAnswer(https::Fault::Untrusted(why)) => {
                format!("the certificate of {address} is not trusted: {why}")
            }
            Why::NoAnswer(https::Fault::Nonsense(why)) => {
                format!("what answers at {address} is no Vault: {why}")
            }
            Why::NoAnswer(https::Fault::TooLarge(_)) | Why::Nonsense => {
                format!("what answers at {address} is no Vault")
            }
            Why::Refused { code, said } => format!("Vault answers {code}: {said}"),
        };
        let Vault { auth_mount, auth_role, mount, role, .. } = vault;
        let step = match self.step {
            Step::Login => format!("the login to Vault (auth/{auth_mount}/login, role {auth_role}) fails"),
            Step::Issue => format!("Vault issues no certificate ({mount}/issue/{role})"),
        };
        SourceFault { text: format!("{step}: {why}"), remedy: self.remedy(vault), heals: self.heals() }
    }

    fn remedy(&self, vault: &Vault) -> String {
        match &self.why {
            Why::File(error) => error.remedy(),
            Why::NoAuthority | Why::NoAnswer(https::Fault::Untrusted(_)) => {
                format!("{} must hold the CA of Vault's own certificate, in PEM", vault.authority.display())
            }
            Why::BadPath => "correct auth.mount, mount, role and namespace".to_owned(),
            Why::NoAnswer(https::Fault::Unreachable(_) | https::Fault::Silent) => {
                "see that Vault is up, and that no NetworkPolicy keeps this pod from it".to_owned()
            }
            Why::NoAnswer(_) | Why::Nonsense => "correct the address; a proxy may stand there".to_owned(),
            Why::Refused { code, said } => refusal(vault, self.step, *code, said),
        }
    }
}

fn refusal(vault: &Vault, step: Step, code: u16, said: &str) -> String {
    let Vault { auth_mount, auth_role, mount, role, .. } = vault;
    let about = |word: &str| said.to_lowercase().contains(word);
    match (step, code) {
        (_, 503) if about("sealed") => "unseal Vault".to_owned(),
        (_, 307) => "wait until Vault has an active node, or give the address that leads to it".to_owned(),
        (_, 429 | 500..=599) => "see Vault's own log".to_owned(),
        (_, 404) if about("namespace") => "correct namespace, or create it".to_owned(),
        (Step::Login, 404) => format!("enable the Kubernetes auth at {auth_mount}, or correct auth.mount"),
        (Step::Login, 400) if about("invalid role name") => format!(
            "write auth/{auth_mount}/role/{auth_role}, bound to the service account and the namespace of this pod, or \
             correct auth.role"
        ),
        (Step::Login, _) => format!(
            "see that the Kubernetes auth is enabled at {auth_mount}, that its role {auth_role} is bound to the service \
             account and the namespace of this pod (and to the audience of the token, where it has one), and that Vault \
             may review tokens (ClusterRole system:auth-delegator)"
        ),
        (Step::Issue, 404) => format!("enable the PKI engine at {mount}, or correct mount"),
        (Step::Issue, 403) => format!(
            "give the role auth/{auth_mount}/role/{auth_role} a policy with capabilities [\"update\"] on \
             {mount}/issue/{role}"
        ),
        (Step::Issue, _) if about("unknown role") => format!("write {mount}/roles/{role}, or correct role"),
        (Step::Issue, _) if about("not allowed") => format!(
            "let {mount}/roles/{role} issue it (allowed_domains with allow_subdomains or allow_bare_domains, \
             allow_ip_sans), or advertise other names"
        ),
        (Step::Issue, _) => format!("see what it says; {mount}/roles/{role} says what may be issued"),
    }
}
