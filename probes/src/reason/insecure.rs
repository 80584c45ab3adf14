//! Why the agent and the node do not take each other for who they are, and what to do about it.

use super::words::Words;
use crate::observe::Insecurity;

pub(super) fn insecure(fault: Insecurity, why: &str) -> Words {
    let (code, what, remedy) = match fault {
        Insecurity::Authentication => (
            "authentication-failed",
            "the node refuses the agent's credentials",
            "put the right user name and password, or a valid token, into the files of `broker.client.sasl`; they are \
             read again by themselves",
        ),
        Insecurity::Untrusted => (
            "certificate-untrusted",
            "the agent does not trust the node's certificate",
            "put the CA that issued it into the file of `broker.client.authority` (beside ZooKeeper: --tls-authority), or \
             find out who answers there",
        ),
        Insecurity::WrongName => (
            "certificate-wrong-name",
            "the node's certificate is for other names than the agent asks by",
            "issue it with that name, or set `broker.client.serverName` (--tls-server-name) to one that it has",
        ),
        Insecurity::PeerExpired => (
            "certificate-not-valid",
            "the node serves a certificate that is not valid now",
            "renew it, or set the clock right; clients are refused, too",
        ),
        Insecurity::OwnExpired => (
            "client-certificate-expired",
            "the agent's own certificate has expired",
            "renew the file of `broker.client.certificate` (--tls-certificate) and its key; it is read again by itself",
        ),
        Insecurity::OwnRefused => (
            "client-certificate-refused",
            "the node refuses the agent's certificate, or misses one",
            "set `broker.client.certificate` and `key` (--tls-certificate, --tls-key) to one that the listener's truststore \
             covers",
        ),
        Insecurity::Tls => (
            "tls-failed",
            "the agent and the node find no way to speak TLS",
            "check the listener's protocol, and its `ssl.enabled.protocols` and `ssl.cipher.suites`: TLS 1.2 or 1.3",
        ),
        Insecurity::Credentials => (
            "credentials-unusable",
            "the agent's own credentials cannot be used, so the node is not asked",
            "mend the file; it is read again by itself",
        ),
    };
    Words { code, text: format!("{what}: {why}"), remedy }
}
