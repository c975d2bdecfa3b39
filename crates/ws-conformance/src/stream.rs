//! What carries the octets of a connection: TCP, or TLS over it.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;

use crate::tls::TlsStream;

/// A non-blocking connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    /// The same connection, over which TLS is spoken from here on.
    pub(crate) fn secured(self, tls: rustls::Connection) -> Self {
        match self {
            Self::Plain(tcp) => Self::Tls(Box::new(TlsStream::new(tcp, tls))),
            Self::Tls(_) => self,
        }
    }

    /// Goes on with the TLS handshake, to its end unless that would block.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.shake_hands(),
        }
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    /// Writes what there is room for.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(octets),
            Self::Tls(stream) => stream.write(octets),
        }
    }

    /// Hands what was written to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }

    /// Ends the own direction of TCP after what was written.
    pub(crate) fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.shutdown(Shutdown::Write),
            Self::Tls(stream) => stream.shutdown_write(),
        }
    }

    /// From here on, the end of the stream resets TCP. A socket that refuses this is over already.
    pub(crate) fn reset_at_end(&mut self) {
        if let Self::Tls(stream) = self {
            stream.keep_silent();
        }
        let _ = socket2::SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
    }

    /// Whether the other side has reset TCP, as far as can be told without reading.
    pub(crate) fn is_broken(&self) -> bool {
        !matches!(self.tcp().take_error(), Ok(None))
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(stream) => stream.tcp(),
        }
    }
}
