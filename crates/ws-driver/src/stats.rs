//! The counters of a connection.

use std::time::Duration;

use ws_proto::Traffic;

use crate::transport::Transport;
use crate::websocket::WebSocket;

/// The counters of a connection, or the sums of a [`Registry`](crate::Registry).
///
/// The counters begin with 0 after the opening handshake, and remain after the end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (mut peer, mut ws) = ws_tokio::testing::pair(Default::default());
/// ws.send("hello").await?;
/// peer.recv().await?;
/// let stats = ws.stats();
/// assert_eq!((stats.sent.messages, stats.sent.payload_bytes), (1, 5));
/// // A server sends two bytes for the header of a short frame. A client adds a mask.
/// # assert_eq!(peer.stats().received, stats.sent);
/// println!("{} bytes on the wire", stats.sent.wire_bytes);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The traffic from the peer. Messages count when a method that receives has found them.
    /// Messages that were discarded after that, for instance by `close`, count as well.
    pub received: Traffic,
    /// The traffic to the peer. Messages count when they are queued, and `wire_bytes` when the
    /// transport takes them.
    pub sent: Traffic,
    /// The round trip of the last keepalive Ping: see
    /// [`round_trip`](WebSocket::round_trip). `None` in the sums of a registry.
    pub round_trip: Option<Duration>,
}

impl Stats {
    /// Adds the traffic of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.received = self.received.plus(other.received);
        self.sent = self.sent.plus(other.sent);
    }

    /// Replaces counters that `newer` has counted further.
    pub(crate) fn advance(&mut self, newer: &Self) {
        self.received = self.received.plus(newer.received.since(self.received));
        self.sent = self.sent.plus(newer.sent.since(self.sent));
    }

    /// Returns the traffic that `earlier` does not include.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            received: self.received.since(earlier.received),
            sent: self.sent.since(earlier.sent),
            round_trip: None,
        }
    }
}

impl<T: Transport> WebSocket<T> {
    /// Returns the counters of this connection, which are exact.
    pub fn stats(&self) -> Stats {
        Stats {
            received: self.parts.read.recv.traffic(),
            ..self.parts.write.0.send.stats()
        }
    }
}
