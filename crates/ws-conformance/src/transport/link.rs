//! A connection that drives an endpoint. It reads while it writes, and never waits beyond a
//! deadline.

use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::Transport;
use crate::case::Http;
use crate::endpoint::{Endpoint, Handler, State, TcpEnd};
use crate::http::{MAX_HEAD, head_len};
use crate::http2;
use crate::settings::StopFlag;
use crate::tls::{HandshakeError, TlsStream};

/// The longest wait before the stop flag is checked.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// The time for the other side to read the last bytes before the end of a connection.
const LINGER_TIME: Duration = Duration::from_secs(1);
/// The longest wait that sleeps. `Poll` waits in steps of a millisecond. Bytes that arrive during a
/// sleep are read after it.
const LONGEST_SLEEP: Duration = Duration::from_micros(100);
const INTERRUPTED: &str = "the run was interrupted";

/// A non-blocking connection.
#[derive(Debug)]
pub(crate) struct Link {
    transport: Box<dyn Transport>,
    waiter: Waiter,
    /// Bytes that arrived together with the head of the opening handshake.
    rest: Vec<u8>,
}

/// Waits for a socket, a deadline, or the end of the run.
#[derive(Debug)]
struct Waiter {
    poll: Poll,
    events: Events,
    stop: StopFlag,
}

/// The result of one read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    Some,
    /// No byte was available, or there was no room for any.
    Nothing,
    /// TCP is over.
    End,
}

