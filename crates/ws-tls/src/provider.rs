//! The cryptography and the root certificates that are built in.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};

use crate::error::SetupError;

/// Returns the cryptography that is built in. This is never the default of the process, which
/// another part of the program could change or fail to set.
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, SetupError> {
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err(SetupError::NoProvider)
}

/// Returns the encryption of session tickets (RFC 8446 §4.6.1). With tickets, a server stores no
/// sessions, so any number of clients can resume theirs.
pub(crate) fn ticketer() -> Result<Arc<dyn ProducesTickets>, SetupError> {
    #[cfg(feature = "aws-lc-rs")]
    return Ok(rustls::crypto::aws_lc_rs::Ticketer::new()?);
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(rustls::crypto::ring::Ticketer::new()?);
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err(SetupError::NoProvider)
}

type ClientBuilder<State> = ConfigBuilder<ClientConfig, State>;

/// Adds the verification of servers that is built in.
#[cfg(feature = "platform-verifier")]
pub(crate) fn verify_servers(
    builder: ClientBuilder<WantsVerifier>,
) -> Result<ClientBuilder<WantsClientCert>, SetupError> {
    let provider = Arc::clone(builder.crypto_provider());
    let verifier = rustls_platform_verifier::Verifier::new(provider);
    let verifier = verifier.map_err(SetupError::SystemRoots)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

/// Adds the verification of servers that is built in.
#[cfg(all(feature = "webpki-roots", not(feature = "platform-verifier")))]
pub(crate) fn verify_servers(
    builder: ClientBuilder<WantsVerifier>,
) -> Result<ClientBuilder<WantsClientCert>, SetupError> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    Ok(builder.with_root_certificates(rustls::RootCertStore { roots }))
}

/// Adds the verification of servers that is built in.
#[cfg(not(any(feature = "webpki-roots", feature = "platform-verifier")))]
pub(crate) fn verify_servers(
    _: ClientBuilder<WantsVerifier>,
) -> Result<ClientBuilder<WantsClientCert>, SetupError> {
    Err(SetupError::NoRoots)
}
