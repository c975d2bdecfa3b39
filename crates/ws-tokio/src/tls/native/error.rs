//! Errors of native-tls.

use std::error::Error;
use std::io;

use ws_driver::{TlsError, TlsErrorKind};

use super::link::Fault;

/// Returns the error of a handshake. `fault` is the last fault of the transport.
pub(super) fn of_handshake(error: native_tls::Error, fault: Option<Fault>) -> io::Error {
    // OpenSSL sends an alert after an unacceptable certificate. If that fails as well, it is not
    // the reason.
    if let Some(kind) = kind(&error) {
        return TlsError::new(kind, error).into();
    }
    match fault {
        Some(Fault::Ended) => io::ErrorKind::UnexpectedEof.into(),
        Some(Fault::Failed(kind)) => io::Error::new(kind, error),
        Some(Fault::NotTls) => TlsError::new(TlsErrorKind::NotTls, error).into(),
        None => TlsError::new(TlsErrorKind::Session, error).into(),
    }
}

/// Returns the error of an operation after the handshake. native-tls returns an error of the
/// transport unchanged.
pub(super) fn of_session(error: io::Error, fault: Option<Fault>) -> io::Error {
    match fault {
        // OpenSSL reports the end of the transport without a `close_notify` as its own error.
        Some(Fault::Ended) => io::ErrorKind::UnexpectedEof.into(),
        Some(Fault::Failed(kind)) if kind == error.kind() => error,
        _ => TlsError::new(kind(&error).unwrap_or(TlsErrorKind::Session), error).into(),
    }
}

/// Returns the cause of an error of OpenSSL. `None` if the error does not concern a certificate.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn kind(error: &(dyn Error + 'static)) -> Option<TlsErrorKind> {
    /// The errors of TLS (`ERR_LIB_SSL`).
    const LIBRARY: i32 = 20;
    /// The certificate of the server was not accepted (`SSL_R_CERTIFICATE_VERIFY_FAILED`).
    const VERIFY_FAILED: i32 = 134;
    /// The peer sent an alert (`SSL_AD_REASON_OFFSET`). The number of the alert is added.
    const ALERT: i32 = 1000;

    let mut sources = std::iter::successors(Some(error), |&error| error.source());
    let stack = sources.find_map(|error| error.downcast_ref::<openssl::error::ErrorStack>())?;
    let mut errors = stack.errors().iter();
    errors.find_map(|error| {
        // The alerts are those of RFC 8446 §6.2.
        match error.reason_code() {
            _ if error.library_code() != LIBRARY => None,
            VERIFY_FAILED => Some(TlsErrorKind::CertificateInvalid),
            reason => match reason - ALERT {
                42..=46 | 48 | 49 | 113 => Some(TlsErrorKind::CertificateRefused),
                116 => Some(TlsErrorKind::CertificateRequired),
                _ => None,
            },
        }
    })
}

/// Returns `None`, because native-tls hides the causes on this platform.
#[cfg(any(windows, target_vendor = "apple"))]
fn kind(_: &(dyn Error + 'static)) -> Option<TlsErrorKind> {
    None
}
