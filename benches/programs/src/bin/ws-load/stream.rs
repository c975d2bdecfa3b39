//! The connections to the server, over TCP or TLS.

use std::io::{self, Read, Write};

use anyhow::{Context, Result, bail};

use crate::tls::Tls;

/// A connection. `T` is its socket. The socket blocks during the opening handshake, and does not
/// block during the measurement.
pub(crate) enum Stream<T> {
    Plain(T),
    Tls(Box<Tls<T>>),
}

impl<T> Stream<T> {
    /// Replaces the socket by the result of `change`.
    pub(crate) fn try_map<U>(self, change: impl FnOnce(T) -> Result<U>) -> Result<Stream<U>> {
        Ok(match self {
            Self::Plain(tcp) => Stream::Plain(change(tcp)?),
            Self::Tls(tls) => Stream::Tls(Box::new(tls.try_map(change)?)),
        })
    }
}

/// Calls for a socket that does not block.
impl<T: Read + Write> Stream<T> {
    /// Reads once, and passes the bytes to `arrived`. Returns `true` if the socket may have more
    /// bytes.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut arrived: impl FnMut(&[u8]),
    ) -> Result<bool> {
        match self {
            Self::Plain(tcp) => {
                let Some(len) = read_once(tcp, buffer)? else {
                    return Ok(false);
                };
                arrived(&buffer[..len]);
                Ok(len == buffer.len())
            }
            Self::Tls(tls) => tls.receive(buffer, arrived),
        }
    }

    /// Sends `bytes` or the beginning of `bytes`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the socket takes nothing.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.send(bytes),
        }
    }

    /// Returns `true` if bytes that were sent wait for the socket. Call [`send`](Self::send) again
    /// when the socket is writable.
    pub(crate) fn is_sending(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.is_sending(),
        }
    }
}

/// For a socket that blocks.
impl<T: Read + Write> Read for Stream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.blocking().read(buffer),
        }
    }
}

/// For a socket that blocks.
impl<T: Read + Write> Write for Stream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.blocking().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.blocking().flush(),
        }
    }
}

/// Reads once. Returns `None` if no bytes are available.
pub(crate) fn read_once(tcp: &mut impl Read, buffer: &mut [u8]) -> Result<Option<usize>> {
    match tcp.read(buffer) {
        Ok(0) => bail!("the server ended a connection"),
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error).context("cannot read"),
    }
}
