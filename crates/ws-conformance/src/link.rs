//! A connection that drives an endpoint: reads while it writes, and never waits beyond a
//! deadline.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::endpoint::{Drop, Endpoint, Handler, State};
use crate::http::{MAX_HEAD, head_len};
use crate::settings::StopFlag;
use crate::stream::Stream;
use crate::tls::HandshakeError;

/// How long a raised stop flag may go unseen.
const GLANCE: Duration = Duration::from_millis(100);
/// How long the end of a connection waits for the other side to read what was written.
const FAREWELL: Duration = Duration::from_secs(1);
const INTERRUPTED: &str = "the run was interrupted";

/// A non-blocking connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Stream,
    poll: Poll,
    events: Events,
    stop: StopFlag,
    /// Octets that came together with the head of the opening handshake.
    rest: Vec<u8>,
}

/// What came of one read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    Some,
    /// There is nothing to move, or no room for it.
    Nothing,
    /// TCP is over.
    End,
}

impl Link {
    /// Connects to the first of these addresses that answers.
    pub(crate) fn connect(
        addresses: impl Iterator<Item = SocketAddr>,
        stop: &StopFlag,
        limit: Duration,
    ) -> io::Result<Self> {
        let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match std::net::TcpStream::connect_timeout(&address, limit) {
                Ok(stream) => {
                    stream.set_nonblocking(true)?;
                    return Self::new(TcpStream::from_std(stream), stop);
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// A link over a connection that was made.
    pub(crate) fn new(mut stream: TcpStream, stop: &StopFlag) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let poll = Poll::new()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(0), interest)?;
        Ok(Self {
            stream: Stream::Plain(stream),
            poll,
            events: Events::with_capacity(4),
            stop: stop.clone(),
            rest: Vec::new(),
        })
    }

    /// Speaks TLS from here on; returns when the TLS handshake is done.
    pub(crate) fn secured(
        mut self,
        tls: rustls::Connection,
        deadline: Instant,
    ) -> io::Result<Self> {
        self.stream = self.stream.secured(tls);
        match self.when_ready(deadline, Stream::shake_hands) {
            Ok(()) => Ok(self),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(HandshakeError::TimedOut.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Octets that came together with a head that was read.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }

    /// Reads what is there, without waiting.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Writes what there is room for, without waiting.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream.write(octets)
    }

    /// Whether the other side has reset TCP, as far as can be told without reading.
    pub(crate) fn is_broken(&self) -> bool {
        self.stream.is_broken()
    }

    /// Ends the own direction of TCP. A connection that refuses this is over already.
    pub(crate) fn shutdown_write(&mut self) {
        let _ = self.stream.shutdown_write();
    }

    /// Reads up to the end of a head. What was read is in `head`, also if it is not complete.
    pub(crate) fn read_head(&mut self, head: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(len) = head_len(head) {
                self.rest = head.split_off(len);
                return Ok(());
            }
            match self.when_ready(deadline, |stream| stream.read(&mut buffer))? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => head.extend_from_slice(&buffer[..count]),
            }
            if head.len() > MAX_HEAD {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the head of the opening handshake has no end",
                ));
            }
        }
    }

    /// Writes all of it.
    pub(crate) fn write_all(&mut self, mut octets: &[u8], deadline: Instant) -> io::Result<()> {
        while !octets.is_empty() {
            let count = self.when_ready(deadline, |stream| stream.write(octets))?;
            octets = &octets[count..];
        }
        Ok(())
    }

    /// Moves octets and time until TCP is over or is to be ended, and ends it.
    ///
    /// # Errors
    ///
    /// If something cuts the dialogue off that is none of the testee's doing.
    pub(crate) fn drive<D: Handler>(mut self, endpoint: &mut Endpoint<D>) -> io::Result<()> {
        let rest = self.take_rest();
        if !rest.is_empty() {
            endpoint.handle_read(&rest, Instant::now());
        }
        let mut buffer = vec![0; 64 * 1024];
        let mut writable = true;
        loop {
            let wrote = match writable {
                true => self.write_once(endpoint),
                false => Moved::Nothing,
            };
            // What the testee sent before it ended TCP can still be read.
            writable &= wrote != Moved::End;
            if let Some(drop) = endpoint.drop()
                && wrote != Moved::Some
            {
                self.end(drop);
                return Ok(());
            }
            let read = self.read_once(endpoint, &mut buffer);
            if read == Moved::End || (!writable && read == Moved::Nothing) {
                endpoint.handle_end();
                return Ok(());
            }
            if wrote != Moved::Some && read != Moved::Some {
                self.wait(endpoint.deadline())?;
            }
            let now = Instant::now();
            if self.stop.is_raised() && endpoint.connection.state() != State::Closed {
                endpoint.connection.end_unclean(INTERRUPTED);
                return Err(io::Error::other(INTERRUPTED));
            } else if endpoint.deadline() <= now {
                endpoint.handle_timeout(now);
            }
        }
    }

    /// Ends TCP after the last answer, once the other side has read it or the time is over: octets
    /// that nobody has read turn the end into a reset, which could overtake the answer.
    pub(crate) fn linger(mut self, deadline: Instant) {
        let mut buffer = [0; 4096];
        if self.stream.shutdown_write().is_err() {
            return;
        }
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) if deadline <= Instant::now() => return,
                Ok(_) => {}
                Err(error) if Moved::by(&error) == Moved::End => return,
                Err(_) if self.wait_or_fail(deadline).is_err() => return,
                Err(_) => {}
            }
        }
    }

    fn write_once<D: Handler>(&mut self, endpoint: &mut Endpoint<D>) -> Moved {
        let Some(octets) = endpoint.next_write() else {
            return Moved::Nothing;
        };
        match self.stream.write(octets) {
            Ok(count) => {
                endpoint.wrote(count);
                Moved::Some
            }
            Err(error) => Moved::by(&error),
        }
    }

    fn read_once<D: Handler>(&mut self, endpoint: &mut Endpoint<D>, buffer: &mut [u8]) -> Moved {
        match self.stream.read(buffer) {
            Ok(0) => Moved::End,
            Ok(count) => {
                endpoint.handle_read(&buffer[..count], Instant::now());
                Moved::Some
            }
            Err(error) => Moved::by(&error),
        }
    }

    fn end(mut self, drop: Drop) {
        match drop {
            Drop::Reset => self.reset_at_end(),
            Drop::AfterWrites => {
                // Whoever does not read for so long does not want to know.
                let _ = self.flush(Instant::now() + FAREWELL);
            }
        }
    }

    /// Hands all that was written to the system.
    fn flush(&mut self, deadline: Instant) -> io::Result<()> {
        self.when_ready(deadline, Stream::flush)
    }

    /// From here on, the end of the link resets TCP.
    pub(crate) fn reset_at_end(&mut self) {
        self.stream.reset_at_end();
    }

    /// Does this as soon as it need not wait for the socket.
    fn when_ready<T>(
        &mut self,
        deadline: Instant,
        mut step: impl FnMut(&mut Stream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match step(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_or_fail(deadline)?;
                }
                result => return result,
            }
        }
    }

    /// Waits for the socket or the deadline, whichever is first.
    fn wait(&mut self, deadline: Instant) -> io::Result<()> {
        // What this fails by shows in the next read.
        let _ = self.stream.flush();
        let left = deadline.saturating_duration_since(Instant::now());
        match self.poll.poll(&mut self.events, Some(left.min(GLANCE))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// Waits for the socket, at most until the deadline.
    pub(crate) fn wait_or_fail(&mut self, deadline: Instant) -> io::Result<()> {
        if self.stop.is_raised() {
            return Err(io::Error::other(INTERRUPTED));
        }
        if deadline <= Instant::now() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.wait(deadline)
    }
}

impl Moved {
    fn by(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::Nothing,
            io::ErrorKind::Interrupted => Self::Some,
            _ => Self::End,
        }
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
