//! TLS for clients and servers.
//!
//! [`Connector::connect`](crate::Connector::connect) uses TLS for `wss://` URLs. The default is
//! rustls if its cryptography and its root certificates are built in, or else `native-tls` if that
//! feature is enabled. A server needs rustls and a certificate:
//!
//! ```no_run
//! # #[cfg(feature = "rustls")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ws_tokio::{Acceptor, tls::TlsAcceptor};
//!
//! let (chain, key) = (std::fs::read("chain.pem")?, std::fs::read("key.pem")?);
//! let acceptor = Acceptor::new().tls(TlsAcceptor::from_pem(chain, key)?);
//! // acceptor.accept(tcp).await performs the TLS handshake, too.
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "rustls"))]
//! # fn main() {}
//! ```
//!
//! With rustls, a `TlsConnector` trusts other authorities, or has a client certificate. Both types
//! also take a configuration of rustls. With `native-tls`, a `NativeTls` has these settings.

#[cfg(feature = "native-tls")]
mod native;

#[cfg(feature = "native-tls")]
pub use {
    native::{NativeTls, NativeTlsTransport},
    native_tls,
};

#[cfg(feature = "rustls")]
pub use ws_tls::{
    SetupError, TlsAcceptor, TlsAcceptorBuilder, TlsConnector, TlsConnectorBuilder, rustls,
};

/// A TLS session over a transport. See [`ws_tls::TlsTransport`].
///
/// It contains the certificates of the peer. The transport of an [`Offer`](crate::Offer) or a
/// [`WebSocket`](crate::WebSocket) is of this type, if it was accepted or connected with rustls:
///
/// ```
/// use ws_tokio::{WebSocket, tls::TlsTransport};
///
/// fn has_certificate(ws: &WebSocket) -> bool {
///     let tls = ws.get_ref().and_then(|transport| transport.downcast_ref::<TlsTransport>());
///     tls.is_some_and(|tls| tls.session().peer_certificates().is_some())
/// }
/// ```
#[cfg(feature = "rustls")]
pub type TlsTransport<T = crate::transport::AnyTransport> = ws_tls::TlsTransport<T>;

#[cfg(not(feature = "native-tls"))]
pub(crate) use ws_tls::default_tls;

/// Returns rustls, or else the TLS of the operating system.
#[cfg(feature = "native-tls")]
pub(crate) fn default_tls() -> crate::transport::DefaultTls<crate::Tokio> {
    use std::sync::Arc;

    #[cfg(feature = "rustls")]
    match TlsConnector::shared() {
        Ok(shared) => return Ok(Arc::new(shared)),
        // native-tls has its own cryptography and root certificates.
        Err(SetupError::NoProvider | SetupError::NoRoots) => {}
        Err(error) => return Err(ws_driver::TlsError::from(error).into()),
    }
    Ok(Arc::new(NativeTls::shared()?))
}
