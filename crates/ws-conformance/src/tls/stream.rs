//! TLS over a non-blocking socket.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use rustls::Connection;

use super::HandshakeError;

/// TLS over TCP. What the socket has no room for stays here, at most what one write was about.
#[derive(Debug)]
pub(crate) struct TlsStream {
    tcp: TcpStream,
    tls: Connection,
    /// The own direction of TCP ends after what is still here.
    ends: bool,
    /// TCP is to be reset: nobody says goodbye.
    resets: bool,
}

impl TlsStream {
    pub(crate) fn new(tcp: TcpStream, tls: Connection) -> Self {
        Self {
            tcp,
            tls,
            ends: false,
            resets: false,
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Goes on with the TLS handshake, to its end unless that would block.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            if !self.tls.is_handshaking() {
                return Ok(());
            }
            if self.tls.read_tls(&mut self.tcp)? == 0 {
                return Err(HandshakeError::Ended.into());
            }
            self.decrypt().map_err(HandshakeError::from)?;
        }
    }

    /// Reads what is there. The end of TCP is the end, said goodbye to or not: many endpoints leave
    /// out the `close_notify`, and WebSocket has a Close of its own.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            self.tls.read_tls(&mut self.tcp)?;
            self.decrypt().map_err(io::Error::other)?;
        }
    }

    /// Writes what there is room for, as a record of its own.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = self.tls.writer().write(octets)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Writes what is still here, as far as there is room.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.tcp) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        match self.ends {
            true => self.tcp.shutdown(Shutdown::Write),
            false => Ok(()),
        }
    }

    /// Says goodbye and ends the own direction of TCP, as soon as there is room.
    pub(crate) fn shutdown_write(&mut self) -> io::Result<()> {
        self.tls.send_close_notify();
        self.ends = true;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// TCP will be reset: from here on nothing is said.
    pub(crate) fn keep_silent(&mut self) {
        self.resets = true;
    }

    /// Decrypts what was read. If that fails, an alert says why.
    fn decrypt(&mut self) -> Result<(), rustls::Error> {
        let state = self.tls.process_new_packets();
        // An answer to what was read goes out with what is written next if there is no room.
        let _ = self.flush();
        state.map(drop)
    }
}

impl Drop for TlsStream {
    fn drop(&mut self) {
        if !self.resets {
            self.tls.send_close_notify();
            // Whoever does not read does not want to know.
            let _ = self.flush();
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
