//! The measured loop: writes prepared messages, counts what comes back, writes as many again.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::replies::{Replies, ReplyForm};
use crate::traffic::Traffic;

/// How much is read at once.
const READ_LEN: usize = 256 << 10;

/// How long the server may go without an octet.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest round trip that is told from longer ones, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// All connections.
pub(crate) struct Flow<'a> {
    traffic: &'a Traffic,
    poll: Poll,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    /// Times from a message to its echo, if one at a time is under way on each connection.
    round_trips: Option<Histogram<u64>>,
    completed: u64,
}

struct Connection {
    tcp: TcpStream,
    replies: Replies,
    /// Messages that may be sent, and octets that are.
    allowed: u64,
    sent: u64,
    completed: u64,
    has_room: bool,
    sent_at: Instant,
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order")
}

impl<'a> Flow<'a> {
    /// Takes over connections that are open.
    pub(crate) fn new(
        streams: Vec<std::net::TcpStream>,
        traffic: &'a Traffic,
        form: ReplyForm,
        in_flight: u64,
    ) -> Result<Self> {
        let poll = Poll::new().context("cannot wait for sockets")?;
        let mut connections = Vec::with_capacity(streams.len());
        for (index, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            let mut tcp = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut tcp, Token(index), interest)?;
            connections.push(Connection {
                tcp,
                replies: Replies::new(form),
                allowed: in_flight,
                sent: 0,
                completed: 0,
                has_room: true,
                sent_at: Instant::now(),
            });
        }
        let round_trips = (in_flight == 1).then(new_histogram);
        Ok(Self {
            traffic,
            poll,
            connections,
            buffer: vec![0; READ_LEN],
            round_trips,
            completed: 0,
        })
    }

    /// Keeps the messages in flight going for that long; how many came back.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let before = self.completed;
        let until = Instant::now() + time;
        for index in 0..self.connections.len() {
            self.write(index)?;
        }
        self.turn_until(true, |now, _| now >= until)?;
        Ok(self.completed - before)
    }

    /// How many came back since the beginning.
    pub(crate) fn completed(&self) -> u64 {
        self.completed
    }

    /// Takes no account of the round trips until now.
    pub(crate) fn forget_round_trips(&mut self) {
        if let Some(times) = &mut self.round_trips {
            times.clear();
        }
    }

    /// Round trips at these quantiles, in nanoseconds, if there was one message at a time.
    pub(crate) fn round_trips<const N: usize>(&self, quantiles: [f64; N]) -> Option<[u64; N]> {
        let times = self.round_trips.as_ref()?;
        Some(quantiles.map(|quantile| times.value_at_quantile(quantile)))
    }

    /// Sends nothing new and waits for all that is in flight.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.turn_until(false, |_, flow| {
            flow.connections
                .iter()
                .all(|connection| connection.completed == connection.allowed)
        })?;
        for connection in &self.connections {
            ensure!(
                connection.replies.is_between_messages(),
                "there is more than was sent"
            );
        }
        Ok(())
    }

    fn turn_until(&mut self, refill: bool, done: impl Fn(Instant, &Self) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut last_octet = Instant::now();
        while !done(Instant::now(), self) {
            match self.poll.poll(&mut events, Some(Duration::from_millis(50))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.context("cannot wait for sockets")?,
            }
            if !events.is_empty() {
                last_octet = Instant::now();
            } else if last_octet.elapsed() > PATIENCE {
                bail!("the server has not answered for {} s", PATIENCE.as_secs());
            }
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

    /// Reads until there is no more, and allows as many messages as came back.
    fn read(&mut self, index: usize, refill: bool) -> Result<()> {
        let connection = &mut self.connections[index];
        loop {
            let len = match connection.tcp.read(&mut self.buffer) {
                Ok(0) => bail!("the server ended the connection"),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot read"),
            };
            let messages = connection.replies.arrived(&self.buffer[..len]);
            connection.completed += messages;
            self.completed += messages;
            if refill {
                connection.allowed += messages;
            }
            if let (1.., Some(round_trips)) = (messages, &mut self.round_trips) {
                let nanoseconds = connection.sent_at.elapsed().as_nanos() as u64;
                round_trips.saturating_record(nanoseconds);
            }
            if len < self.buffer.len() {
                return Ok(());
            }
        }
    }

    /// Writes what may be sent, as far as there is room.
    fn write(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let end = self.traffic.position_after(connection.allowed);
        while connection.has_room && connection.sent < end {
            if self.round_trips.is_some()
                && connection.sent == self.traffic.position_after(connection.completed)
            {
                connection.sent_at = Instant::now();
            }
            let slice = self.traffic.slice(connection.sent, end);
            match connection.tcp.write(slice) {
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
