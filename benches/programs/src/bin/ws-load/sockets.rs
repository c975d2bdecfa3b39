//! The sockets of all connections, and a wait for events of any socket.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::stream::Stream;

/// The largest number of bytes that one read can return.
pub(crate) const READ_LEN: usize = 256 << 10;

/// The timeout for a server that neither sends nor accepts bytes.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest wait for events. After this wait, the caller checks its own deadline.
const WAIT: Duration = Duration::from_millis(50);

/// The object that waits for events of many sockets.
pub(crate) struct Sockets(Poll);

impl Sockets {
    pub(crate) fn new() -> Result<Self> {
        Poll::new().map(Self).context("cannot wait for sockets")
    }

    /// Makes the socket of `stream` non-blocking and registers it. Its events have the token
    /// `index`.
    pub(crate) fn add(
        &self,
        stream: Stream<std::net::TcpStream>,
        index: usize,
        interest: Interest,
    ) -> Result<Stream<TcpStream>> {
        stream.try_map(|tcp| self.register(tcp, index, interest))
    }

    /// Makes `tcp` non-blocking and registers it. Its events have the token `index`.
    pub(crate) fn register(
        &self,
        tcp: std::net::TcpStream,
        index: usize,
        interest: Interest,
    ) -> Result<TcpStream> {
        tcp.set_nonblocking(true)?;
        let mut tcp = TcpStream::from_std(tcp);
        self.0
            .registry()
            .register(&mut tcp, Token(index), interest)?;
        Ok(tcp)
    }

    /// Waits for events, for up to 50 ms. Sets `last_event` to the current time if an event
    /// arrives.
    ///
    /// # Errors
    ///
    /// If no event arrives, and `last_event` is more than 15 s ago.
    pub(crate) fn wait(&mut self, events: &mut Events, last_event: &mut Instant) -> Result<()> {
        self.poll(events, WAIT)?;
        if !events.is_empty() {
            *last_event = Instant::now();
        } else if last_event.elapsed() > SILENCE_TIMEOUT {
            let seconds = SILENCE_TIMEOUT.as_secs();
            bail!("the server has neither taken nor sent anything for {seconds} s");
        }
        Ok(())
    }

    /// Waits for events, for up to `time`.
    pub(crate) fn poll(&mut self, events: &mut Events, time: Duration) -> Result<()> {
        match self.0.poll(events, Some(time)) {
            // A signal has interrupted the wait, and `events` is empty.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result.context("cannot wait for sockets"),
        }
    }
}
