//! The measured loop: it writes prepared messages, counts the echoes, and writes one more message
//! for each echo.

use std::time::{Duration, Instant};

use anyhow::Result;
use mio::Events;

use crate::connection::Connection;
use crate::replies::ReplyForm;
use crate::sockets::{READ_LEN, Sockets};
use crate::stream::Stream;
use crate::times::Times;
use crate::traffic::Traffic;

/// All connections to an echo server.
pub(crate) struct Flow<'a> {
    traffic: &'a Traffic,
    sockets: Sockets,
    lines: Vec<Line>,
    buffer: Vec<u8>,
    /// The times from a message to its echo. `None` if more than one message at a time is in flight
    /// on each connection.
    round_trips: Option<Times>,
    /// The number of messages that were echoed.
    completed: u64,
}

/// A connection, and the start of its round trip.
struct Line {
    connection: Connection,
    /// The time at which the message in flight was sent. Its round trip begins then.
    sent_at: Instant,
}

impl<'a> Flow<'a> {
    /// Makes a flow from open connections, on which no message is in flight.
    pub(crate) fn new(
        streams: Vec<Stream<std::net::TcpStream>>,
        traffic: &'a Traffic,
        form: ReplyForm,
        in_flight: u64,
    ) -> Result<Self> {
        let sockets = Sockets::new()?;
        let connections = Connection::all(streams, form, &sockets)?;
        let line = |mut connection: Connection| {
            connection.allow(in_flight);
            Line {
                connection,
                sent_at: Instant::now(),
            }
        };
        let lines = connections.into_iter().map(line).collect();
        let round_trips = (in_flight == 1).then(Times::new);
        Ok(Self {
            traffic,
            sockets,
            lines,
            buffer: vec![0; READ_LEN],
            round_trips,
            completed: 0,
        })
    }

    /// Keeps messages in flight for `time`, and returns the number of echoes.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let before = self.completed;
        let until = Instant::now() + time;
        for index in 0..self.lines.len() {
            self.write(index)?;
        }
        self.run_until(true, |now, _| now >= until)?;
        Ok(self.completed - before)
    }

    /// Returns the number of echoes since the start.
    pub(crate) fn completed(&self) -> u64 {
        self.completed
    }

    /// Discards the round trips measured until now.
    pub(crate) fn forget_round_trips(&mut self) {
        if let Some(times) = &mut self.round_trips {
            times.clear();
        }
    }

    /// Returns quantiles of the round trips. Returns `None` if they are not measured, because more
    /// than one message is in flight on each connection.
    pub(crate) fn round_trips(&self) -> Option<[u64; 4]> {
        self.round_trips.as_ref().map(Times::quantiles)
    }

    /// Waits for the echoes of all messages in flight, and sends no new messages.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.run_until(false, |_, flow| {
            flow.lines.iter().all(|line| line.connection.is_idle())
        })?;
        for line in &self.lines {
            line.connection.ensure_between_messages()?;
        }
        Ok(())
    }

    /// Reads and writes until `done` returns `true`. With `refill`, sends a new message for each
    /// echo.
    fn run_until(&mut self, refill: bool, done: impl Fn(Instant, &Self) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut last_event = Instant::now();
        while !done(Instant::now(), self) {
            self.sockets.wait(&mut events, &mut last_event)?;
            for event in &events {
                let index = event.token().0;
                if event.is_writable() {
                    self.lines[index].connection.becomes_writable();
                }
                if event.is_readable() {
                    self.read(index, refill)?;
                }
                self.write(index)?;
            }
        }
        Ok(())
    }

    /// Reads all available bytes. With `refill`, allows one more message for each echo.
    fn read(&mut self, index: usize, refill: bool) -> Result<()> {
        let line = &mut self.lines[index];
        loop {
            let received = line.connection.read(&mut self.buffer)?;
            self.completed += received.messages;
            if refill {
                line.connection.allow(received.messages);
            }
            if let (1.., Some(round_trips)) = (received.messages, &mut self.round_trips) {
                round_trips.record(line.sent_at.elapsed());
            }
            if !received.has_more {
                return Ok(());
            }
        }
    }

    /// Writes the messages that may be sent, until the socket is full.
    fn write(&mut self, index: usize) -> Result<()> {
        let Line {
            connection,
            sent_at,
        } = &mut self.lines[index];
        if self.round_trips.is_some() && connection.begins_message(self.traffic) {
            *sent_at = Instant::now();
        }
        connection.write(self.traffic)
    }
}
