//! TCP.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;

use super::Transport;

impl Transport for TcpStream {
    fn source(&mut self) -> &mut dyn Source {
        self
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn reset_at_end(&mut self) {
        // An error means that the connection is over already.
        let _ = socket2::SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }

    fn is_broken(&self) -> bool {
        !matches!(self.take_error(), Ok(None))
    }
}
