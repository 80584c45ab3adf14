//! Why TLS failed, told apart by what a person has to do.

use std::fmt;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The peer's certificate does not lead to an authority that we trust.
    Untrusted(String),
    /// The peer's certificate is for other names.
    WrongName(String),
    /// The peer's certificate has expired, or is not valid yet.
    PeerExpired(String),
    /// The peer refuses our certificate, and it has expired.
    OwnExpired(String),
    /// The peer refuses our certificate, or misses one.
    OwnRefused(String),
    /// The two sides find no version or cipher in common, or something else.
    Other(String),
}

impl TlsFault {
    /// What rustls says.
    pub(in crate::kafka) fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(why) => Self::of_certificate(why),
            Error::NoCertificatesPresented => Self::Untrusted("it presents none".to_owned()),
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                Self::Other("what answers does not speak TLS".to_owned())
            }
            other => Self::Other(other.to_string()),
        }
    }

    fn of_certificate(why: &CertificateError) -> Self {
        match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName(why.to_string())
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::PeerExpired(why.to_string()),
            other => Self::Untrusted(other.to_string()),
        }
    }

    /// Java says `bad_certificate`, `certificate_unknown` or `certificate_required` about those of clients.
    fn of_alert(alert: AlertDescription) -> Self {
        use AlertDescription as A;
        match alert {
            A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::CertificateRequired
            | A::UnknownCA
            | A::NoCertificate
            | A::AccessDenied => Self::OwnRefused(format!("{alert:?}")),
            other => Self::Other(format!("the peer ended it with {other:?}")),
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(why) => write!(f, "the certificate is not trusted: {why}"),
            Self::WrongName(why) => write!(f, "the certificate is for other names: {why}"),
            Self::PeerExpired(why) => write!(f, "the certificate is not valid now: {why}"),
            Self::OwnExpired(file) => write!(f, "the certificate in {file} has expired, and was refused"),
            Self::OwnRefused(alert) => write!(f, "the peer wants another certificate of ours: {alert}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TlsFault {}
