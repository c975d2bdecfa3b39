//! TLS for WebSocket connections on every runtime.
//!
//! Applications use the module `tls` of their adapter crate, which re-exports this crate.
//!
//! [`TlsConnector`] and [`TlsAcceptor`] run rustls over any [`Transport`] and return a
//! [`TlsTransport`]. It is a transport itself, so TLS inside TLS works. Pass a [`TlsConnector`] to
//! [`Connector::tls`], and a [`TlsAcceptor`] to [`Acceptor::tls`].
//!
//! The features select the cryptography and the root certificates. All features can be enabled
//! together:
//!
//! | feature | effect |
//! |---|---|
//! | `aws-lc-rs` | the cryptography of AWS; preferred to `ring` |
//! | `ring` | the cryptography of ring |
//! | `platform-verifier` | verifies servers as the operating system does; preferred to `webpki-roots` |
//! | `webpki-roots` | verifies servers with the root certificates of Mozilla, compiled in |
//!
//! Without these features, pass a configuration of [`rustls`]. The crate never reads or sets the
//! default cryptography of the process. What is missing is reported as a [`SetupError`].
//!
//! [`Transport`]: ws_driver::transport::Transport
//! [`Connector::tls`]: ws_driver::Connector::tls
//! [`Acceptor::tls`]: ws_driver::Acceptor::tls

#![forbid(unsafe_code)]

mod client;
mod error;
mod handshake;
mod pem;
mod provider;
mod scratch;
mod server;
mod transport;

pub use client::{TlsConnector, TlsConnectorBuilder, default_tls};
pub use error::SetupError;
pub use rustls;
pub use server::{TlsAcceptor, TlsAcceptorBuilder};
pub use transport::TlsTransport;
