//! TLS of clients.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use ws_driver::transport::{
    AnyTransport, ClientTls, ClientTlsHandshake, DefaultTls, HttpVersion, Reached, Runtime,
    Transport,
};
use ws_driver::{TlsError, TlsErrorKind};

use crate::error::{SetupError, tls_error};
use crate::pem::{self, Identity};
use crate::transport::TlsTransport;
use crate::{handshake, provider};

/// TLS of clients.
///
/// Connections from clones of one connector resume their sessions: a later handshake with the same
/// server takes less time. Clones are cheap.
///
/// ```
/// # fn main() -> Result<(), ws_tls::SetupError> {
/// # let authority = ws_test_certificates::Authority::new().certificate();
/// use ws_tls::TlsConnector;
///
/// // Trusts the certificates of one authority only. `authority` is the content of a PEM file.
/// let tls = TlsConnector::builder().roots_pem(authority).build()?;
/// let connector = ws_tokio::Connector::new().tls(tls);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
}

impl TlsConnector {
    /// Makes a connector that verifies servers with the root certificates that are built in.
    ///
    /// The features select them: `platform-verifier`, or else `webpki-roots`. The cryptography is
    /// that of `aws-lc-rs`, or else that of `ring`. With `platform-verifier`, this may read the
    /// root certificates of the operating system from files.
    ///
    /// # Errors
    ///
    /// [`SetupError::NoProvider`] and [`SetupError::NoRoots`] if a feature is missing.
    /// [`SetupError::SystemRoots`] if the operating system has no root certificates.
    pub fn new() -> Result<Self, SetupError> {
        Self::builder().build()
    }

    /// Starts to build a connector with root certificates or a client certificate in PEM.
    pub fn builder() -> TlsConnectorBuilder {
        TlsConnectorBuilder::default()
    }

    /// Returns the connector that the whole process shares, so that sessions are resumed. Makes it
    /// on the first call.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new). The next call tries again.
    pub fn shared() -> Result<Self, SetupError> {
        static SHARED: OnceLock<TlsConnector> = OnceLock::new();
        match SHARED.get() {
            Some(shared) => Ok(shared.clone()),
            None => {
                let made = Self::new()?;
                Ok(SHARED.get_or_init(|| made).clone())
            }
        }
    }

    /// Performs the handshake with the server `host` over a transport, for instance the tunnel of a
    /// proxy. `host` is a name, or an IP literal without brackets. The only protocol to negotiate
    /// is `http/1.1`. There is no timeout: [`Connector::tls`](ws_driver::Connector::tls) has one.
    ///
    /// # Errors
    ///
    /// An [`io::Error`] that contains a [`TlsError`] if TLS fails. The server was sent an alert.
    /// [`io::ErrorKind::UnexpectedEof`] if the server ended the transport. Other errors are those
    /// of the transport.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn connect<T: Transport>(
        &self,
        host: &str,
        transport: T,
    ) -> io::Result<TlsTransport<T>> {
        self.connect_in(host, &[HttpVersion::Http1], transport)
            .await
    }

    /// Does the same as [`connect`](Self::connect), and negotiates one of several versions of HTTP.
    /// [`TlsTransport::http_version`] returns it.
    ///
    /// # Errors
    ///
    /// The errors of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn connect_in<T: Transport>(
        &self,
        host: &str,
        versions: &[HttpVersion],
        transport: T,
    ) -> io::Result<TlsTransport<T>> {
        let session = self.session(host, versions)?;
        let transport = TlsTransport::new(transport, session, self.config.max_fragment_size);
        handshake::connect(transport).await
    }

    fn session(&self, host: &str, versions: &[HttpVersion]) -> Result<ClientConnection, TlsError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| TlsError::new(TlsErrorKind::Setup, error))?;
        let protocols = versions.iter().map(|version| version.alpn().into());
        let config = Arc::clone(&self.config);
        let session = ClientConnection::new_with_alpn(config, name, protocols.collect());
        session.map_err(|error| tls_error(&error))
    }
}

/// Uses a configuration of rustls. Its list of ALPN protocols is not used: each connection sets its
/// own, by default `http/1.1`.
impl From<ClientConfig> for TlsConnector {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

/// Uses a configuration of rustls. Its list of ALPN protocols is not used: each connection sets its
/// own, by default `http/1.1`.
impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }
}

impl<R: Runtime> ClientTls<R> for TlsConnector {
    fn connect<'a>(
        &'a self,
        host: &'a str,
        versions: &'a [HttpVersion],
        transport: AnyTransport<R>,
    ) -> ClientTlsHandshake<'a, R> {
        Box::pin(async move {
            let transport = self.connect_in(host, versions, transport).await?;
            let version = transport.http_version();
            Ok(Reached::new(AnyTransport::new(transport), version))
        })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").finish_non_exhaustive()
    }
}

/// The settings of a [`TlsConnector`].
#[derive(Clone, Default)]
#[must_use]
pub struct TlsConnectorBuilder {
    roots: Option<Vec<u8>>,
    identity: Option<Identity>,
}

impl TlsConnectorBuilder {
    /// Trusts the authorities whose certificates are in `pem`, instead of those that are built in.
    pub fn roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Sends a client certificate to servers that demand one. `chain` begins with the certificate
    /// of the client, and `key` is its private key. Both are in PEM.
    pub fn identity_pem(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some(Identity::new(chain, key));
        self
    }

    /// Makes the connector.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a feature is missing, or if the PEM texts are unusable.
    pub fn build(self) -> Result<TlsConnector, SetupError> {
        let builder = ClientConfig::builder_with_provider(provider::provider()?)
            .with_safe_default_protocol_versions()?;
        let builder = match &self.roots {
            Some(pem) => builder.with_root_certificates(pem::roots(pem)?),
            None => provider::verify_servers(builder)?,
        };
        let config = match &self.identity {
            Some(identity) => {
                let (chain, key) = identity.parse()?;
                builder.with_client_auth_cert(chain, key)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(config.into())
    }
}

impl fmt::Debug for TlsConnectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnectorBuilder")
            .finish_non_exhaustive()
    }
}

/// Implements [`Runtime::default_tls`] for an adapter with [`TlsConnector::shared`].
///
/// # Errors
///
/// [`ConnectError::Tls`](ws_driver::ConnectError::Tls) if the cryptography or the root certificates
/// are not built in.
pub fn default_tls<R: Runtime>() -> DefaultTls<R> {
    match TlsConnector::shared() {
        Ok(shared) => Ok(Arc::new(shared)),
        Err(error) => Err(TlsError::from(error).into()),
    }
}
