//! Connections that behave well beside the attackers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use ws_test_client::Peer;
use ws_test_client::wire::BINARY;
use ws_test_client::wire::From::Client;

use super::sleep_until;

/// The number of connections of each kind.
const CONNECTIONS: usize = 16;

/// The time between two messages of a connection.
const INTERVAL: Duration = Duration::from_millis(50);

/// The time within which a message is answered, by its echo or by a Close.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// The answers to the messages of neighbors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) asked: usize,
    pub(super) echoed: usize,
    /// The number of connections that were ended with 1013, instead of an echo.
    pub(super) refused: usize,
    pub(super) slowest: Duration,
}

impl Served {
    pub(super) fn answered(&self) -> usize {
        self.echoed + self.refused
    }
}

/// Connections that send a message, read the echo, and send the next one.
pub(super) struct Neighbors {
    server: SocketAddr,
    /// The lengths of the messages, in turn.
    lens: &'static [usize],
    interval: Duration,
}

impl Neighbors {
    /// Neighbors with short messages.
    pub(super) fn small(server: SocketAddr) -> Self {
        Self {
            server,
            lens: &[20, 1000, 3000],
            interval: INTERVAL,
        }
    }

    /// Neighbors with messages that need memory of the budget.
    pub(super) fn large(server: SocketAddr) -> Self {
        Self {
            server,
            lens: &[100_000, 20_000],
            interval: 10 * INTERVAL,
        }
    }

    /// Sends messages until `stop`.
    pub(super) fn run(&self, stop: &AtomicBool) -> Served {
        let mut peers: Vec<Option<Peer>> = (0..CONNECTIONS).map(|_| None).collect();
        let mut served = Served::default();
        let mut turn = 0;
        while !stop.load(Ordering::Relaxed) {
            let next = Instant::now() + self.interval;
            let len = self.lens[turn % self.lens.len()];
            turn += 1;
            for slot in &mut peers {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if slot.is_none() {
                    *slot = open(self.server).ok();
                }
                if let Some(peer) = slot
                    && !served.ask(peer, len)
                {
                    *slot = None;
                }
            }
            sleep_until(next);
        }
        served
    }
}

fn open(server: SocketAddr) -> Result<Peer> {
    let peer = Peer::open(server)?;
    peer.tcp().set_read_timeout(Some(ANSWERED_WITHIN))?;
    Ok(peer)
}

impl Served {
    /// Sends a message and reads the answer. Returns `false` if the connection has ended.
    fn ask(&mut self, peer: &mut Peer, len: usize) -> bool {
        let payload = vec![b'w'; len];
        let started = Instant::now();
        self.asked += 1;
        // The server may have ended the connection, and its Close can still be read.
        let _ = peer.send(&Client.frame(BINARY, &payload));
        let answer = peer.receive();
        self.slowest = self.slowest.max(started.elapsed());
        match answer {
            Ok(frame) if frame.opcode() == BINARY && frame.payload == payload => {
                self.echoed += 1;
                true
            }
            Ok(frame) if frame.is_close(1013) => {
                self.refused += 1;
                false
            }
            _ => false,
        }
    }
}
