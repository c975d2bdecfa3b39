//! Fresh connections over TLS. Each connection does both handshakes and echoes one message. Then it
//! is closed, and the next connection takes its place.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use mio::net::TcpStream;
use mio::{Events, Interest};
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind};

use crate::handshake::{MAX_HEAD_LEN, Target, check_head};
use crate::sockets::{READ_LEN, Sockets};
use crate::times::Times;
use crate::tls::Tls;
use crate::traffic::{Kind, Traffic, unmasked_frame};

/// The TLS handshake of fresh connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Handshake {
    /// A full handshake
    Full,
    /// A handshake that resumes the session of an earlier connection
    Resumed,
}

/// A server and the connections to it, each of which is replaced when it has echoed a message.
pub(crate) struct Fresh<'a> {
    script: Script<'a>,
    sockets: Sockets,
    places: Vec<Place>,
    buffer: Vec<u8>,
    /// The times from the start of a connection to its echo.
    round_trips: Times,
    /// The number of connections that have echoed a message.
    completed: u64,
}

/// The place of a connection. It stores the sessions of the earlier connections in this place.
struct Place {
    config: Arc<ClientConfig>,
    /// The kind of the next handshake.
    kind: HandshakeKind,
    connection: Option<Connection>,
}

impl<'a> Fresh<'a> {
    /// Makes `connections` places. If sessions are resumed, each place does a full handshake first.
    pub(crate) fn new(
        target: &'a Target,
        handshake: Handshake,
        connections: usize,
        kind: Kind,
        traffic: &'a Traffic,
    ) -> Result<Self> {
        let config = target.tls.as_ref().context("fresh connections need TLS")?;
        let place = |_| Place {
            config: Arc::new(with_sessions(config, handshake)),
            kind: HandshakeKind::Full,
            connection: None,
        };
        let mut fresh = Self {
            script: Script::new(target, kind, traffic),
            sockets: Sockets::new()?,
            places: (0..connections).map(place).collect(),
            buffer: vec![0; READ_LEN],
            round_trips: Times::new(),
            completed: 0,
        };
        if handshake == Handshake::Resumed {
            fresh.open_all()?;
            fresh.drain()?;
            for place in &mut fresh.places {
                place.kind = HandshakeKind::Resumed;
            }
        }
        Ok(fresh)
    }

    /// Opens connections for `time`, and returns the number of connections that have echoed a
    /// message.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let before = self.completed;
        let until = Instant::now() + time;
        self.open_all()?;
        self.run_until(true, |_| Instant::now() >= until)?;
        Ok(self.completed - before)
    }

    /// Waits for the echoes on all connections, and opens no new connections.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.run_until(false, |places| {
            places.iter().all(|place| place.connection.is_none())
        })
    }

    /// Returns the number of connections that have echoed a message.
    pub(crate) fn completed(&self) -> u64 {
        self.completed
    }

    /// Discards the round trips measured until now.
    pub(crate) fn forget_round_trips(&mut self) {
        self.round_trips.clear();
    }

    /// Returns quantiles of the times from the start of a connection to its echo.
    pub(crate) fn round_trips(&self) -> [u64; 4] {
        self.round_trips.quantiles()
    }

    /// Opens a connection in each free place.
    fn open_all(&mut self) -> Result<()> {
        for index in 0..self.places.len() {
            if self.places[index].connection.is_none() {
                self.open(index)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, index: usize) -> Result<()> {
        let place = &mut self.places[index];
        let started = Instant::now();
        let tcp = self.script.target.connect()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let tcp = self.sockets.register(tcp, index, interest)?;
        let message = self.completed as usize;
        let connection = Connection::start(&self.script, &place.config, tcp, message, started)?;
        place.connection = Some(connection);
        Ok(())
    }

    /// Reads and writes until `done` returns `true`. With `refill`, replaces each connection that
    /// has echoed its message.
    fn run_until(&mut self, refill: bool, done: impl Fn(&[Place]) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut last_event = Instant::now();
        while !done(&self.places) {
            self.sockets.wait(&mut events, &mut last_event)?;
            for event in &events {
                let index = event.token().0;
                if self.advance(index, event.is_readable())? && refill {
                    self.open(index)?;
                }
            }
        }
        Ok(())
    }

    /// Reads and writes on one connection. Returns `true` if the connection has echoed its message
    /// and is closed.
    fn advance(&mut self, index: usize, is_readable: bool) -> Result<bool> {
        let place = &mut self.places[index];
        let Some(connection) = &mut place.connection else {
            return Ok(false);
        };
        if is_readable {
            connection.receive(&self.script, &mut self.buffer)?;
        }
        would_block_is_fine(connection.tls.flush())?;
        if !connection.has_echo(&self.script)? {
            return Ok(false);
        }
        let kind = connection.tls.handshake_kind();
        ensure!(
            kind == Some(place.kind),
            "the TLS handshake was {kind:?} and not {:?}",
            place.kind
        );
        self.round_trips.record(connection.started.elapsed());
        self.completed += 1;
        let ended = place.connection.take();
        ended.map_or(Ok(()), |ended| would_block_is_fine(ended.tls.close()))?;
        Ok(true)
    }
}

/// Returns a copy of `config` with its own store of sessions, or none.
fn with_sessions(config: &ClientConfig, handshake: Handshake) -> ClientConfig {
    let mut config = config.clone();
    config.resumption = match handshake {
        Handshake::Full => Resumption::disabled(),
        // The sessions of one server. The newest is used first.
        Handshake::Resumed => Resumption::in_memory_sessions(1),
    };
    config
}

fn would_block_is_fine(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        other => other.context("cannot write"),
    }
}

