//! TLS over scripted transports. The peer is rustls itself.

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use ws_driver::{Acceptor, Config, Connector, WebSocket};
use ws_test_certificates::{Authority, Identity};
use ws_tls::{TlsAcceptor, TlsConnector, TlsTransport};

use crate::clock;
use crate::exec::{self, Task};
use crate::http;
use crate::scripted::{self, End, Manual, Peer, Scripted};

/// A TLS session over a scripted transport.
pub type Session = TlsTransport<Scripted>;

/// A connection over TLS over a scripted transport.
pub type Wss = WebSocket<Session>;

/// Certificates that the tests of one process share, because it takes time to make their keys.
pub struct Certificates {
    /// The authority that both ends trust.
    pub authority: Authority,
    /// A server on `localhost`, with a certificate of the authority.
    pub server: Identity,
    /// A client with a certificate of the authority.
    pub client: Identity,
    /// An authority that neither end trusts.
    pub stranger: Authority,
}

/// Returns the certificates of this process.
#[must_use]
pub fn certificates() -> &'static Certificates {
    static SHARED: OnceLock<Certificates> = OnceLock::new();
    SHARED.get_or_init(|| {
        let authority = Authority::new();
        Certificates {
            server: authority.server(),
            client: authority.client(),
            authority,
            stranger: Authority::new(),
        }
    })
}

/// The versions of TLS.
pub const VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];

/// Returns the settings of a client that trusts [`certificates`].
///
/// # Panics
///
/// If rustls refuses the settings.
#[must_use]
pub fn client_config(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authority = certificates().authority.certificate();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes());
    roots.add(authority.expect("PEM")).expect("an authority");
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions of the provider")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Returns the settings of a server with the certificate of [`certificates`].
///
/// # Panics
///
/// If rustls refuses the settings.
#[must_use]
pub fn server_config(versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let Identity { certificate, key } = &certificates().server;
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions of the provider")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key")
}

/// The peer of a TLS session: rustls over the other end of a scripted transport.
#[derive(Debug)]
pub struct TlsPeer {
    /// The other end of the scripted transport. It carries ciphertext.
    pub below: Peer,
    /// The session of the peer.
    pub tls: Connection,
    /// The plaintext that was received and not taken.
    received: Vec<u8>,
    /// The reason why the session of the peer failed.
    pub failure: Option<rustls::Error>,
    /// The number of bytes that are sent before the peer ends the transport.
    bytes_left: Option<usize>,
}

impl TlsPeer {
    /// Returns the peer of `end`.
    ///
    /// # Panics
    ///
    /// If rustls refuses the settings.
    #[must_use]
    pub fn new(end: End, below: Peer, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut tls: Connection = match end {
            End::Client => ServerConnection::new(Arc::new(server_config(versions)))
                .expect("a session")
                .into(),
            End::Server => {
                let name = ServerName::try_from("localhost").expect("a name");
                ClientConnection::new(Arc::new(client_config(versions)), name)
                    .expect("a session")
                    .into()
            }
        };
        tls.set_buffer_limit(None);
        Self {
            below,
            tls,
            received: Vec::new(),
            failure: None,
            bytes_left: None,
        }
    }

    /// Ends the transport after `len` more bytes.
    pub fn cut_after(&mut self, len: usize) {
        self.bytes_left = Some(len);
    }

