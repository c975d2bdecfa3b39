//! The listening half of a broken server, which lasts for one case.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::testee::{Accepted, Play, Testee, Times};

/// A handle of the listening server, for its connections.
#[derive(Clone, Debug)]
pub(crate) struct House {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
}

impl House {
    /// Listens for connections to a testee until [`close`](Self::close).
    pub(crate) fn open(testee: &'static Testee, times: Times) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let house = Self {
            address: listener.local_addr()?,
            closed: Arc::default(),
        };
        let copy = house.clone();
        thread::spawn(move || copy.listen(&listener, testee, times));
        Ok(house)
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops listening. A testee that does so before the end of its case is a dead server.
    pub(crate) fn close(&self) {
        const LIMIT: Duration = Duration::from_secs(1);
        if !self.closed.swap(true, Ordering::SeqCst) {
            // Wakes the thread that accepts.
            let _ = TcpStream::connect_timeout(&self.address, LIMIT);
        }
    }

    fn listen(&self, listener: &TcpListener, testee: &'static Testee, times: Times) {
        let Play::Server(make) = &testee.play else {
            return;
        };
        let serve = make(times);
        for tcp in listener.incoming().flatten() {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            let house = self.clone();
            let accepted = Accepted { tcp, house, times };
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(accepted));
        }
    }
}
