//! A testee that is connected to.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::{Fault, Pace, Role, connection, handshake};

/// A listening echo server.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    pace: Pace,
}

impl Server {
    /// Listens on a port of the loopback interface, 0 for a free one.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            pace: Pace::NORMAL,
        })
    }

    /// With other times.
    pub(crate) fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Serves all connections, each in a thread of its own, until the process ends.
    pub(crate) fn serve(self, fault: Fault) {
        for tcp in self.listener.incoming().flatten() {
            // An error ends that connection; what it means is for the suite to say.
            thread::spawn(move || answer(tcp, fault, self.pace));
        }
    }
}

/// Answers a request and echoes until the connection ends.
pub(crate) fn answer(mut tcp: TcpStream, fault: Fault, pace: Pace) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    match handshake::accept(&mut tcp, fault, pace)? {
        Some(deflate) => connection::echo(tcp, fault, Role::Server, pace, deflate),
        None => Ok(()),
    }
}
