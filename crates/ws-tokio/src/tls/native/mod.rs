//! TLS of the operating system, for clients.

mod error;
mod link;
mod transport;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::{fmt, io, mem};

use native_tls::{HandshakeError, TlsConnector, TlsConnectorBuilder};
use ws_driver::transport::{ClientTls, ClientTlsHandshake, HttpVersion, Reached, WriteHalf};
use ws_driver::{TlsError, TlsErrorKind};

use crate::Tokio;
use crate::transport::AnyTransport;
use link::{Link, Report};

pub use transport::NativeTlsTransport;

/// TLS of the operating system, for clients: OpenSSL on Linux, SChannel on Windows, Secure
/// Transport on macOS. Clones are cheap.
///
/// Verifies servers with the root certificates of the operating system. On a connection, the
/// transport is a [`NativeTlsTransport`].
///
/// # Errors of connections
///
/// Each platform reports other errors. If the peer does not speak TLS, the kind is
/// [`TlsErrorKind::NotTls`] on all of them. OpenSSL distinguishes these kinds:
///
/// * [`TlsErrorKind::CertificateInvalid`] for a certificate of the server that is not trusted, has
///   expired or is for another host name. Only the text of the error names the reason.
/// * [`TlsErrorKind::CertificateRequired`] and [`TlsErrorKind::CertificateRefused`] for the
///   certificate of the client. A server with TLS 1.2 does not always send the reason.
///
/// Any other error is [`TlsErrorKind::Session`], and so is every error on Windows and macOS.
/// [`TlsError::is_disconnect`] then returns `true` even if a later attempt fails for the same
/// reason, such as an expired certificate. So limit the number of attempts.
#[derive(Clone)]
pub struct NativeTls(Arc<Mutex<Connectors>>);

/// The connectors of native-tls. The list of ALPN protocols is fixed when a connector is built.
struct Connectors {
    builder: TlsConnectorBuilder,
    built: Vec<(Vec<HttpVersion>, TlsConnector)>,
}

impl NativeTls {
    /// Makes a connector that trusts the authorities that the operating system trusts. This may
    /// read their certificates from files.
    ///
    /// # Errors
    ///
    /// The kind is [`TlsErrorKind::Setup`] if the TLS of the operating system is unusable.
    pub fn new() -> Result<Self, TlsError> {
        Self::from_builder(TlsConnector::builder())
    }

    /// Makes a connector with other settings, for instance with a private authority or a client
    /// certificate. The list of ALPN protocols is replaced: by default, it is `http/1.1`.
    ///
    /// # Errors
    ///
    /// The kind is [`TlsErrorKind::Setup`] if the settings are unusable.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let authority = ws_test_certificates::Authority::new().certificate();
    /// use ws_tokio::tls::NativeTls;
    /// use ws_tokio::tls::native_tls::{Certificate, TlsConnector};
    ///
    /// let mut builder = TlsConnector::builder();
    /// // `authority` is the content of a PEM file.
    /// builder.add_root_certificate(Certificate::from_pem(authority.as_bytes())?);
    /// let connector = ws_tokio::Connector::new().tls(NativeTls::from_builder(builder)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_builder(builder: TlsConnectorBuilder) -> Result<Self, TlsError> {
        let built = Vec::new();
        let tls = Self(Arc::new(Mutex::new(Connectors { builder, built })));
        tls.connector(&[HttpVersion::Http1])?;
        Ok(tls)
    }

    /// Returns the connector that negotiates one of `versions`. Builds it on the first call.
    fn connector(&self, versions: &[HttpVersion]) -> Result<TlsConnector, TlsError> {
        let mut connectors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut built = connectors.built.iter();
        if let Some((_, connector)) = built.find(|(of, _)| of == versions) {
            return Ok(connector.clone());
        }
        let protocols = Vec::from_iter(versions.iter().map(|version| version.alpn()));
        let built = connectors.builder.request_alpns(&protocols).build();
        let connector = built.map_err(|error| TlsError::new(TlsErrorKind::Setup, error))?;
        connectors.built.push((versions.into(), connector.clone()));
        Ok(connector)
    }

    /// Returns the connector that the whole process shares, so that the root certificates are read
    /// once. Makes it on the first call.
    pub(super) fn shared() -> Result<Self, TlsError> {
        static SHARED: OnceLock<NativeTls> = OnceLock::new();
        match SHARED.get() {
            Some(shared) => Ok(shared.clone()),
            None => {
                let made = Self::new()?;
                Ok(SHARED.get_or_init(|| made).clone())
            }
        }
    }

    async fn handshake(
        &self,
        host: &str,
        versions: &[HttpVersion],
        io: AnyTransport,
    ) -> io::Result<NativeTlsTransport> {
        let connector = self.connector(versions)?;
        // The name in a certificate has no dot at its end. OpenSSL does not remove it.
        let host = host.strip_suffix('.').unwrap_or(host);
        // OpenSSL would panic.
        if host.contains('\0') {
            let source = "the host name contains a NUL";
            return Err(TlsError::new(TlsErrorKind::Setup, source).into());
        }
        let report = Report::default();
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let link = Link::new(io, waker, report.clone());
        let mut attempt = connector.connect(host, link);
        let stream = loop {
            match attempt {
                Ok(stream) => break stream,
                Err(HandshakeError::WouldBlock(mut unfinished)) => {
                    unfinished.get_mut().set_waker(&next_poll().await);
                    attempt = unfinished.handshake();
                }
                Err(HandshakeError::Failure(error)) => {
                    return Err(error::of_handshake(error, report.get()));
                }
            }
        };
        let mut transport = NativeTlsTransport::new(stream, report);
        poll_fn(|cx| transport.poll_flush(cx)).await?;
        Ok(transport)
    }
}

impl ClientTls<Tokio> for NativeTls {
    fn connect<'a>(
        &'a self,
        host: &'a str,
        versions: &'a [HttpVersion],
        transport: AnyTransport,
    ) -> ClientTlsHandshake<'a, Tokio> {
        Box::pin(async move {
            let transport = self.handshake(host, versions, transport).await?;
            let version = transport.http_version();
            Ok(Reached::new(AnyTransport::new(transport), version))
        })
    }
}

impl fmt::Debug for NativeTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeTls").finish_non_exhaustive()
    }
}

/// Suspends the task once. Returns the waker of the next poll.
async fn next_poll() -> Waker {
    let mut is_first = true;
    poll_fn(|cx| match mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(cx.waker().clone()),
    })
    .await
}
