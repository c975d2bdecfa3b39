//! TLS over rustls, for clients and servers.
//!
//! [`Connector::connect`](crate::Connector::connect) uses TLS for `wss://` URLs. It trusts the
//! authorities that the operating system or Mozilla trusts, which depends on the features. A server
//! needs a certificate:
//!
//! ```no_run
//! use ws_tokio::{Acceptor, tls::TlsAcceptor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (chain, key) = (std::fs::read("chain.pem")?, std::fs::read("key.pem")?);
//! let acceptor = Acceptor::new().tls(TlsAcceptor::from_pem(chain, key)?);
//! // acceptor.accept(tcp).await performs the TLS handshake, too.
//! # Ok(())
//! # }
//! ```
//!
//! [`TlsConnector`] trusts other authorities, or has a client certificate. Both types also take a
//! configuration of [`rustls`].

pub use ws_tls::{
    SetupError, TlsAcceptor, TlsAcceptorBuilder, TlsConnector, TlsConnectorBuilder, rustls,
};

/// A TLS session over a transport. See [`ws_tls::TlsTransport`].
///
/// It contains the certificates of the peer. The transport of an [`Offer`](crate::Offer) or a
/// [`WebSocket`](crate::WebSocket) is of this type, if it was accepted or connected with TLS:
///
/// ```
/// use ws_tokio::{WebSocket, tls::TlsTransport};
///
/// fn has_certificate(ws: &WebSocket) -> bool {
///     let tls = ws.get_ref().and_then(|transport| transport.downcast_ref::<TlsTransport>());
///     tls.is_some_and(|tls| tls.session().peer_certificates().is_some())
/// }
/// ```
pub type TlsTransport<T = crate::transport::AnyTransport> = ws_tls::TlsTransport<T>;
