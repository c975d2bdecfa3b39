//! The streams of a connection: TCP, or TLS over it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Trust in the servers whose certificates one authority has issued.
#[derive(Clone, Debug)]
pub struct Trust {
    config: Arc<ClientConfig>,
}

impl Trust {
    /// Reads the certificate of the authority from a PEM file. Sessions are not resumed, so that
    /// each connection costs a server the same.
    pub fn only(authority: &Path) -> Result<Self> {
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
        let config = Arc::new(config);
        Ok(Self { config })
    }

    /// Returns a ClientHello for the server at this address.
    pub fn client_hello(&self, server: SocketAddr) -> Result<Vec<u8>> {
        let mut session = self.session(server)?;
        let mut hello = Vec::new();
        session.write_tls(&mut hello)?;
        Ok(hello)
    }

    fn session(&self, server: SocketAddr) -> Result<ClientConnection> {
        let config = Arc::clone(&self.config);
        Ok(ClientConnection::new(config, server.ip().into())?)
    }
}

/// The address of a server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address for TCP.
    pub address: SocketAddr,
    /// Required if the server uses TLS.
    pub trust: Option<Trust>,
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

    /// Returns the socket.
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread::{self, JoinHandle};

    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ContentType, ServerConfig, ServerConnection};

    use super::*;
    use crate::Peer;
    use ws_test_certificates::options::Certificates;

    /// Starts a server for one connection. The thread returns the bytes that it received until the
    /// end. The server sends them back.
    fn serve(certificates: &Certificates) -> (SocketAddr, JoinHandle<io::Result<Vec<u8>>>) {
        let (certificate, key) = certificates.server();
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let session = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(session, listener.accept().unwrap().0);
            let mut received = vec![0; 5];
            stream.read_exact(&mut received)?;
            stream.write_all(&received)?;
            Ok(received)
        });
        (address, serving)
    }

    fn certificates() -> (tempfile::TempDir, Certificates) {
        let dir = tempfile::tempdir().unwrap();
        let certificates = Certificates::make(dir.path()).unwrap();
        (dir, certificates)
    }

    #[test]
    fn bytes_pass_through_tls() {
        let (_dir, certificates) = certificates();
        let (address, serving) = serve(&certificates);
        let tcp = TcpStream::connect(address).unwrap();
        let trust = Trust::only(certificates.authority()).unwrap();
        let mut stream = Stream::shake_hands(tcp, &trust).unwrap();
        stream.write_all(b"hello").unwrap();
        stream.flush().unwrap();
        let mut echo = [0; 5];
        stream.read_exact(&mut echo).unwrap();
        assert_eq!(&echo, b"hello");
        assert_eq!(serving.join().unwrap().unwrap(), b"hello");
        // There was no `close_notify`.
        let end = stream.read(&mut echo).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn another_authority_is_not_trusted() {
        let (_dir, certificates) = certificates();
        let (_other_dir, others) = self::certificates();
        let (address, serving) = serve(&certificates);
        let trust = Some(Trust::only(others.authority()).unwrap());
        let refused = Peer::connect(&Endpoint { address, trust });
        assert!(format!("{:#}", refused.err().unwrap()).contains("certificate"));
        assert!(serving.join().unwrap().is_err());
    }

    #[test]
    fn records_that_are_sealed_here_are_understood() {
        let (_dir, certificates) = certificates();
        let (address, serving) = serve(&certificates);
        let trust = Some(Trust::only(certificates.authority()).unwrap());
        let peer = Peer::connect(&Endpoint { address, trust }).unwrap();
        let (mut peer, mut sealer) = peer.unsealed().unwrap();
        for part in [&b"he"[..], b"", b"llo"] {
            let record = sealer.seal(ContentType::ApplicationData, part).unwrap();
            peer.send(&record).unwrap();
        }
        assert_eq!(serving.join().unwrap().unwrap(), b"hello");
    }
}