/// The bytes that each connection exchanges.
struct Script<'a> {
    target: &'a Target,
    request: String,
    kind: Kind,
    traffic: &'a Traffic,
}

impl<'a> Script<'a> {
    fn new(target: &'a Target, kind: Kind, traffic: &'a Traffic) -> Self {
        Self {
            target,
            request: target.request(),
            kind,
            traffic,
        }
    }

    /// Returns the bytes of message number `index`.
    fn message(&self, index: usize) -> &[u8] {
        let start = self.traffic.position_after(index as u64);
        let end = self.traffic.position_after(index as u64 + 1);
        self.traffic.slice(start, end)
    }

    /// Returns the bytes of the reply to message number `index`.
    fn echo(&self, index: usize) -> Vec<u8> {
        match self.target.raw {
            true => self.message(index).to_vec(),
            false => unmasked_frame(self.kind.content.is_text(), self.traffic.message(index)),
        }
    }
}

/// A connection that has not echoed its message.
struct Connection {
    tls: Tls<TcpStream>,
    /// The number of its message.
    message: usize,
    /// `true` until the response to the HTTP request has arrived.
    is_upgrading: bool,
    received: Vec<u8>,
    started: Instant,
}

impl Connection {
    /// Starts the TLS handshake, and sends what may be sent without an answer when it is complete.
    fn start(
        script: &Script<'_>,
        config: &Arc<ClientConfig>,
        tcp: TcpStream,
        message: usize,
        started: Instant,
    ) -> Result<Self> {
        let mut tls = Tls::new(config, script.target.address.ip(), tcp)?;
        let first = match script.target.raw {
            true => script.message(message),
            false => script.request.as_bytes(),
        };
        tls.send(first).context("cannot write")?;
        Ok(Self {
            tls,
            message,
            is_upgrading: !script.target.raw,
            received: Vec::new(),
            started,
        })
    }

    /// Reads all available bytes. Sends the message when the opening handshake is complete.
    fn receive(&mut self, script: &Script<'_>, buffer: &mut [u8]) -> Result<()> {
        let received = &mut self.received;
        while self.tls.receive(buffer, |bytes| received.extend(bytes))? {}
        if self.is_upgrading
            && let Some(head_len) = head_len(received)
        {
            check_head(&String::from_utf8_lossy(&received[..head_len]))?;
            received.drain(..head_len);
            self.is_upgrading = false;
            let message = script.message(self.message);
            self.tls.send(message).context("cannot write")?;
        }
        Ok(())
    }

    /// Returns `true` if the echo has arrived.
    fn has_echo(&self, script: &Script<'_>) -> Result<bool> {
        if self.is_upgrading {
            ensure!(
                self.received.len() <= MAX_HEAD_LEN,
                "the answer is longer than {MAX_HEAD_LEN} bytes"
            );
            return Ok(false);
        }
        let echo = script.echo(self.message);
        ensure!(
            echo.starts_with(&self.received),
            "the echo differs from the message that was sent"
        );
        Ok(self.received.len() == echo.len())
    }
}

/// Returns the length of the HTTP head at the start of `bytes`, if the head is complete.
fn head_len(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let at = bytes.windows(END.len()).position(|end| end == END)?;
    Some(at + END.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_an_empty_line() {
        assert_eq!(head_len(b"HTTP/1.1 101 X\r\nA: b\r\n\r\n\x81"), Some(24));
        assert_eq!(head_len(b"HTTP/1.1 101 X\r\nA: b\r\n\r"), None);
    }
}
