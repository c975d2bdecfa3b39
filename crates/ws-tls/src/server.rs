//! TLS of servers.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection};
use ws_driver::transport::{
    AnyTransport, HttpVersion, Runtime, ServerTls, TlsHandshake, Transport,
};

use crate::error::{SetupError, tls_error};
use crate::pem::{self, Identity};
use crate::transport::TlsTransport;
use crate::{handshake, provider};

/// TLS of servers. Clones are cheap and share their settings.
///
/// ```
/// # fn main() -> Result<(), ws_tls::SetupError> {
/// # let identity = ws_test_certificates::Authority::new().server();
/// # let (chain, key) = (identity.certificate.clone(), identity.key.clone());
/// # let (new_chain, new_key) = (identity.certificate, identity.key);
/// use ws_tls::TlsAcceptor;
///
/// // `chain` and `key` are the contents of PEM files.
/// let tls = TlsAcceptor::from_pem(chain, key)?;
/// let acceptor = ws_tokio::Acceptor::new().tls(tls.clone());
///
/// // Later, when the files have changed:
/// tls.replace(&TlsAcceptor::from_pem(new_chain, new_key)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl TlsAcceptor {
    /// Makes an acceptor with a certificate. `chain` begins with the certificate of the server, and
    /// `key` is its private key. Both are in PEM. Clients need no certificate.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a feature is missing, or if the PEM texts are unusable.
    pub fn from_pem(
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Result<Self, SetupError> {
        Self::builder(chain, key).build()
    }

    /// Starts to build an acceptor that verifies clients. `chain` and `key` are those of
    /// [`from_pem`](Self::from_pem).
    pub fn builder(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> TlsAcceptorBuilder {
        TlsAcceptorBuilder {
            identity: Identity::new(chain, key),
            client_roots: None,
        }
    }

    /// Replaces the settings by those of `new`, for instance after a certificate was renewed. Later
    /// handshakes of this acceptor and its clones use the new settings. Connections and handshakes
    /// that have begun are not affected.
    pub fn replace(&self, new: &Self) {
        let config = new.config();
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Performs the handshake with a client over a transport. There is no timeout:
    /// [`Acceptor::tls`](ws_driver::Acceptor::tls) has one.
    ///
    /// # Errors
    ///
    /// An [`io::Error`] that contains a [`TlsError`](ws_driver::TlsError) if TLS fails. The client
    /// was sent an alert, or the HTTP status 400 if it sent an HTTP request. A client that does not
    /// take it delays the error by at most 1 s. [`io::ErrorKind::UnexpectedEof`] if the client
    /// ended the transport. Other errors are those of the transport.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn accept<T: Transport>(&self, transport: T) -> io::Result<TlsTransport<T>> {
        let config = self.config();
        let max_fragment_size = config.max_fragment_size;
        let session = ServerConnection::new(config).map_err(|error| tls_error(&error))?;
        handshake::accept(TlsTransport::new(transport, session, max_fragment_size)).await
    }

    fn config(&self) -> Arc<ServerConfig> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }
}

/// Uses a configuration of rustls. The list of ALPN protocols is replaced by `http/1.1`. Early data
/// is refused, because anyone can repeat it (RFC 8446 §8).
impl From<ServerConfig> for TlsAcceptor {
    fn from(mut config: ServerConfig) -> Self {
        config.max_early_data_size = 0;
        config.alpn_protocols = vec![HttpVersion::Http1.alpn().into()];
        Self {
            config: Arc::new(RwLock::new(Arc::new(config))),
        }
    }
}

/// Uses a configuration of rustls. The list of ALPN protocols is replaced by `http/1.1`.
impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Arc::unwrap_or_clone(config).into()
    }
}

impl<R: Runtime> ServerTls<R> for TlsAcceptor {
    fn accept(&self, transport: AnyTransport<R>) -> TlsHandshake<'_, R> {
        Box::pin(async { Ok(AnyTransport::new(self.accept(transport).await?)) })
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").finish_non_exhaustive()
    }
}

/// The settings of a [`TlsAcceptor`].
#[derive(Clone)]
#[must_use]
pub struct TlsAcceptorBuilder {
    identity: Identity,
    client_roots: Option<Vec<u8>>,
}

impl TlsAcceptorBuilder {
    /// Demands certificates of clients (mutual TLS). `pem` has the certificates of the authorities
    /// that issue them.
    ///
    /// A certificate is not verified again when its client resumes a session.
    /// [`TlsAcceptor::replace`] ends all sessions that could be resumed.
    pub fn client_roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_roots = Some(pem.into());
        self
    }

    /// Makes the acceptor.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a feature is missing, or if the PEM texts are unusable.
    pub fn build(self) -> Result<TlsAcceptor, SetupError> {
        let provider = provider::provider()?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_roots {
            Some(pem) => {
                let roots = Arc::new(pem::roots(pem)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                // The only errors are missing roots, and faulty revocation lists, which are not
                // set.
                builder.with_client_cert_verifier(verifier.map_err(|_| SetupError::NoCertificate)?)
            }
            None => builder.with_no_client_auth(),
        };
        let (chain, key) = self.identity.parse()?;
        let mut config = builder.with_single_cert(chain, key)?;
        config.ticketer = provider::ticketer()?;
        Ok(config.into())
    }
}

impl fmt::Debug for TlsAcceptorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptorBuilder").finish_non_exhaustive()
    }
}
