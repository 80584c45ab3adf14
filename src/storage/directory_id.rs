//! Directory ids (KIP-858).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A fresh random id, as `org.apache.kafka.common.DirectoryId.random` makes them: URL-safe base64 without
/// padding. One that begins with `-` would look like a flag to the tools and is not taken; the reserved
/// ids (the first hundred) have no version bits, which a version 4 UUID always has.
pub fn fresh() -> String {
    loop {
        let id = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
        if !id.starts_with('-') {
            return id;
        }
    }
}

/// The 16 bytes of an id, unless it is malformed or reserved.
pub(super) fn is_valid(id: &str) -> bool {
    let decoder = base64::engine::GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let bytes: Option<[u8; 16]> = decoder.decode(id).ok().and_then(|b| b.try_into().ok());
    bytes.is_some_and(|b| u128::from_be_bytes(b) >= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_are_valid_and_differ() {
        let ids: std::collections::HashSet<_> = (0..500).map(|_| fresh()).collect();
        assert_eq!(ids.len(), 500);
        assert!(ids.iter().all(|id| id.len() == 22 && is_valid(id) && !id.starts_with('-')));
        for bad in ["", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAQ", "xx", "!AAAAAAAAAAAAAAAAAAAAA"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
