//! The counters of a connection that was split.

use super::receiver::Receiver;
use super::sender::Sender;
use crate::stats::Stats;
use crate::transport::Split;

impl<T: Split> Receiver<T> {
    /// Returns the counters of this connection, which are exact.
    pub fn stats(&self) -> Stats {
        let stats = self.shared.lock().write.send.stats();
        let reading = self.reading.as_ref();
        Stats {
            received: reading.map_or(stats.received, |reading| reading.read.recv.traffic()),
            ..stats
        }
    }
}

impl<T: Split> Sender<T> {
    /// Returns the counters of this connection. `received` is as old as the last wait of the
    /// [`Receiver`] for input, because the receiver counts without a lock.
    pub fn stats(&self) -> Stats {
        self.shared.lock().write.send.stats()
    }
}
