//! Which values are never shown.

/// Ends of the names of settings whose value is a secret, or holds one (`ConfigDef.Type.PASSWORD`, and what plugins name
/// alike), behind any prefix of a listener.
const ENDS: [&str; 12] = [
    "password",
    "passwd",
    "secret",
    "secret.key",
    "jaas.config",
    "keystore.key",
    "certificate.chain",
    "truststore.certificates",
    "private.key",
    "api.key",
    "access.key",
    ".token",
];

/// Whether the value of this setting is a secret. A reference to one, `${provider:...}`, is none.
pub fn is_secret(key: &str, value: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    let reference = value.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let named =
        ENDS.iter().any(|end| key.ends_with(end)) || key.contains("password.") || key.contains("credential");
    named && reference.is_none_or(|inside| inside.contains(['{', '}']))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn by_name_and_not_where_a_provider_is_asked() {
        for key in [
            "ssl.key.password",
            "listener.name.outside.ssl.keystore.key",
            "listener.name.x.plain.sasl.jaas.config",
            "password.encoder.secret",
            "delegation.token.secret.key",
            "sasl.oauthbearer.client.credentials.client.secret",
            "confluent.metrics.reporter.SASL.JAAS.CONFIG",
        ] {
            assert!(is_secret(key, "x"), "{key}");
            assert!(!is_secret(key, "${file:/etc/kafka/secrets:key}"), "{key}");
            assert!(is_secret(key, "${a:b} and a word ${c:d}"), "{key}");
        }
        for key in ["num.io.threads", "delegation.token.max.lifetime.ms", "ssl.keystore.location", "log.dirs"]
        {
            assert!(!is_secret(key, "x"), "{key}");
        }
    }
}
