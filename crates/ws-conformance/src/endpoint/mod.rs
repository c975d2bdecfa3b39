//! The suite as an endpoint, without a socket: bytes and the time go in, bytes to write, the
//! next point in time, and the wish to end TCP come out.

mod case_run;
mod compressed_run;
mod connection;
mod outbox;
mod sending;

pub(crate) use case_run::{CaseRun, Echoes};
pub(crate) use connection::{Connection, State, TcpEnd};

use std::time::Instant;

use crate::script::Event;

/// What is done over a connection.
pub(crate) trait Handler {
    /// The opening handshake is done.
    fn opened(&mut self, connection: &mut Connection, now: Instant);

    /// Something arrived.
    fn received(&mut self, event: Event, connection: &mut Connection, now: Instant);

    /// When [`time_passed`](Self::time_passed) has something to do.
    fn deadline(&self) -> Option<Instant>;

    /// It is time.
    fn time_passed(&mut self, connection: &mut Connection, now: Instant);
}

/// A connection and what is done over it.
#[derive(Debug)]
pub(crate) struct Endpoint<D> {
    pub(crate) connection: Connection,
    pub(crate) handler: D,
    /// When the connection is over at the latest.
    watchdog: Instant,
}

impl<D: Handler> Endpoint<D> {
    /// Begins the dialogue.
    pub(crate) fn new(connection: Connection, handler: D, now: Instant, watchdog: Instant) -> Self {
        let mut endpoint = Self {
            connection,
            handler,
            watchdog,
        };
        endpoint.handler.opened(&mut endpoint.connection, now);
        endpoint
    }

    /// The bytes of the next TCP write, if one is due.
    pub(crate) fn next_write(&mut self, now: Instant) -> Option<&[u8]> {
        self.connection.next_write(now)
    }

    /// So many bytes of [`next_write`](Self::next_write) were written.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) {
        self.connection.wrote(count, now);
    }

    /// The bytes of one TCP read.
    pub(crate) fn handle_read(&mut self, mut bytes: &[u8], now: Instant) {
        self.connection.channel.log.bytes_received(bytes);
        while let Some(event) = self.connection.receive(&mut bytes, now) {
            self.handler.received(event, &mut self.connection, now);
        }
    }

    /// TCP is over.
    pub(crate) fn handle_end(&mut self) {
        self.connection.handle_end();
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do, or the next write is due.
    pub(crate) fn deadline(&self) -> Instant {
        let deadlines = [
            self.connection.outbox.deadline(),
            self.connection.deadline(),
            self.handler.deadline(),
        ];
        let earliest = deadlines.into_iter().flatten().min();
        earliest.map_or(self.watchdog, |deadline| deadline.min(self.watchdog))
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let due = self.handler.deadline().filter(|due| *due <= now);
        // What is due first happens first, also if both are noticed late: it decides how TCP ends.
        if let Some(due) = due
            && self.connection.deadline().is_none_or(|other| due <= other)
        {
            self.handler.time_passed(&mut self.connection, now);
        }
        self.connection.handle_timeout(now);
        if self.handler.deadline().is_some_and(|due| due <= now) {
            self.handler.time_passed(&mut self.connection, now);
        }
        if self.watchdog <= now && self.connection.state() != State::Closed {
            self.connection.end_unclean("nothing else ended the case");
        }
    }

    /// How TCP is to be ended, once it is.
    pub(crate) fn tcp_end(&self) -> Option<TcpEnd> {
        self.connection.tcp_end()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod compression_tests;
