//! TLS between TCP and WebSocket, for `wss://`.

mod files;
mod identity;
#[cfg(test)]
pub(crate) mod pair;
mod stream;
mod trust;

pub use files::FileError;
pub use identity::Identity;
pub(crate) use stream::TlsStream;
pub use trust::Trust;

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The reason why a TLS handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The certificate of the other side is not trusted.
    Certificate(String),
    /// The other side sends bytes that are not TLS.
    NoTls,
    /// The other side sent an alert, or broke a rule.
    Failed(String),
    /// The other side does not agree to HTTP/2 by ALPN.
    NoHttp2,
    /// The other side ended TCP.
    Ended,
    /// The other side exceeded the time limit.
    TimedOut,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(why) => write!(f, "the certificate is not trusted: {why}"),
            Self::NoTls => f.write_str("the TLS handshake failed: the other side does not use TLS"),
            Self::Failed(why) => write!(f, "the TLS handshake failed: {why}"),
            Self::NoHttp2 => f.write_str(
                "the TLS handshake failed: the other side does not agree to HTTP/2 (ALPN `h2`)",
            ),
            Self::Ended => f.write_str("the TLS handshake failed: the other side ended TCP"),
            Self::TimedOut => f.write_str("the TLS handshake was not completed in time"),
        }
    }
}

impl std::error::Error for HandshakeError {}

impl From<Error> for HandshakeError {
    fn from(error: Error) -> Self {
        match error {
            // A bad signature can mean that a trusted authority has the same name as the right one.
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => Self::Certificate("no trusted authority has signed it".to_owned()),
            Error::InvalidCertificate(CertificateError::Other(why)) => {
                Self::Certificate(format!("it is not for a server ({})", why.0))
            }
            Error::InvalidCertificate(error) => Self::Certificate(error.to_string()),
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NoTls,
            Error::NoApplicationProtocol
            | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => Self::NoHttp2,
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<HandshakeError> for io::Error {
    fn from(error: HandshakeError) -> Self {
        let kind = match error {
            HandshakeError::Ended => io::ErrorKind::UnexpectedEof,
            HandshakeError::TimedOut => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Returns the provider explicitly. A library cannot rely on the default of its process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The reason why a configuration cannot fail.
const VERSIONS: &str = "ring has all that TLS 1.2 and 1.3 need";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_reason_as_an_error_of_io() {
        for (error, kind) in [
            (HandshakeError::NoTls, io::ErrorKind::InvalidData),
            (HandshakeError::Ended, io::ErrorKind::UnexpectedEof),
            (HandshakeError::TimedOut, io::ErrorKind::TimedOut),
        ] {
            let wrapped = io::Error::from(error.clone());
            assert_eq!(wrapped.kind(), kind);
            assert_eq!(wrapped.downcast::<HandshakeError>().unwrap(), error);
        }
    }

    #[test]
    fn reasons_are_told_apart() {
        let of = |error: Error| HandshakeError::from(error);
        let issuer = of(CertificateError::UnknownIssuer.into());
        assert!(matches!(issuer, HandshakeError::Certificate(_)));
        assert!(issuer.to_string().contains("signed"), "{issuer}");
        let plain = of(InvalidMessage::InvalidContentType.into());
        assert_eq!(plain, HandshakeError::NoTls);
        let other = of(Error::DecryptError);
        assert!(matches!(other, HandshakeError::Failed(_)));
    }
}
