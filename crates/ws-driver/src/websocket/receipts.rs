//! Proof of delivery: the count of written messages, and Pings that are sent without waiting.

use std::time::Duration;

use super::WebSocket;
use crate::error::Error;
use crate::transport::Transport;

impl<T: Transport> WebSocket<T> {
    /// Starts to count the messages that the transport takes completely. Messages that are queued
    /// already are not counted. See [`written`](Self::written).
    ///
    /// Sending small messages becomes a little slower. A connection that does not count pays
    /// nothing.
    pub fn count_written(&mut self) {
        self.parts.write.0.send.count_written();
    }

    /// Returns the number of messages whose last byte the transport took since
    /// [`count_written`](Self::count_written). 0 if nothing is counted.
    ///
    /// The number stays available after the end of the connection. The messages beyond it cannot
    /// have reached the peer completely. Those within it may have been lost on their way: a
    /// [Ping](Self::start_ping) behind them finds out.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut ws, _peer) = ws_tokio::testing::pair(Default::default());
    /// ws.count_written();
    /// ws.feed("queued").await?;
    /// assert_eq!(ws.written(), 0);
    /// ws.flush().await?;
    /// assert_eq!(ws.written(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn written(&self) -> u64 {
        self.parts.write.0.send.written()
    }

    /// Queues a Ping without waiting, even if there is no room. Returns its number for
    /// [`ping_answer`](Self::ping_answer). The next call that waits writes the Ping.
    ///
    /// The Ping follows every message that was [written](Self::written) before. Its Pong proves
    /// that the peer has read them (RFC 6455 §5.5.2, §5.5.3). Only the answer to the newest Ping of
    /// this method and of [`ping`](Self::ping) is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection is closing or has ended. [`Error::Io`] if the transport
    /// failed.
    pub fn start_ping(&mut self) -> Result<u32, Error> {
        self.parts.write.0.start_probe()
    }

    /// Returns the round trip of the Ping with this number. `None` until its Pong has arrived, and
    /// once another Ping was sent. The methods that receive find the Pong, and the methods that
    /// send while they wait.
    pub fn ping_answer(&self, number: u32) -> Option<Duration> {
        self.parts.write.0.send.probe_answer(number)
    }
}
