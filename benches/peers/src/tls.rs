//! TLS for servers on tokio, by tokio-rustls.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Accepts WebSocket connections on 127.0.0.1, over TLS if required, and echoes every message,
/// until the process is terminated.
///
/// One thread serves all connections.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    #[command(flatten)]
    pub common: crate::Options,
    /// Use TLS with the certificate and the private key in these PEM files.
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    tls: Option<Vec<PathBuf>>,
}

impl Options {
    /// Parses the command line.
    #[must_use]
    pub fn from_arguments() -> Self {
        Self::parse()
    }

    /// Returns an acceptor with the defaults of the library. `None` without TLS.
    pub fn acceptor(&self) -> io::Result<Option<TlsAcceptor>> {
        let Some([certificate, key]) = self.tls.as_deref() else {
            return Ok(None);
        };
        let chain: Result<_, _> = CertificateDer::pem_file_iter(certificate)
            .map_err(io::Error::other)?
            .collect();
        let chain = chain.map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }
}
