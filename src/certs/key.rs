//! The private key: from what people have to PKCS#8, which is all that Kafka takes.

use std::sync::Arc;

use pkcs8::{
    AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef,
    der::{Decode, Encode, asn1::AnyRef, asn1::OctetStringRef},
};
use sec1::EcPrivateKey;
use tokio_rustls::rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::SigningKey,
};

use super::{
    Bundle, Fault, Secret, pbes1, pbes2,
    pbes2::Locked,
    pem::{self, blocks},
};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ED448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.113");

/// A private key that Kafka takes.
pub(super) struct Key {
    /// PKCS#8 in DER, not encrypted.
    pub pkcs8: Secret,
    /// Its public half: a `SubjectPublicKeyInfo` in DER.
    pub public: Vec<u8>,
}

/// Finds the key among the blocks, decrypts and converts it.
pub(super) fn read(bundle: &Bundle) -> Result<Key, Fault> {
    let what = format!("the key of {}", bundle.origin);
    let found = blocks(bundle.key.expose(), pem::KEY, &what, pem::key_of)?;
    let is_key = |block: &&::pem::Pem| block.tag().ends_with("PRIVATE KEY");
    let mut keys = found.iter().filter(is_key);
    let Some(block) = keys.next() else {
        let tags: Vec<_> = found.iter().map(::pem::Pem::tag).collect();
        let text = format!("{what} holds no private key, but: {}", tags.join(", "));
        return Err(Fault::new("key-format", text, "put the private key of the certificate there"));
    };
    if keys.next().is_some() {
        let text = format!("{what} holds more than one private key");
        return Err(Fault::new("key-format", text, "leave the one that belongs to the certificate"));
    }
    let pkcs8 = pkcs8(block, bundle, &what)?;
    let public = public(&pkcs8, &what)?;
    Ok(Key { pkcs8, public })
}

fn pkcs8(block: &::pem::Pem, bundle: &Bundle, what: &str) -> Result<Secret, Fault> {
    if block.headers().get("Proc-Type").is_some() {
        let text = format!("{what} is encrypted in the old form of openssl (Proc-Type: 4,ENCRYPTED)");
        let remedy = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.key -out tls.key, with the same password";
        return Err(Fault::new("key-format", text, remedy));
    }
    let der = block.contents();
    match block.tag() {
        "PRIVATE KEY" => Ok(Secret::new(der.to_vec())),
        "RSA PRIVATE KEY" => {
            let rsa = AlgorithmIdentifierRef { oid: RSA, parameters: Some(AnyRef::NULL) };
            wrap(rsa, der).ok_or_else(|| damaged(what))
        }
        "EC PRIVATE KEY" => sec1(der, what),
        "ENCRYPTED PRIVATE KEY" => {
            let Some(password) = &bundle.password else {
                let text = format!("{what} is encrypted, and there is no password");
                let remedy = "name a file with the password (passwordFile, or passwordKey of the Secret), or decrypt \
                              the key: openssl pkey -in tls.key -out plain.key";
                return Err(Fault::new("key-encrypted", text, remedy));
            };
            decrypt(der, password, what)
        }
        other => {
            let text = format!("{what} is in the form {other}, which is not taken");
            Err(Fault::new("key-format", text, "openssl pkcs8 -topk8 -nocrypt -in OLD.key -out tls.key"))
        }
    }
}

fn decrypt(der: &[u8], password: &Secret, what: &str) -> Result<Secret, Fault> {
    let plain = match pbes2::decrypt(der, password) {
        Err(Locked::OtherScheme) => pbes1::decrypt(der, password),
        outcome => outcome,
    };
    match plain {
        // A wrong password shows in the padding, or in what comes out.
        Ok(plain) if PrivateKeyInfoRef::from_der(plain.expose()).is_ok() => Ok(plain),
        Ok(_) | Err(Locked::OtherPassword) => {
            let text = format!("the password does not open {what}");
            let remedy = "correct the password; a line break at its end does not count";
            Err(Fault::new("key-password", text, remedy))
        }
        Err(Locked::OtherScheme) => {
            let text = format!(
                "{what} is encrypted in a way that is not taken (PBKDF2 with AES-CBC is, and PBE-SHA1-3DES)"
            );
            let remedy =
                "openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.key -out tls.key, with the same password";
            Err(Fault::new("key-encryption", text, remedy))
        }
    }
}

fn sec1(der: &[u8], what: &str) -> Result<Secret, Fault> {
    let key = EcPrivateKey::from_der(der).map_err(|_| damaged(what))?;
    let Some(curve) = key.parameters.and_then(sec1::EcParameters::named_curve) else {
        let text = format!("{what} does not name its curve");
        return Err(Fault::new(
            "key-format",
            text,
            "openssl pkey -in OLD.key -ec_param_enc named_curve -out tls.key",
        ));
    };
    // The curve is told by the algorithm, and would stand there twice.
    let bare = EcPrivateKey { parameters: None, ..key };
    let inner = bare.to_der().map(Secret::new).map_err(|_| damaged(what))?;
    let ec = AlgorithmIdentifierRef { oid: EC, parameters: Some(AnyRef::from(&curve)) };
    wrap(ec, inner.expose()).ok_or_else(|| damaged(what))
}

fn wrap(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Option<Secret> {
    let key = OctetStringRef::new(key).ok()?;
    PrivateKeyInfoRef::new(algorithm, key).to_der().ok().map(Secret::new)
}

/// The public half, and with it whether this key can be used at all.
fn public(pkcs8: &Secret, what: &str) -> Result<Vec<u8>, Fault> {
    let info = PrivateKeyInfoRef::from_der(pkcs8.expose()).map_err(|_| damaged(what))?;
    let oid = info.algorithm.oid;
    if oid == ED25519 || oid == ED448 {
        let text =
            format!("{what} is an Edwards key (Ed25519), and Kafka reads RSA and EC keys only from PEM");
        return Err(Fault::new("key-type", text, REISSUE));
    }
    if oid == DSA {
        let text = format!("{what} is a DSA key, which TLS 1.3 does not know");
        return Err(Fault::new("key-type", text, REISSUE));
    }
    if oid != RSA && oid != EC {
        let text = format!("{what} is of the kind {oid}, and Kafka reads RSA and EC keys only from PEM");
        return Err(Fault::new("key-type", text, REISSUE));
    }
    signing(pkcs8).and_then(|key| Some(key.public_key()?.to_vec())).ok_or_else(|| {
        if oid == EC {
            let text = format!("{what} is damaged, or of another curve than P-256, P-384 and P-521");
            Fault::new("key-type", text, REISSUE)
        } else {
            let text = format!("{what} is damaged, or an RSA key outside of 2048 to 8192 bits");
            Fault::new("key-type", text, REISSUE)
        }
    })
}

const REISSUE: &str = "have it issued with an RSA key (2048 bits or more) or an EC key (P-256); in cert-manager \
                       spec.privateKey.algorithm, in Vault key_type of the role";

fn signing(pkcs8: &Secret) -> Option<Arc<dyn SigningKey>> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.expose()));
    any_supported_type(&der).ok()
}

fn damaged(what: &str) -> Fault {
    Fault::new("key-damaged", format!("{what} is damaged"), "write the file anew and whole")
}
