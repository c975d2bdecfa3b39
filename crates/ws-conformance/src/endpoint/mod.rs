//! The suite as an endpoint, without a socket. Its input is bytes and the time. Its output is bytes
//! to write, the next deadline, and the request to end TCP.

mod case_run;
mod compressed_run;
mod connection;
mod outbox;
mod sending;

pub(crate) use case_run::{CaseRun, Echoes};
pub(crate) use connection::{Connection, State, TcpEnd};

use std::time::Instant;

use crate::script::Event;

/// The actions on a connection.
pub(crate) trait Handler {
    /// Called when the opening handshake is completed.
    fn opened(&mut self, connection: &mut Connection, now: Instant);

    /// Called for each event.
    fn received(&mut self, event: Event, connection: &mut Connection, now: Instant);

    /// Returns the time at which [`time_passed`](Self::time_passed) has to be called.
    fn deadline(&self) -> Option<Instant>;

    /// Called at the deadline.
    fn time_passed(&mut self, connection: &mut Connection, now: Instant);
}

/// A connection and its handler.
#[derive(Debug)]
pub(crate) struct Endpoint<D> {
    pub(crate) connection: Connection,
    pub(crate) handler: D,
    /// The deadline of the connection.
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

    /// Returns the bytes of the next TCP write, if one is due.
    pub(crate) fn next_write(&mut self, now: Instant) -> Option<&[u8]> {
        self.connection.next_write(now)
    }

    /// Notes that `count` bytes of [`next_write`](Self::next_write) were written.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) {
        self.connection.wrote(count, now);
    }

    /// Handles the bytes of one TCP read.
    pub(crate) fn handle_read(&mut self, mut bytes: &[u8], now: Instant) {
        self.connection.channel.log.bytes_received(bytes);
        while let Some(event) = self.connection.receive(&mut bytes, now) {
            self.handler.received(event, &mut self.connection, now);
        }
    }

    /// Handles the end of TCP.
    pub(crate) fn handle_end(&mut self) {
        self.connection.handle_end();
    }

    /// Returns the time at which [`handle_timeout`](Self::handle_timeout) has to be called, or at
    /// which the next write is due.
    pub(crate) fn deadline(&self) -> Instant {
        let deadlines = [
            self.connection.outbox.deadline(),
            self.connection.deadline(),
            self.handler.deadline(),
        ];
        let earliest = deadlines.into_iter().flatten().min();
        earliest.map_or(self.watchdog, |deadline| deadline.min(self.watchdog))
    }

    /// Performs the actions that are due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let due = self.handler.deadline().filter(|due| *due <= now);
        // Actions happen in the order of their deadlines, also if both are late: the order decides
        // how TCP ends.
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

    /// Returns the way to end TCP, when it is time.
    pub(crate) fn tcp_end(&self) -> Option<TcpEnd> {
        self.connection.tcp_end()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod compression_tests;
