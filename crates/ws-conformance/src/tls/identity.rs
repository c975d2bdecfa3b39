//! The certificate of the suite as a server.

use std::path::Path;
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use crate::case::Http;

use super::files::{self, Fault, FileError};
use super::{HandshakeError, VERSIONS, provider};

/// A certificate with its key, shown to clients under test.
#[derive(Clone, Debug)]
pub struct Identity(Arc<ServerConfig>);

impl Identity {
    /// Reads two PEM files: the certificate, followed by the intermediate certificates, and the
    /// key.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read, or if the key does not belong to the certificate.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, FileError> {
        let chain = files::certificates(certificate)?;
        let secret = files::key(key)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect(VERSIONS)
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(|error| FileError::new(key, Fault::Unusable(error)))?;
        Ok(Self(Arc::new(config)))
    }

    /// Returns the server side of a new connection.
    pub(crate) fn connection(&self, http: Http) -> Result<rustls::Connection, HandshakeError> {
        let mut config = self.0.clone();
        if http == Http::Two {
            Arc::make_mut(&mut config).alpn_protocols = http.alpn();
        }
        Ok(ServerConnection::new(config)?.into())
    }
}
