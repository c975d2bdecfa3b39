//! Errors of TLS.

use std::error::Error;
use std::{fmt, io};

use super::is_loss;

/// An error of TLS. [`kind`](Self::kind) returns the cause, and
/// [`source`](std::error::Error::source) the error of the TLS implementation.
///
/// A transport returns this error inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {source}")]
pub struct TlsError {
    kind: TlsErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

/// The cause of a [`TlsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The certificate of the peer is unacceptable for a reason that has no variant of its own.
    CertificateInvalid,
    /// The certificate of the peer has expired.
    CertificateExpired,
    /// The certificate of the peer is not valid yet.
    CertificateNotYetValid,
    /// The peer refused the certificate of this end.
    CertificateRefused,
    /// The server demands a certificate of the client, and the client did not send one. Both ends
    /// report this.
    CertificateRequired,
    /// The certificate of the peer was revoked.
    CertificateRevoked,
    /// The certificate of the peer is from an authority that this end does not trust.
    CertificateUnknownIssuer,
    /// The certificate of the server is for another host name.
    CertificateWrongName,
    /// The two ends cannot agree, for instance on a version of TLS. A server with TLS 1.2 may also
    /// refuse a client without a certificate in this way.
    Incompatible,
    /// The peer sent something other than TLS, for instance HTTP.
    NotTls,
    /// The TLS session failed. For instance, a record was damaged.
    Session,
    /// TLS lacks something at this end, such as root certificates. Nothing was sent.
    Setup,
}

impl TlsError {
    /// Makes an error. This is for implementations of TLS.
    pub fn new(kind: TlsErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// Returns the cause.
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// Returns `true` if the kind is [`Session`](TlsErrorKind::Session). The network or a faulty
    /// peer can cause this at any time. Any other error occurs again with the same settings.
    pub fn is_disconnect(&self) -> bool {
        self.kind == TlsErrorKind::Session
    }
}

impl fmt::Display for TlsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateInvalid => "the certificate of the peer is invalid",
            Self::CertificateExpired => "the certificate of the peer has expired",
            Self::CertificateNotYetValid => "the certificate of the peer is not valid yet",
            Self::CertificateRefused => "the peer refused the certificate of this end",
            Self::CertificateRequired => "the server requires a certificate of the client",
            Self::CertificateRevoked => "the certificate of the peer was revoked",
            Self::CertificateUnknownIssuer => {
                "the certificate of the peer is from an authority that is not trusted here"
            }
            Self::CertificateWrongName => "the certificate of the server is for another host name",
            Self::Incompatible => {
                "the ends have no version of TLS, cipher or protocol in common, or a certificate of the client is missing"
            }
            Self::NotTls => "the peer does not speak TLS: check scheme and port",
            Self::Session => "the TLS session failed",
            Self::Setup => "TLS is incomplete at this end",
        })
    }
}

/// Wraps the error. The kind is [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) for
/// [`TlsErrorKind::Session`], and [`InvalidData`](io::ErrorKind::InvalidData) for other faults of
/// the peer.
impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error.kind {
            TlsErrorKind::Session => io::ErrorKind::ConnectionAborted,
            TlsErrorKind::Setup => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::InvalidData,
        };
        debug_assert_eq!(is_loss(&kind.into()), error.is_disconnect());
        Self::new(kind, error)
    }
}
