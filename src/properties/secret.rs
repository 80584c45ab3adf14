//! Which values are never shown.

/// Ends of the names of settings whose value is a secret, or holds one (`ConfigDef.Type.PASSWORD`, and what plugins name
/// alike), behind any prefix of a listener.
const ENDS: [&str; 16] = [
    "password",
    "passphrase",
    "pwd",
    "master.key",
    "apikey",
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

/// Whether the value of this setting is a secret, or may hold one. A reference to one, `${provider:...}`, is none.
pub fn is_secret(key: &str, value: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    let reference = value.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let named = ENDS.iter().any(|end| key.ends_with(end))
        || key.contains("password.")
        || key.contains("credential")
        || is_mistyped(&key)
        // A line of JAAS that lost the one before it.
        || key.starts_with("user_");
    (named || holds_one(value)) && reference.is_none_or(|inside| inside.contains(['{', '}']))
}

/// A name that ends nearly as that of a password.
fn is_mistyped(key: &str) -> bool {
    let last = key.rsplit(['.', '_', '-']).next().unwrap_or_default();
    strsim::osa_distance(last, "password") <= 2
}

/// A value with a password in it: options of JAAS, another setting that slipped in, an address with a user.
fn holds_one(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let assigned = ["password", "passwd", "secret"].iter().any(|word| {
        value.match_indices(word).any(|(at, word)| {
            value.get(at + word.len()..).is_some_and(|rest| rest.trim_start().starts_with(['=', ':']))
        })
    });
    let user = value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', ',', ' ']).next().unwrap_or_default();
        authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    });
    assigned || user
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
            "delegation.token.master.key",
            "ssl.keystore.pasword",
            "my.passphrase",
            "user_alice",
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

    #[test]
    fn by_what_stands_in_the_value() {
        for value in [
            "ssl.keystore.password=hunter",
            "x required username=\"u\" password=\"hunter\";",
            "https://u:hunter@host/path",
        ] {
            assert!(is_secret("some.key", value), "{value}");
        }
        for value in ["SASL_SSL://host:9092", "https://host/a@b:c", "org.example.PasswordCallback", "a,b"] {
            assert!(!is_secret("some.key", value), "{value}");
        }
    }
}
