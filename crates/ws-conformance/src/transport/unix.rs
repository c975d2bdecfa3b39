//! Unix sockets.

use std::io;
use std::net::Shutdown;

use mio::event::Source;
use mio::net::UnixStream;

use super::Transport;

impl Transport for UnixStream {
    fn source(&mut self) -> &mut dyn Source {
        self
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    /// Does nothing. A Unix socket has no reset, and its end breaks the connection for the other
    /// side, too.
    fn reset_at_end(&mut self) {}

    fn is_broken(&self) -> bool {
        !matches!(self.take_error(), Ok(None))
    }
}
