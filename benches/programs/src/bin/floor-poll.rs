//! The floor without a runtime: a loop around the readiness calls of the system (epoll on Linux).

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use ws_bench_programs::floor;

const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(floor::address())?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut connections = HashMap::new();
    let mut accepted = 0;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut tcp, _)) = listener.accept() {
                    tcp.set_nodelay(true)?;
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry()
                        .register(&mut tcp, Token(accepted), interest)?;
                    connections.insert(accepted, Connection::new(tcp));
                    accepted += 1;
                }
            } else if let Some(connection) = connections.get_mut(&event.token().0)
                && !matches!(connection.echo(), Ok(Go::On))
            {
                connections.remove(&event.token().0);
            }
        }
    }
}

/// The state of a connection after its input was echoed. `On`: the connection is open. `Away`: the
/// peer has ended the connection.
enum Go {
    On,
    Away,
}

struct Connection {
    tcp: TcpStream,
    buffer: Box<[u8]>,
    /// The start of the bytes in `buffer` that have been read but not written. The end of these
    /// bytes is `to`.
    from: usize,
    to: usize,
}

impl Connection {
    fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            buffer: floor::buffer(),
            from: 0,
            to: 0,
        }
    }

    /// Reads and writes until a read or a write would block.
    fn echo(&mut self) -> io::Result<Go> {
        let mut is_empty = false;
        loop {
            while self.from < self.to {
                match self.tcp.write(&self.buffer[self.from..self.to]) {
                    Ok(len) => self.from += len,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Go::On),
                    Err(error) => return Err(error),
                }
            }
            if is_empty {
                return Ok(Go::On);
            }
            (self.from, self.to) = (0, 0);
            match self.tcp.read(&mut self.buffer) {
                Ok(0) => return Ok(Go::Away),
                Ok(len) => self.to = len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Go::On),
                Err(error) => return Err(error),
            }
            // A short read has emptied the socket. The next byte causes a new event.
            is_empty = self.to < self.buffer.len();
        }
    }
}
