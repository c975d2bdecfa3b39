//! The measured loop: it writes prepared messages, counts the echoes, and writes one more message
//! for each echo.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest};

use crate::replies::{Replies, ReplyForm};
use crate::round_trips::RoundTrips;
use crate::sockets::{READ_LEN, Sockets};
use crate::stream::Stream;
use crate::traffic::Traffic;

/// All connections to an echo server.
pub(crate) struct Flow<'a> {
    traffic: &'a Traffic,
    sockets: Sockets,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    /// The times from a message to its echo. `None` if more than one message at a time is in flight
    /// on each connection.
    round_trips: Option<RoundTrips>,
    /// The number of messages that were echoed.
    completed: u64,
}

struct Connection {
    stream: Stream<TcpStream>,
    replies: Replies,
    /// The number of messages that may be sent, including those that have been sent.
    allowed: u64,
    /// The number of bytes that have been sent.
    sent: u64,
    /// The number of messages that were echoed.
    completed: u64,
    /// `false` after a write that found the socket full, until the socket is writable again.
    has_room: bool,
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
        let mut connections = Vec::with_capacity(streams.len());
        for (index, stream) in streams.into_iter().enumerate() {
            connections.push(Connection {
                stream: sockets.add(stream, index, Interest::READABLE | Interest::WRITABLE)?,
                replies: Replies::new(form),
                allowed: in_flight,
                sent: 0,
                completed: 0,
                has_room: true,
                sent_at: Instant::now(),
            });
        }
        let round_trips = (in_flight == 1).then(RoundTrips::new);
        Ok(Self {
            traffic,
            sockets,
            connections,
            buffer: vec![0; READ_LEN],
            round_trips,
            completed: 0,
        })
    }

    /// Keeps messages in flight for `time`, and returns the number of echoes.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let before = self.completed;
        let until = Instant::now() + time;
        for index in 0..self.connections.len() {
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
        self.round_trips.as_ref().map(RoundTrips::quantiles)
    }

    /// Waits for the echoes of all messages in flight, and sends no new messages.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.run_until(false, |_, flow| {
            flow.connections
                .iter()
                .all(|connection| connection.completed == connection.allowed)
        })?;
        for connection in &self.connections {
            ensure!(
                connection.replies.is_between_messages(),
                "the server sent more than the echoes"
            );
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
                self.connections[index].has_room |= event.is_writable();
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
        let connection = &mut self.connections[index];
        loop {
            let mut messages = 0;
            let replies = &mut connection.replies;
            let has_more = connection.stream.receive(&mut self.buffer, |bytes| {
                messages += replies.arrived(bytes);
            })?;
            connection.completed += messages;
            self.completed += messages;
            if refill {
                connection.allowed += messages;
            }
            if let (1.., Some(round_trips)) = (messages, &mut self.round_trips) {
                round_trips.record(connection.sent_at);
            }
            if !has_more {
                return Ok(());
            }
        }
    }

    /// Writes the messages that may be sent, until the socket is full.
    fn write(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let end = self.traffic.position_after(connection.allowed);
        while connection.has_room && (connection.sent < end || connection.stream.is_sending()) {
            if self.round_trips.is_some()
                && connection.sent == self.traffic.position_after(connection.completed)
            {
                connection.sent_at = Instant::now();
            }
            let slice = self.traffic.slice(connection.sent, end);
            match connection.stream.send(slice) {
                Ok(len) => {
                    connection.has_room = len == slice.len();
                    connection.sent += len as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.has_room = false
                }
                Err(error) => return Err(error).context("cannot write"),
            }
        }
        Ok(())
    }
}
