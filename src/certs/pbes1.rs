//! Keys that are encrypted as PKCS#12 once did it (RFC 7292, appendix B): the one way that Kafka 2.8 on Java 17 reads.
//!
//! Nothing is kept secret by it. What Kafka 2.8 is given is encrypted with a password that stands beside the key, only
//! because it takes no other; what protects both is the mode of the files.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use des::{
    TdesEde3,
    cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use pkcs8::{
    AlgorithmIdentifierRef, ObjectIdentifier,
    der::{
        Decode, Encode,
        asn1::{Any, AnyRef, OctetStringRef},
    },
};

use zeroize::Zeroizing;

use super::{Secret, pbes2::Locked};

/// `pbeWithSHAAnd3-KeyTripleDES-CBC`.
const SCHEME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");

/// The password of keys that a Kafka before 3.0 reads. It stands in server.properties.
pub const PASSWORD: &str = "pillion";

/// As openssl's own default.
const ITERATIONS: u32 = 2048;
/// The most iterations that are waited for: seconds.
const MOST: u32 = 5_000_000;
/// What SHA-1 works on, and what it gives.
const BLOCK: usize = 64;
const HASH: usize = 20;

/// Decrypts a key.
pub(super) fn decrypt(der: &[u8], password: &Secret) -> Result<Secret, Locked> {
    let plain = open(der, password).ok_or(Locked::OtherScheme)?;
    let padding = plain.last().copied().unwrap_or(0);
    let length = usize::from(padding);
    if !(1..=8).contains(&padding) || !plain.ends_with(&vec![padding; length]) {
        return Err(Locked::OtherPassword);
    }
    Ok(Secret::new(plain.get(..plain.len() - length).unwrap_or_default().to_vec()))
}

/// With its padding; `None`: it is encrypted in another way.
fn open(der: &[u8], password: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let outer = AnyRef::from_der(der).ok()?;
    let (algorithm, sealed) = outer
        .sequence(|reader| {
            Ok::<_, pkcs8::der::Error>((
                AlgorithmIdentifierRef::decode(reader)?,
                <&OctetStringRef>::decode(reader)?,
            ))
        })
        .ok()?;
    if algorithm.oid != SCHEME {
        return None;
    }
    let (salt, iterations) = algorithm
        .parameters?
        .sequence(|reader| {
            Ok::<_, pkcs8::der::Error>((<&OctetStringRef>::decode(reader)?, u32::decode(reader)?))
        })
        .ok()?;
    if iterations == 0 || iterations > MOST || salt.as_bytes().is_empty() {
        return None;
    }
    let (cipher, mut before) = cipher(password.expose(), salt.as_bytes(), iterations)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.as_bytes().len()));
    for chunk in sealed.as_bytes().chunks(8) {
        let sealed: [u8; 8] = chunk.try_into().ok()?;
        let mut block = Array::from(sealed);
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = sealed;
    }
    Some(plain)
}

/// Encrypts with [`PASSWORD`]; `salt` should differ from key to key.
pub(super) fn encrypt(pkcs8: &Secret, salt: [u8; 8]) -> Option<Vec<u8>> {
    let (cipher, mut before) = cipher(PASSWORD.as_bytes(), &salt, ITERATIONS)?;
    let mut plain = pkcs8.expose().to_vec();
    let padding = 8 - plain.len() % 8;
    plain.resize(plain.len() + padding, u8::try_from(padding).ok()?);
    let mut sealed = Vec::with_capacity(plain.len());
    for chunk in plain.chunks(8) {
        let mut block = Array::from(<[u8; 8]>::try_from(chunk).ok()?);
        block.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
        cipher.encrypt_block(&mut block);
        before = block.into();
        sealed.extend(before);
    }
    let inner = [OctetStringRef::new(&salt).ok()?.to_der().ok()?, ITERATIONS.to_der().ok()?].concat();
    let parameters = Any::new(pkcs8::der::Tag::Sequence, inner).ok()?;
    let algorithm = AlgorithmIdentifierRef { oid: SCHEME, parameters: Some(AnyRef::from(&parameters)) };
    let outer = [algorithm.to_der().ok()?, OctetStringRef::new(&sealed).ok()?.to_der().ok()?].concat();
    Any::new(pkcs8::der::Tag::Sequence, outer).ok()?.to_der().ok()
}

/// The cipher, and the block before the first one.
fn cipher(password: &[u8], salt: &[u8], iterations: u32) -> Option<(TdesEde3, [u8; 8])> {
    let password = std::str::from_utf8(password).ok()?;
    // UTF-16, and an end of the text.
    let password: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let key = derive(1, &password, salt, iterations, 24);
    let before = derive(2, &password, salt, iterations, 8);
    Some((TdesEde3::new_from_slice(&key).ok()?, before.try_into().ok()?))
}

fn derive(purpose: u8, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Vec<u8> {
    let fill = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().copied().cycle().take(bytes.len().div_ceil(BLOCK) * BLOCK).collect()
    };
    let mut input = [fill(salt), fill(password)].concat();
    let mut out = Vec::new();
    while out.len() < length {
        let mut hash = sha1(&[&[purpose; BLOCK], &input]);
        for _ in 1..iterations {
            hash = sha1(&[&hash]);
        }
        out.extend(hash);
        let added: Vec<u8> = hash.iter().copied().cycle().take(BLOCK).collect();
        input.chunks_mut(BLOCK).for_each(|chunk| add(chunk, &added));
    }
    out.truncate(length);
    out
}

/// `to` + `added` + 1, as numbers.
fn add(to: &mut [u8], added: &[u8]) {
    let mut carry = 1_u16;
    for (byte, added) in to.iter_mut().zip(added).rev() {
        let [high, low] = (u16::from(*byte) + u16::from(*added) + carry).to_be_bytes();
        (*byte, carry) = (low, u16::from(high));
    }
}

fn sha1(parts: &[&[u8]]) -> [u8; HASH] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; HASH];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn what_was_encrypted_comes_back(plain in prop::collection::vec(any::<u8>(), 1..200), salt: [u8; 8]) {
            let sealed = encrypt(&Secret::new(plain.clone()), salt).unwrap();
            let opened = decrypt(&sealed, &Secret::new(PASSWORD.into())).unwrap();
            prop_assert_eq!(opened.expose(), plain.as_slice());
        }

        #[test]
        fn nothing_is_too_odd_to_be_refused(der in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decrypt(&der, &Secret::new(PASSWORD.into()));
        }
    }
}
