//! A blocking peer that uses rustls directly, over a TCP stream of the standard library.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use crate::http;
use crate::socket::{self, RawPeer};

/// A blocking stream over TLS.
///
/// Reading fails with [`io::ErrorKind::UnexpectedEof`] at the end of TCP without a `close_notify`.
#[derive(Debug)]
pub(super) struct TlsStream {
    pub(super) tls: Connection,
    pub(super) tcp: TcpStream,
}

impl TlsStream {
    /// Returns a client that has not begun its handshake.
    pub(super) fn client(tcp: TcpStream, config: ClientConfig) -> Self {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name);
        Self::new(tcp, session.expect("a session"))
    }

    /// Returns a server that has not begun its handshake.
    pub(super) fn server(tcp: TcpStream, config: ServerConfig) -> Self {
        let session = ServerConnection::new(Arc::new(config));
        Self::new(tcp, session.expect("a session"))
    }

    fn new(tcp: TcpStream, tls: impl Into<Connection>) -> Self {
        socket::configure(&tcp);
        Self {
            tls: tls.into(),
            tcp,
        }
    }

    /// Performs the handshake.
    pub(super) fn handshake(&mut self) -> io::Result<()> {
        while self.tls.is_handshaking() {
            self.tls.complete_io(&mut self.tcp)?;
        }
        self.write_records()
    }

    /// Replaces the keys of both directions (RFC 8446 §4.6.3). The other end replaces its own keys
    /// when it writes again.
    pub(super) fn refresh_keys(&mut self) {
        let refreshed = self.tls.refresh_traffic_keys();
        refreshed.expect("a session of TLS 1.3");
    }

    /// Removes the records that are queued, and returns them.
    pub(super) fn take_records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            let written = self.tls.write_tls(&mut records);
            written.expect("a vector takes everything");
        }
        records
    }

    fn write_records(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.tcp)?;
        }
        Ok(())
    }
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.tls.read_tls(&mut self.tcp)?;
            if let Err(error) = self.tls.process_new_packets() {
                let _ = self.write_records();
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.tls.writer().write(bytes)?;
        self.write_records()?;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_records()
    }
}

impl RawPeer<TlsStream> {
    /// Performs the TLS handshake and the opening handshake of a client.
    pub(super) fn request_over(mut stream: TlsStream) -> Self {
        stream.handshake().expect("the TLS handshake");
        let mut peer = Self::over(stream);
        peer.request(&http::request());
        peer
    }

    /// Performs the TLS handshake and the opening handshake of a server.
    pub(super) fn answer_over(mut stream: TlsStream) -> Self {
        stream.handshake().expect("the TLS handshake");
        let mut peer = Self::over(stream);
        peer.answer();
        peer
    }

    /// Ends the sending direction with a `close_notify`.
    pub(super) fn end(&mut self) {
        let stream = self.get_mut();
        stream.tls.send_close_notify();
        stream.flush().expect("the other end reads");
        self.cut();
    }

    /// Ends the sending direction of TCP without a `close_notify`, as an attacker could.
    pub(super) fn cut(&mut self) {
        let _ = self.get_mut().tcp.shutdown(Shutdown::Write);
    }
}
