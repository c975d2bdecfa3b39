//! The transports below WebSocket: TCP or a Unix socket, TLS over either, HTTP/2 over any of them.

mod link;
mod tcp;
#[cfg(unix)]
mod unix;

pub(crate) use link::Link;

use std::fmt;
use std::io::{self, Read, Write};

use mio::event::Source;

use crate::http2;

/// A two-way stream of bytes that does not block.
///
/// [`Read::read`] returns 0 at the end of the other side's direction.
pub(crate) trait Transport: Read + Write + Send + fmt::Debug {
    /// Returns the socket to wait for.
    fn source(&mut self) -> &mut dyn Source;

    /// Ends the suite's direction after the written bytes.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Makes the end of the transport a reset, without further bytes.
    fn reset_at_end(&mut self);

    /// Returns `true` if the other side has reset the connection, as far as this is visible without
    /// reading.
    fn is_broken(&self) -> bool;

    /// Returns the stream, if the transport is one of HTTP/2.
    fn http2(&mut self) -> Option<&mut http2::Stream> {
        None
    }
}
