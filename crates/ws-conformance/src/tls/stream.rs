//! TLS over another transport.

use std::io::{self, Read, Write};

use mio::event::Source;
use rustls::Connection;

use super::HandshakeError;
use crate::transport::Transport;

/// TLS over another transport. Bytes for which there is no room stay here, at most those of one
/// write.
#[derive(Debug)]
pub(crate) struct TlsStream {
    inner: Box<dyn Transport>,
    tls: Connection,
    /// The own direction of the connection ends after what is still here.
    ends: bool,
    /// The connection is to be broken off, without a `close_notify`.
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

    /// Goes on with the TLS handshake, to its end unless that would block.
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

    /// Decrypts what was read. If that fails, an alert says why.
    fn decrypt(&mut self) -> Result<(), rustls::Error> {
        let state = self.tls.process_new_packets();
        // An answer to what was read goes out with what is written next if there is no room.
        let _ = self.flush();
        state.map(drop)
    }
}

impl Read for TlsStream {
    /// Reads what is there. The end of TCP is the end, with a `close_notify` or without: many
    /// endpoints leave it out, and WebSocket has a Close of its own.
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
    /// Writes what there is room for, as a record of its own.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = self.tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Writes what is still here, as far as there is room.
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

    /// Sends a `close_notify` and ends the own direction, as soon as there is room.
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
            // A side that does not read misses this.
            let _ = self.flush();
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
