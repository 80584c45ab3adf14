//! Encrypted keys (PKCS#8 with PBES2, RFC 8018), by the one crypto provider there is.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{
        AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2,
};
use pkcs8::pkcs5::{
    EncryptionScheme,
    pbes2::{EncryptionScheme as Cipher, Kdf, Parameters, Pbkdf2Prf},
};
use pkcs8::{EncryptedPrivateKeyInfoRef, der::Decode};

use super::Secret;

/// The most iterations that are waited for: seconds.
const MOST: u32 = 10_000_000;

/// Why a key cannot be decrypted.
#[derive(Debug)]
pub(super) enum Locked {
    /// It is encrypted in a way that is not taken.
    OtherScheme,
    /// It is encrypted with another password.
    OtherPassword,
}

/// Decrypts a key.
pub(super) fn decrypt(der: &[u8], password: &Secret) -> Result<Secret, Locked> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| Locked::OtherScheme)?;
    let EncryptionScheme::Pbes2(parameters) = info.encryption_algorithm else {
        return Err(Locked::OtherScheme);
    };
    open(&parameters, password.expose(), info.encrypted_data.as_bytes())
}

fn open(parameters: &Parameters, password: &[u8], sealed: &[u8]) -> Result<Secret, Locked> {
    let (key, iv) = key(parameters, password).ok_or(Locked::OtherScheme)?;
    let mut bytes = sealed.to_vec();
    let plain = key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from(iv)));
    // A wrong password shows in the padding.
    plain.map(|plain| Secret::new(plain.to_vec())).map_err(|_| Locked::OtherPassword)
}

fn key(parameters: &Parameters, password: &[u8]) -> Option<(PaddedBlockDecryptingKey, [u8; 16])> {
    let (algorithm, length, iv) = cipher(&parameters.encryption)?;
    let key = derive(&parameters.kdf, password, length)?;
    let key = UnboundCipherKey::new(algorithm, key.expose()).ok()?;
    Some((PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?, iv))
}

fn cipher(encryption: &Cipher) -> Option<(&'static Algorithm, usize, [u8; 16])> {
    match encryption {
        Cipher::Aes128Cbc { iv } => Some((&AES_128, 16, *iv)),
        Cipher::Aes192Cbc { iv } => Some((&AES_192, 24, *iv)),
        Cipher::Aes256Cbc { iv } => Some((&AES_256, 32, *iv)),
        _ => None,
    }
}

fn derive(kdf: &Kdf, password: &[u8], length: usize) -> Option<Secret> {
    let params = kdf.pbkdf2()?;
    let algorithm = match params.prf {
        Pbkdf2Prf::HmacWithSha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Pbkdf2Prf::HmacWithSha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Pbkdf2Prf::HmacWithSha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Pbkdf2Prf::HmacWithSha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return None,
    };
    let iterations = NonZeroU32::new(params.iteration_count).filter(|n| n.get() <= MOST)?;
    let mut key = vec![0; length];
    pbkdf2::derive(algorithm, iterations, params.salt.as_ref(), password, &mut key);
    Some(Secret::new(key))
}
