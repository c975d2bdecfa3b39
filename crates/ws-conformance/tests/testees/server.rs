//! A testee that is connected to.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::echo::Next;
use super::rules::{Reaction, Rules};
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

    /// Sets other times.
    pub(crate) fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Serves all connections, each in a thread of its own, until the fault ends the server.
    pub(crate) fn serve(self, fault: Fault) {
        let service = Arc::new(Service::new(fault, self.pace));
        for tcp in self.listener.incoming().flatten() {
            if service.is_dead() {
                return;
            }
            let service = Arc::clone(&service);
            thread::spawn(move || {
                if service.serve(&tcp) == End::OfServer {
                    // Wakes the thread that accepts.
                    let _ = TcpStream::connect(self.address);
                }
            });
        }
    }
}

/// Serves the connections of one server.
#[derive(Debug)]
pub(crate) struct Service {
    rules: Rules,
    pace: Pace,
    /// The number of open connections.
    open: AtomicUsize,
    is_dead: AtomicBool,
    /// Held by the connection that is served, if there can be one only.
    turn: Mutex<()>,
}

/// The scope of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    OfConnection,
    OfServer,
}

impl Service {
    pub(crate) fn new(fault: Fault, pace: Pace) -> Self {
        Self {
            rules: fault.rules(),
            pace,
            open: AtomicUsize::new(0),
            is_dead: AtomicBool::new(false),
            turn: Mutex::new(()),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }

    /// Serves a connection. The caller closes TCP. If the server is to end, it has to end before
    /// that, because the suite may connect again at once.
    pub(crate) fn serve(&self, tcp: &TcpStream) -> End {
        let before = self.open.fetch_add(1, Ordering::SeqCst);
        let next = match before >= self.rules.max_connections {
            true if self.rules.at_overload == Reaction::Die => Ok(Next::Die),
            true => Ok(Next::Drop),
            false => self.answer(tcp),
        };
        self.open.fetch_sub(1, Ordering::SeqCst);
        // An error ends the connection. The suite judges what that means.
        match next {
            Ok(Next::Die) => {
                self.is_dead.store(true, Ordering::SeqCst);
                End::OfServer
            }
            _ => End::OfConnection,
        }
    }

    fn answer(&self, tcp: &TcpStream) -> io::Result<Next> {
        let turn = self.rules.one_at_a_time.then(|| self.turn.lock());
        thread::sleep(Duration::from_millis(self.rules.accept_delay_ms));
        if self.is_dead() {
            return Ok(Next::Drop);
        }
        tcp.set_nodelay(true)?;
        let next = match handshake::accept(tcp, self.rules, self.pace)? {
            Some(deflate) => connection::echo(tcp, self.rules, Role::Server, self.pace, deflate),
            None => Ok(Next::Drop),
        };
        drop(turn);
        next
    }
}
