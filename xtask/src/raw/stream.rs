//! What carries the bytes of a connection: TCP, or TLS over it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Trust in the servers whose certificates one authority has issued.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    authority: PathBuf,
    config: Arc<ClientConfig>,
}

impl Trust {
    /// Reads the certificate of the authority from a PEM file. No session is resumed, so that each
    /// connection costs a server the same.
    pub(crate) fn only(authority: &Path) -> Result<Self> {
        let context = || format!("cannot use the certificate in {}", authority.display());
        let certificate = CertificateDer::from_pem_file(authority).with_context(context)?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).with_context(context)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        // For records that rustls does not send.
        config.enable_secret_extraction = true;
        Ok(Self {
            authority: authority.to_owned(),
            config: Arc::new(config),
        })
    }

    /// A ClientHello for the server at this address.
    pub(crate) fn client_hello(&self, server: SocketAddr) -> Result<Vec<u8>> {
        let mut session = self.session(server)?;
        let mut hello = Vec::new();
        session.write_tls(&mut hello)?;
        Ok(hello)
    }

    fn session(&self, server: SocketAddr) -> Result<ClientConnection> {
        let config = Arc::clone(&self.config);
        Ok(ClientConnection::new(config, server.ip().into())?)
    }

    /// The file with the certificate of the authority.
    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// Needed if the server speaks TLS.
    pub(crate) trust: Option<Trust>,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        let trust = None;
        Self { address, trust }
    }
}

impl From<&Self> for Endpoint {
    fn from(endpoint: &Self) -> Self {
        endpoint.clone()
    }
}

/// A blocking stream.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Performs the TLS handshake with a server over `tcp`.
    pub(crate) fn shake_hands(mut tcp: TcpStream, trust: &Trust) -> Result<Self> {
        let mut tls = trust.session(tcp.peer_addr()?)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).context("no TLS handshake")?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(tls, tcp))))
    }

    /// The socket.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