impl Link {
    /// Connects to the first of these addresses that accepts.
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
                    return Self::over_tcp(TcpStream::from_std(stream), stop);
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// Creates a link over a TCP connection.
    pub(crate) fn over_tcp(stream: TcpStream, stop: &StopFlag) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Self::new(Box::new(stream), stop)
    }

    /// Creates a link over a connected transport.
    pub(crate) fn new(mut transport: Box<dyn Transport>, stop: &StopFlag) -> io::Result<Self> {
        Ok(Self {
            waiter: Waiter::new(transport.source(), stop)?,
            transport,
            rest: Vec::new(),
        })
    }

    /// Performs the TLS handshake, for this version of HTTP. The returned link uses TLS.
    pub(crate) fn secured(
        self,
        tls: rustls::Connection,
        http: Http,
        deadline: Instant,
    ) -> io::Result<Self> {
        let mut stream = TlsStream::new(self.transport, tls);
        let mut waiter = self.waiter;
        match when_ready(&mut stream, &mut waiter, deadline, TlsStream::shake_hands) {
            Ok(()) => {
                stream.check_alpn(http)?;
                Ok(Self {
                    transport: Box::new(stream),
                    waiter,
                    rest: self.rest,
                })
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(HandshakeError::TimedOut.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns a link over the only stream of HTTP/2 to a server.
    pub(crate) fn into_http2_server(self) -> Self {
        self.wrapped(|transport| Box::new(http2::Stream::client(transport)))
    }

    /// Returns a link over the stream of HTTP/2 that a client is going to open.
    pub(crate) fn into_http2_client(self) -> Self {
        self.wrapped(|transport| Box::new(http2::Stream::server(transport)))
    }

    fn wrapped(self, wrap: impl FnOnce(Box<dyn Transport>) -> Box<dyn Transport>) -> Self {
        Self {
            transport: wrap(self.transport),
            ..self
        }
    }

    /// Returns the stream, if the link is over HTTP/2.
    pub(crate) fn http2(&mut self) -> Option<&mut http2::Stream> {
        self.transport.http2()
    }

    /// Returns the bytes that arrived together with a head that was read.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }

    /// Reads the available bytes, without waiting.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.transport.read(buffer)
    }

    /// Writes as many bytes as there is room for, without waiting.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.transport.write(bytes)
    }

    /// Returns `true` if the other side has reset TCP, as far as this is visible without reading.
    pub(crate) fn is_broken(&self) -> bool {
        self.transport.is_broken()
    }

    /// Ends the suite's direction of TCP. An error means that the connection is over already.
    pub(crate) fn shutdown_write(&mut self) {
        let _ = self.transport.shutdown_write();
    }

    /// Reads up to the end of a head into `head`. An incomplete head is also in `head`.
    pub(crate) fn read_head(&mut self, head: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(len) = head_len(head) {
                self.rest = head.split_off(len);
                return Ok(());
            }
            match self.when_ready(deadline, |transport| transport.read(&mut buffer))? {
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

    /// Writes all bytes.
    pub(crate) fn write_all(&mut self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.when_ready(deadline, |transport| transport.write(bytes))?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Moves bytes and time until TCP is over or is to be ended, and ends TCP.
    ///
    /// # Errors
    ///
    /// Fails if something interrupts the dialogue that the testee did not cause.
    pub(crate) fn drive<D: Handler>(mut self, endpoint: &mut Endpoint<D>) -> io::Result<()> {
        let rest = self.take_rest();
        if !rest.is_empty() {
            endpoint.handle_read(&rest, Instant::now());
        }
        sleep_exactly();
        let mut buffer = vec![0; 64 * 1024];
        let mut writable = true;
        loop {
            // Bytes that arrived during a wait are read before the write that they delayed, as in
            // the original.
            let read = self.read_once(endpoint, &mut buffer);
            if read == Moved::End || (!writable && read == Moved::Nothing) {
                endpoint.handle_end();
                return Ok(());
            }
            let wrote = match writable {
                true => self.write_once(endpoint),
                false => Moved::Nothing,
            };
            // Bytes that the testee sent before it ended TCP can still be read.
            writable &= wrote != Moved::End;
            if let Some(end) = endpoint.tcp_end()
                && wrote != Moved::Some
            {
                self.end(end);
                return Ok(());
            }
            if wrote == Moved::Nothing && read == Moved::Nothing {
                self.wait(endpoint.deadline())?;
            }
            let now = Instant::now();
            if self.waiter.stop.is_raised() && endpoint.connection.state() != State::Closed {
                endpoint.connection.end_unclean(INTERRUPTED);
                return Err(io::Error::other(INTERRUPTED));
            } else if endpoint.deadline() <= now {
                endpoint.handle_timeout(now);
            }
        }
    }

    /// Ends TCP after the last answer, when the other side has read it or the deadline has passed.
    /// Unread bytes would turn the end into a reset, which could overtake the answer.
    pub(crate) fn linger(mut self, deadline: Instant) {
        let mut buffer = [0; 4096];
        if self.transport.shutdown_write().is_err() {
            return;
        }
        loop {
            match self.transport.read(&mut buffer) {
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
        let Some(bytes) = endpoint.next_write(Instant::now()) else {
            return Moved::Nothing;
        };
        match self.transport.write(bytes) {
            Ok(count) => {
                endpoint.wrote(count, Instant::now());
                Moved::Some
            }
            Err(error) => Moved::by(&error),
        }
    }

    fn read_once<D: Handler>(&mut self, endpoint: &mut Endpoint<D>, buffer: &mut [u8]) -> Moved {
        match self.transport.read(buffer) {
            Ok(0) => Moved::End,
            Ok(count) => {
                endpoint.handle_read(&buffer[..count], Instant::now());
                Moved::Some
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::InvalidData {
                    let channel = &mut endpoint.connection.channel;
                    channel.note_violation(error.to_string());
                }
                Moved::by(&error)
            }
        }
    }

    fn end(mut self, end: TcpEnd) {
        match end {
            TcpEnd::Reset => self.reset_at_end(),
            TcpEnd::AfterWrites => {
                // A side that does not read for this time gets no more bytes.
                let _ = self.flush(Instant::now() + LINGER_TIME);
            }
        }
    }

    /// Passes all written bytes to the system.
    fn flush(&mut self, deadline: Instant) -> io::Result<()> {
        self.when_ready(deadline, |transport| transport.flush())
    }

    /// Makes the end of the link a reset.
    pub(crate) fn reset_at_end(&mut self) {
        self.transport.reset_at_end();
    }

    /// Calls `step` as soon as it does not block.
    fn when_ready<T>(
        &mut self,
        deadline: Instant,
        step: impl FnMut(&mut (dyn Transport + 'static)) -> io::Result<T>,
    ) -> io::Result<T> {
        when_ready(&mut *self.transport, &mut self.waiter, deadline, step)
    }

    /// Waits for the socket or the deadline, whichever is first.
    fn wait(&mut self, deadline: Instant) -> io::Result<()> {
        // An error appears in the next read.
        let _ = self.transport.flush();
        self.waiter.wait(deadline)
    }

    /// Waits for the socket, at most until the deadline.
    pub(crate) fn wait_or_fail(&mut self, deadline: Instant) -> io::Result<()> {
        // An error appears in the next read.
        let _ = self.transport.flush();
        self.waiter.wait_or_fail(deadline)
    }
}

/// Calls `step` as soon as it does not block.
fn when_ready<S: Transport + ?Sized, T>(
    transport: &mut S,
    waiter: &mut Waiter,
    deadline: Instant,
    mut step: impl FnMut(&mut S) -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match step(transport) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // An error appears in the next step.
                let _ = transport.flush();
                waiter.wait_or_fail(deadline)?;
            }
            result => return result,
        }
    }
}

impl Waiter {
    fn new(source: &mut dyn Source, stop: &StopFlag) -> io::Result<Self> {
        let poll = Poll::new()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(source, Token(0), interest)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(4),
            stop: stop.clone(),
        })
    }

    /// Waits for the socket or the deadline, whichever is first.
    fn wait(&mut self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left < LONGEST_SLEEP {
            thread::sleep(left);
            return Ok(());
        }
        match self
            .poll
            .poll(&mut self.events, Some(left.min(LONGEST_WAIT)))
        {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// Waits for the socket, at most until the deadline.
    fn wait_or_fail(&mut self, deadline: Instant) -> io::Result<()> {
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

/// Makes the short sleeps of this thread exact. Otherwise Linux adds up to 50 µs to each, five
/// times the gap between two paced writes.
#[cfg(target_os = "linux")]
fn sleep_exactly() {
    // Without this setting, paced writes are slower, and nothing else changes.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

#[cfg(not(target_os = "linux"))]
fn sleep_exactly() {}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
