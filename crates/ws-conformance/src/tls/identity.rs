//! Who the suite is, where it is the server.

use std::path::Path;
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use super::files::{self, FileError, Problem};
use super::{HandshakeError, VERSIONS, provider};

/// A certificate with its key, shown to clients under test.
#[derive(Clone, Debug)]
pub struct Identity(Arc<ServerConfig>);

impl Identity {
    /// Reads two PEM files: the certificate, with those between it and its root after it, and the
    /// key.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or the key is not that of the certificate.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, FileError> {
        let chain = files::certificates(certificate)?;
        let secret = files::key(key)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect(VERSIONS)
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(|error| FileError::new(key, Problem::Unusable(error)))?;
        Ok(Self(Arc::new(config)))
    }

    /// The side of a server in a new connection.
    pub(crate) fn connection(&self) -> Result<rustls::Connection, HandshakeError> {
        Ok(ServerConnection::new(self.0.clone())?.into())
    }
}
