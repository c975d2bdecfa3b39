//! The errors of rustls as errors of the driver, and errors of the settings.

use rustls::pki_types::pem;
use rustls::{AlertDescription, CertificateError, Error};
use ws_driver::{TlsError, TlsErrorKind};

/// The reason why settings for TLS are unusable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The PEM text contains no certificate.
    #[error(
        "the PEM text contains no certificate: pass the contents of a file with a section `CERTIFICATE`"
    )]
    NoCertificate,
    /// The PEM text contains no private key.
    #[error(
        "the PEM text contains no private key: pass the contents of a file with a section `PRIVATE KEY`, which must not be encrypted"
    )]
    NoKey,
    /// No implementation of cryptography is built in.
    #[error(
        "no cryptography is built in: enable the feature `aws-lc-rs` or `ring`, or pass a configuration of rustls"
    )]
    NoProvider,
    /// No source of root certificates is built in.
    #[error(
        "no root certificates are built in: enable the feature `platform-verifier` or `webpki-roots`, or pass root certificates"
    )]
    NoRoots,
    /// The PEM text is malformed.
    #[error("the PEM text is malformed: {0}")]
    Pem(#[source] pem::Error),
    /// The root certificates of the operating system cannot be loaded.
    #[error(
        "the root certificates of the operating system cannot be loaded: {0}: install them (on Debian the package `ca-certificates`), or pass root certificates"
    )]
    SystemRoots(#[source] Error),
    /// rustls refused the certificates, the key, or the cryptography.
    #[error("the certificates or the key cannot be used: {0}")]
    Rustls(#[from] Error),
}

impl From<pem::Error> for SetupError {
    fn from(error: pem::Error) -> Self {
        Self::Pem(error)
    }
}

impl From<SetupError> for TlsError {
    fn from(error: SetupError) -> Self {
        Self::new(TlsErrorKind::Setup, error)
    }
}

/// Converts an error of a session.
pub(crate) fn tls_error(error: &Error) -> TlsError {
    TlsError::new(kind(error), error.clone())
}

fn kind(error: &Error) -> TlsErrorKind {
    match error {
        Error::InvalidCertificate(error) => certificate_kind(error),
        Error::NoCertificatesPresented => TlsErrorKind::CertificateRequired,
        Error::AlertReceived(alert) => alert_kind(*alert),
        Error::NoApplicationProtocol | Error::PeerIncompatible(_) => TlsErrorKind::Incompatible,
        // A verifier of the caller may return these, to refuse a certificate.
        Error::General(_) | Error::Other(_) => TlsErrorKind::CertificateInvalid,
        _ => TlsErrorKind::Session,
    }
}

fn certificate_kind(error: &CertificateError) -> TlsErrorKind {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            TlsErrorKind::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsErrorKind::CertificateNotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsErrorKind::CertificateWrongName
        }
        CertificateError::Revoked => TlsErrorKind::CertificateRevoked,
        // The signature is wrong if another authority has the name of one that is trusted.
        CertificateError::BadSignature | CertificateError::UnknownIssuer => {
            TlsErrorKind::CertificateUnknownIssuer
        }
        _ => TlsErrorKind::CertificateInvalid,
    }
}

/// Returns the kind for an alert of the peer (RFC 8446 §6.2).
fn alert_kind(alert: AlertDescription) -> TlsErrorKind {
    match alert {
        AlertDescription::CertificateRequired => TlsErrorKind::CertificateRequired,
        AlertDescription::AccessDenied
        | AlertDescription::BadCertificate
        | AlertDescription::BadCertificateStatusResponse
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        // The peer could not verify a signature.
        | AlertDescription::DecryptError
        | AlertDescription::UnknownCA
        | AlertDescription::UnsupportedCertificate => TlsErrorKind::CertificateRefused,
        AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol
        | AlertDescription::ProtocolVersion
        | AlertDescription::UnrecognisedName => TlsErrorKind::Incompatible,
        _ => TlsErrorKind::Session,
    }
}
