//! PEM: its blocks, and what is no PEM at all by its name.

use pem::Pem;

use super::Fault;

/// The codes of a file in the wrong form, and of a damaged one.
pub(super) type Codes = (&'static str, &'static str);
/// Of a certificate and of those that lead to the CA.
pub(super) const CERTIFICATE: Codes = ("certificate-format", "certificate-damaged");
/// Of the CAs.
pub(super) const AUTHORITY: Codes = ("authority-format", "authority-damaged");
/// Of a private key.
pub(super) const KEY: Codes = ("key-format", "key-damaged");

/// The blocks of a file.
///
/// # Errors
/// With the first of `codes` where it holds none, with the second where one is damaged. `what` names the file, as in "the key of /certs"; `convert` is
/// the command that makes the right form of what was found.
pub(super) fn blocks(
    bytes: &[u8],
    (code, torn): Codes,
    what: &str,
    convert: impl Fn(Form) -> String,
) -> Result<Vec<Pem>, Fault> {
    if let Some(form) = Form::of(bytes) {
        return Err(Fault::new(code, format!("{what} is {}, not PEM", form.name()), convert(form)));
    }
    let text = String::from_utf8_lossy(bytes);
    let begun = text.lines().filter(|line| line.trim_start().starts_with("-----BEGIN ")).count();
    if begun == 0 {
        let text = format!("{what} holds no PEM: there is no line -----BEGIN ...-----");
        return Err(Fault::new(code, text, "put PEM there, as openssl and cert-manager write it"));
    }
    // Not the error of the parser: it may repeat what it could not read.
    let damaged = || {
        let text = format!("{what} is damaged: a block of it is cut off or is not base64");
        Fault::new(torn, text, "write the file anew and whole; a copy by hand loses lines easily")
    };
    let blocks = pem::parse_many(bytes).map_err(|_| damaged())?;
    if blocks.len() == begun { Ok(blocks) } else { Err(damaged()) }
}

/// What is mistaken for PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing at all.
    Empty,
    /// A PKCS#12 key store.
    Pkcs12,
    /// A Java key store.
    Jks,
    /// DER: a certificate or a key.
    Der,
}

impl Form {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => Some(Self::Empty),
            [0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..] => Some(Self::Jks),
            // SEQUENCE { INTEGER 3, SEQUENCE { pkcs7-data or pkcs7-signedData
            [0x30, ..] if after_length(bytes).is_some_and(|inner| inner.starts_with(&[2, 1, 3, 0x30])) => {
                Some(Self::Pkcs12)
            }
            [0x30, ..] if is_whole(bytes) => Some(Self::Der),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Pkcs12 => "a PKCS#12 key store",
            Self::Jks => "a Java key store (JKS)",
            Self::Der => "DER",
        }
    }
}

/// What follows the length of the outermost DER element.
fn after_length(der: &[u8]) -> Option<&[u8]> {
    let length = *der.get(1)?;
    let more = if length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    der.get(2 + more..)
}

/// Whether the outermost DER element is the whole file.
fn is_whole(der: &[u8]) -> bool {
    let (Some(length), Some(inner)) = (der.get(1), after_length(der)) else { return false };
    let told = der.get(2..der.len() - inner.len()).unwrap_or_default();
    let long = told.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    inner.len() == if *length < 0x80 { usize::from(*length) } else { long }
}

/// How a certificate is made of a file in this form.
pub(super) fn certificate_of(form: Form) -> String {
    match form {
        Form::Empty => "put the certificate there, in PEM".to_owned(),
        Form::Pkcs12 => "openssl pkcs12 -in FILE -nokeys -out tls.crt".to_owned(),
        Form::Jks => format!("{JKS}, then openssl pkcs12 -in store.p12 -nokeys -out tls.crt"),
        Form::Der => "openssl x509 -inform der -in FILE -out tls.crt".to_owned(),
    }
}

/// How a key is made of a file in this form.
pub(super) fn key_of(form: Form) -> String {
    match form {
        Form::Empty => "put the private key there, in PEM".to_owned(),
        Form::Pkcs12 => "openssl pkcs12 -in FILE -nocerts -noenc -out tls.key".to_owned(),
        Form::Jks => format!("{JKS}, then openssl pkcs12 -in store.p12 -nocerts -noenc -out tls.key"),
        Form::Der => "openssl pkey -inform der -in FILE -out tls.key".to_owned(),
    }
}

const JKS: &str = "keytool -importkeystore -srckeystore FILE -destkeystore store.p12 -deststoretype PKCS12";

/// The blocks in PEM.
pub(super) fn render<'a>(tag: &str, ders: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let one = |der: &[u8]| pem::encode_config(&Pem::new(tag, der), config);
    ders.into_iter().map(one).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_known_by_their_first_bytes() {
        assert_eq!(Form::of(b""), Some(Form::Empty));
        assert_eq!(Form::of(&[0xFE, 0xED, 0xFE, 0xED, 0, 0]), Some(Form::Jks));
        assert_eq!(Form::of(&[0x30, 0x82, 1, 2, 2, 1, 3, 0x30]), Some(Form::Pkcs12));
        assert_eq!(Form::of(&[0x30, 0x82, 0, 2, 0x30, 0x82]), Some(Form::Der));
        assert_eq!(Form::of(b"-----BEGIN CERTIFICATE-----"), None);
        assert_eq!(Form::of(&[0x30, 2, 5, 0]), Some(Form::Der));
        assert_eq!(Form::of(b"0 is no DER"), None);
    }
}
