//! TLS over another transport.

use std::io::{self, Read, Write};

use mio::event::Source;
use rustls::Connection;

use super::HandshakeError;
use crate::case::Http;
use crate::transport::Transport;

/// TLS over another transport. Bytes that the transport does not accept are stored here, at most
/// those of one write.
#[derive(Debug)]
pub(crate) struct TlsStream {
    inner: Box<dyn Transport>,
    tls: Connection,
    /// `true` if the suite's direction ends after the stored bytes.
    ends: bool,
    /// `true` if the connection is to be reset, without a `close_notify`.
    resets: bool,
}

impl TlsStream {
    pub(crate) fn new(inner: Box<dyn Transport>, tls: Connection) -> Self {
        Self {
            inner,
            tls,
            ends: false,
            resets: false,
        }
    }

    /// Continues the TLS handshake until it is done or would block.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            if !self.tls.is_handshaking() {
                return Ok(());
            }
            if self.tls.read_tls(&mut self.inner)? == 0 {
                return Err(HandshakeError::Ended.into());
            }
            self.decrypt().map_err(HandshakeError::from)?;
        }
    }

    /// Fails unless ALPN has agreed on the version of HTTP (RFC 9113 §3.2).
    pub(crate) fn check_alpn(&self, http: Http) -> Result<(), HandshakeError> {
        let wanted = http.alpn();
        let agreed = self.tls.alpn_protocol().map(<[u8]>::to_vec);
        match wanted.is_empty() || agreed.is_some_and(|agreed| wanted.contains(&agreed)) {
            true => Ok(()),
            false => Err(HandshakeError::NoHttp2),
        }
    }

    /// Decrypts the bytes that were read. A failure sends an alert.
    fn decrypt(&mut self) -> Result<(), rustls::Error> {
        let state = self.tls.process_new_packets();
        // An answer leaves with the next write if there is no room now.
        let _ = self.flush();
        state.map(drop)
    }
}

impl Read for TlsStream {
    /// Reads the available bytes. The end of TCP is the end, with or without a `close_notify`: many
    /// endpoints leave it out, and WebSocket has its own Close.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            self.tls.read_tls(&mut self.inner)?;
            self.decrypt().map_err(io::Error::other)?;
        }
    }
}

impl Write for TlsStream {
    /// Writes as many bytes as there is room for, as a record of its own.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = self.tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Writes the stored bytes, as far as there is room.
    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.inner) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        match self.ends {
            true => self.inner.shutdown_write(),
            false => self.inner.flush(),
        }
    }
}

impl Transport for TlsStream {
    fn source(&mut self) -> &mut dyn Source {
        self.inner.source()
    }

    /// Sends a `close_notify` and ends the suite's direction as soon as there is room.
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.tls.send_close_notify();
        self.ends = true;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    fn reset_at_end(&mut self) {
        self.resets = true;
        self.inner.reset_at_end();
    }

    fn is_broken(&self) -> bool {
        self.inner.is_broken()
    }
}

impl Drop for TlsStream {
    fn drop(&mut self) {
        if !self.resets {
            self.tls.send_close_notify();
            // A side that does not read misses this alert.
            let _ = self.flush();
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
