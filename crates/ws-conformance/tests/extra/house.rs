//! The listening half of a broken server, which lasts for one case.
//!
//! The ports of a machine are few, and each stays in use for a minute after its connections. So the
//! next server listens on the port of the last one, unless that one has died.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::testee::{Accepted, Play, Serve, Testee, Times};

const OPEN: u8 = 0;
/// The testee stopped listening.
const DEAD: u8 = 1;
/// The case is over.
const OVER: u8 = 2;

/// A handle of the listening server, for its connections.
#[derive(Clone, Debug)]
pub(crate) struct House {
    address: SocketAddr,
    state: Arc<AtomicU8>,
}

/// A listening server.
pub(crate) struct Listening {
    pub(crate) house: House,
    thread: JoinHandle<Option<TcpListener>>,
}

impl Listening {
    /// Starts a server for a case. It uses a listener that an earlier one has left, if there is
    /// one.
    pub(crate) fn start(
        testee: &'static Testee,
        times: Times,
        listener: Option<TcpListener>,
    ) -> io::Result<Self> {
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind("127.0.0.1:0")?,
        };
        let house = House {
            address: listener.local_addr()?,
            state: Arc::new(AtomicU8::new(OPEN)),
        };
        let copy = house.clone();
        let Play::Server(make) = &testee.play else {
            return Err(io::Error::other("a client does not listen"));
        };
        let serve = make(times);
        let thread = thread::spawn(move || copy.listen(listener, &serve, times));
        Ok(Self { house, thread })
    }

    /// Ends the server, and returns its listener unless it is dead.
    pub(crate) fn end(self) -> Option<TcpListener> {
        self.house.leave(OVER);
        self.thread.join().expect("the thread does not panic")
    }
}

impl House {
    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops listening: the server is dead.
    pub(crate) fn close(&self) {
        self.leave(DEAD);
    }

    fn leave(&self, state: u8) {
        const LIMIT: Duration = Duration::from_secs(1);
        let order = Ordering::SeqCst;
        let changed = self.state.compare_exchange(OPEN, state, order, order);
        if changed.is_ok() {
            // Wakes the thread that accepts.
            let _ = TcpStream::connect_timeout(&self.address, LIMIT);
        }
    }

    fn listen(&self, listener: TcpListener, serve: &Serve, times: Times) -> Option<TcpListener> {
        loop {
            let Ok((tcp, _)) = listener.accept() else {
                continue;
            };
            match self.state.load(Ordering::SeqCst) {
                OPEN => {
                    let house = self.clone();
                    let serve = Arc::clone(serve);
                    thread::spawn(move || serve(Accepted { tcp, house, times }));
                }
                DEAD => return None,
                _ => return Some(listener),
            }
        }
    }
}
