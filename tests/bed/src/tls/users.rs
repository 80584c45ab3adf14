//! Who may come by SASL.

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::pbkdf2;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use kafka_protocol::messages::AlterUserScramCredentialsRequest;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::protocol::StrBytes;

use crate::cluster::Cluster;

const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("not zero");
const SALT: &[u8] = b"salt of the bed";

/// How a client proves who it is. PLAIN knows the user `plain` with the password `plain-secret`; OAUTHBEARER takes any
/// [`token`], for nobody signs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// A password, as it is.
    Plain,
    /// RFC 7677.
    Scram256,
    /// The same with SHA-512.
    Scram512,
    /// A token.
    OauthBearer,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Scram256, Self::Scram512, Self::OauthBearer];

    /// As Kafka writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram256 => "SCRAM-SHA-256",
            Self::Scram512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The broker's side of it.
    pub(super) fn jaas(self) -> &'static str {
        match self {
            Self::Plain => {
                "org.apache.kafka.common.security.plain.PlainLoginModule required user_plain=\"plain-secret\";"
            }
            Self::Scram256 | Self::Scram512 => {
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            }
            Self::OauthBearer => {
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
                 unsecuredLoginStringClaim_sub=\"broker\";"
            }
        }
    }
}

/// An unsecured token (RFC 7515, appendix A.5) of this user, valid for so many seconds from now on.
pub fn token(user: &str, seconds: u64) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = format!(r#"{{"sub":"{user}","iat":{now},"exp":{}}}"#, now + seconds);
    Ok(format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims)))
}

impl Cluster {
    /// Makes a user of SCRAM, or gives it another password.
    pub async fn set_scram_user(&self, user: &str, password: &str, mechanism: Mechanism) -> Result<()> {
        let (kind, algorithm, size) = match mechanism {
            Mechanism::Scram256 => (1, pbkdf2::PBKDF2_HMAC_SHA256, 32),
            _ => (2, pbkdf2::PBKDF2_HMAC_SHA512, 64),
        };
        let mut salted = vec![0; size];
        pbkdf2::derive(algorithm, ITERATIONS, SALT, password.as_bytes(), &mut salted);
        let upsertion = ScramCredentialUpsertion::default()
            .with_name(StrBytes::from_string(user.to_owned()))
            .with_mechanism(kind)
            .with_iterations(ITERATIONS.get().cast_signed())
            .with_salt(Bytes::from_static(SALT))
            .with_salted_password(salted.into());
        let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
        let answer = self.any().await?.call(&request).await?;
        let code = answer.results.first().context("no result")?.error_code;
        ensure!(code == 0, "SCRAM credentials of {user}: error {code}");
        Ok(())
    }
}