    /// Returns `true` if the transport was ended by [`cut_after`](Self::cut_after).
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.bytes_left == Some(0)
    }

    /// Reads what arrived, and sends what TLS has to send.
    ///
    /// # Panics
    ///
    /// If the session fails for a reason other than TLS.
    pub fn process(&mut self) {
        let output = self.below.take_output();
        let mut input = &output[..];
        while !input.is_empty() && self.failure.is_none() {
            if self.tls.read_tls(&mut input).expect("room for a record") == 0 {
                break;
            }
            self.failure = self.tls.process_new_packets().err();
            match self.tls.reader().read_to_end(&mut self.received) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => panic!("{error}"),
                _ => {}
            }
        }
        self.send();
    }

    /// Sends the records that are queued, as one segment.
    fn send(&mut self) {
        let mut records = self.records();
        if let Some(left) = &mut self.bytes_left {
            records.truncate(*left);
            *left -= records.len();
        }
        // Even an empty segment would wake the task, and virtual time would never advance.
        if !records.is_empty() {
            self.below.push(records);
        }
        if self.is_cut() {
            self.below.end();
        }
    }

    /// Returns the records that are queued.
    fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).expect("a Vec takes all");
        }
        records
    }

    /// Encrypts `plaintext` and returns the records without sending them.
    ///
    /// # Panics
    ///
    /// If the session has failed.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Vec<u8> {
        self.tls.writer().write_all(plaintext).expect("no limit");
        self.records()
    }

    /// Encrypts `plaintext` and sends the records as one segment.
    ///
    /// # Panics
    ///
    /// If the session has failed.
    pub fn push(&mut self, plaintext: &[u8]) {
        self.tls.writer().write_all(plaintext).expect("no limit");
        self.send();
    }

    /// Sends a `close_notify`. The transport stays open.
    pub fn close_notify(&mut self) {
        self.tls.send_close_notify();
        self.send();
    }

    /// Takes the plaintext that arrived since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.process();
        std::mem::take(&mut self.received)
    }

    /// Runs `future` to its end. Whenever it waits, reads its output and calls `answer`.
    ///
    /// # Panics
    ///
    /// If nothing is left that could wake the future.
    pub fn serve<F: Future>(&mut self, future: F, answer: impl FnMut(&mut Self)) -> F::Output {
        self.try_serve(future, answer).expect("the future hangs")
    }

    /// Runs a future as [`serve`](Self::serve) does. Returns `None` if nothing is left that could
    /// wake the future.
    pub fn try_serve<F: Future>(
        &mut self,
        future: F,
        mut answer: impl FnMut(&mut Self),
    ) -> Option<F::Output> {
        let mut task = Task::new();
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = exec::settle(&mut task, future.as_mut()) {
                return Some(output);
            }
            self.process();
            answer(self);
            while !task.is_woken() {
                if !clock::advance_to_alarm() {
                    return None;
                }
            }
        }
    }
}

/// Performs the TLS handshake of `end` over `transport`.
///
/// # Errors
///
/// The error of the handshake.
pub async fn secure(end: End, transport: Scripted) -> io::Result<Session> {
    secure_with(end, transport, &VERSIONS).await
}

/// Performs the TLS handshake of `end` with some versions.
///
/// # Errors
///
/// The error of the handshake.
pub async fn secure_with(
    end: End,
    transport: Scripted,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<Session> {
    match end {
        End::Client => {
            let connector = TlsConnector::from(client_config(versions));
            connector.connect("localhost", transport).await
        }
        End::Server => {
            let acceptor = TlsAcceptor::from(server_config(versions));
            acceptor.accept(transport).await
        }
    }
}

/// Returns the session of `end` after its handshake, and its peer.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn session(end: End, versions: &[&'static SupportedProtocolVersion]) -> (Session, TlsPeer) {
    let (transport, below) = scripted::pair();
    let mut peer = TlsPeer::new(end, below, versions);
    peer.process();
    let session = peer.serve(secure(end, transport), |_| ());
    let session = session.expect("the TLS handshake");
    peer.process();
    let _ = peer.below.take_log();
    (session, peer)
}

/// Returns the connection of `end` after both handshakes, and its peer.
///
/// # Panics
///
/// If a handshake fails.
#[must_use]
pub fn open(end: End, config: &Config) -> (Wss, TlsPeer) {
    let (session, mut peer) = session(end, &VERSIONS);
    let ws = upgrade(end, config, session, &mut peer);
    let ws = ws.expect("the opening handshake");
    let _ = peer.below.take_log();
    (ws, peer)
}

/// Performs the opening handshake of `end` over a session.
///
/// # Errors
///
/// The error of the handshake.
pub fn upgrade(
    end: End,
    config: &Config,
    session: Session,
    peer: &mut TlsPeer,
) -> Result<Wss, crate::fault::Fault> {
    match end {
        End::Client => {
            let connector = Connector::<Manual>::new().config(config.clone());
            let handshake = connector.handshake_on("wss://localhost/", session);
            Ok(peer.serve(handshake, |peer| {
                let output = peer.take_output();
                if let Some((head, _)) = http::split_head(&output) {
                    peer.push(&http::switching(&head));
                }
            })?)
        }
        End::Server => {
            let acceptor = Acceptor::<Manual>::new().config(config.clone());
            peer.push(&http::request());
            let ws = peer.serve(acceptor.accept_on(session), |_| ())?;
            let output = peer.take_output();
            assert!(output.starts_with(b"HTTP/1.1 101 "), "{output:?}");
            Ok(ws)
        }
    }
}
