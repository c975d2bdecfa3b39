//! A connection of HTTP/2 with one WebSocket, as a transport.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::client::Connection;
use ws_driver::ConnectError;
use ws_driver::handshake::ConnectHandshake;
use ws_driver::http::Response;
use ws_driver::transport::{Half, ReadHalf, Split, Transport, WriteHalf};

use crate::io::{Io, Signals};
use crate::opening;
use crate::stream::H2Stream;

/// The most bytes that are read from h2 before the connection is driven again, so that the peer may
/// send more in time. A part of the window of a stream.
const READ_AHEAD: usize = 64 * 1024;

/// A connection of HTTP/2 that carries one WebSocket, over a transport of type `T`. It needs no
/// driver: every operation also drives the connection.
///
/// It keeps back at most 16 KiB of output. Once both directions have ended, it ends the connection:
/// it sends GOAWAY and ends the sending direction of the transport below. Dropping it resets the
/// stream, and sends GOAWAY if the transport below takes it at once.
///
/// The halves share the connection, and lock it for each operation. Each half drives it for both.
pub struct H2Transport<T: Transport + Unpin> {
    /// `None` once both directions have ended.
    stream: Option<H2Stream<T::Timer>>,
    /// `None` once the connection has ended.
    connection: Option<Connection<Io<T>, Bytes>>,
    signals: Arc<Signals>,
    /// The reason why the connection has ended before the stream.
    failure: Option<io::ErrorKind>,
    /// `true` if output was passed to h2 since the connection was driven.
    has_output: bool,
    /// The number of bytes that were read since the connection was driven.
    read_ahead: usize,
    input_ended: bool,
    output_ended: bool,
    peer_addr: Option<SocketAddr>,
    is_ip: bool,
}

impl<T: Transport + Unpin> H2Transport<T> {
    /// Starts HTTP/2 over `transport`, sends the request, and reads the response. Without a
    /// timeout.
    pub(crate) async fn open(
        transport: T,
        handshake: &ConnectHandshake,
    ) -> Result<(Self, Response<Vec<u8>>), ConnectError> {
        let (peer_addr, is_ip) = (transport.peer_addr(), transport.is_ip());
        let signals = Arc::new(Signals::default());
        let io = Io::with_signals(transport, &signals);
        let mut opening = pin!(open(io, handshake));
        let opened = poll_fn(|cx| {
            // The transport wakes the halves, and this task is the only one.
            signals.register(Half::Receiver, cx);
            opening.as_mut().poll(cx)
        });
        let (connection, stream, response) = opened.await?;
        signals.forget(Half::Receiver);
        let transport = Self {
            stream: Some(stream),
            connection,
            signals,
            failure: None,
            // The request has been sent, but h2 may have more to send.
            has_output: true,
            read_ahead: 0,
            input_ended: false,
            output_ended: false,
            peer_addr,
            is_ip,
        };
        Ok((transport, response))
    }

    /// Drives the connection: sends everything that h2 has to send, and passes all input to h2.
    ///
    /// h2 gets a waker that does nothing. The wakers that matter are those of the transport below,
    /// which are in [`Io`]. And each operation drives the connection itself after it has used the
    /// stream.
    fn drive(&mut self, half: Half) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let was_blocked = self.signals.is_blocked();
        let mut cx = Context::from_waker(Waker::noop());
        let ended = Pin::new(connection).poll(&mut cx);
        self.has_output = false;
        self.read_ahead = 0;
        if let Poll::Ready(result) = ended {
            self.connection = None;
            self.signals.set_blocked(false);
            self.failure = match result {
                Err(error) => Some(
                    error
                        .get_io()
                        .map_or(io::ErrorKind::ConnectionReset, io::Error::kind),
                ),
                Ok(()) if self.stream.is_some() => Some(io::ErrorKind::ConnectionReset),
                Ok(()) => None,
            };
        }
        // The transport below wakes only if the last operation was pending. So it may not wake the
        // other half any more. h2 wakes a half that waits for DATA or for a window.
        if self.connection.is_none() || (was_blocked && !self.signals.is_blocked()) {
            self.signals.wake(half.other());
        }
    }

    /// Registers `half`, which is about to wait, and drives the connection.
    fn drive_for(&mut self, half: Half, cx: &Context<'_>) {
        self.signals.register(half, cx);
        self.drive(half);
    }

    /// Performs an operation of the stream. If it has to wait, drives the connection and tries it
    /// again.
    ///
    /// The first attempt has no waker. h2 would otherwise wake the task while it drives.
    fn poll_stream<R>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&mut H2Stream<T::Timer>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let over = || Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        let Some(stream) = &mut self.stream else {
            return over();
        };
        let first = act(stream, &mut Context::from_waker(Waker::noop()));
        if first.is_ready() {
            return first;
        }
        self.drive_for(half, cx);
        let second = self
            .stream
            .as_mut()
            .map_or_else(over, |stream| act(stream, cx));
        if second.is_ready() {
            self.signals.forget(half);
        }
        second
    }

    /// Sends what h2 has to send. Ready once the transport below has taken it.
    fn poll_send(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.has_output || self.signals.is_blocked() {
            self.drive_for(Half::Sender, cx);
            if self.signals.is_blocked() {
                return Poll::Pending;
            }
            self.signals.forget(Half::Sender);
        }
        Poll::Ready(self.failure.map_or(Ok(()), |kind| Err(kind.into())))
    }

    /// Ends the connection, once both directions of the stream have ended.
    fn poll_end(&mut self, half: Half, cx: &Context<'_>) -> Poll<()> {
        if !(self.input_ended && self.output_ended) {
            return Poll::Ready(());
        }
        // A connection ends once it has no stream. This takes one turn to send the rest of the
        // stream, and one for GOAWAY.
        self.stream = None;
        for _ in 0..2 {
            self.drive_for(half, cx);
        }
        match self.connection {
            Some(_) => Poll::Pending,
            None => {
                self.signals.forget(half);
                Poll::Ready(())
            }
        }
    }
}

/// Starts HTTP/2 and opens a stream, and drives the connection meanwhile.
async fn open<T: Transport + Unpin>(
    io: Io<T>,
    handshake: &ConnectHandshake,
) -> Result<
    (
        Option<Connection<Io<T>, Bytes>>,
        H2Stream<T::Timer>,
        Response<Vec<u8>>,
    ),
    ConnectError,
> {
    let (requests, connection) = opening::start(io).await?;
    let mut connection = Some(connection);
    let mut opened = pin!(opening::open_stream(&requests, handshake));
    let (stream, response) = poll_fn(|cx| {
        if let Some(running) = &mut connection
            && Pin::new(running).poll(cx).is_ready()
        {
            // This passes the error to the stream.
            connection = None;
        }
        opened.as_mut().poll(cx)
    })
    .await?;
    Ok((connection, stream, response))
}

impl<T: Transport + Unpin> ReadHalf for H2Transport<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !self.input_ended {
            if self.read_ahead >= READ_AHEAD {
                self.drive(Half::Receiver);
            }
            let read = self.poll_stream(Half::Receiver, cx, |stream, cx| {
                stream.poll_read(cx, buffer)
            });
            let len = ready!(read)?;
            self.read_ahead += len;
            if len > 0 {
                return Poll::Ready(Ok(len));
            }
            self.input_ended = true;
        }
        ready!(self.poll_end(Half::Receiver, cx));
        Poll::Ready(Ok(0))
    }
}

impl<T: Transport + Unpin> WriteHalf for H2Transport<T> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let written = self.poll_stream(Half::Sender, cx, |stream, cx| {
            stream.poll_write_vectored(cx, slices)
        });
        self.has_output |= written.is_ready();
        written
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.output_ended {
            // Fails if the peer has reset the stream. Nothing is left to send then.
            let _ = self.poll_stream(Half::Sender, cx, H2Stream::poll_shutdown);
            self.output_ended = true;
            self.has_output = true;
        }
        if self.input_ended {
            ready!(self.poll_end(Half::Sender, cx));
            return Poll::Ready(Ok(()));
        }
        self.poll_send(cx)
    }
}

impl<T: Transport + Unpin> Transport for H2Transport<T> {
    type Timer = T::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    fn is_ip(&self) -> bool {
        self.is_ip
    }
}

impl<T: Transport + Unpin> Split for H2Transport<T> {
    ws_driver::locked_halves!();
}

impl<T: Transport + Unpin> Drop for H2Transport<T> {
    fn drop(&mut self) {
        self.input_ended = true;
        self.output_ended = true;
        // Does not wait, so the result does not matter.
        let _ = self.poll_end(Half::Receiver, &Context::from_waker(Waker::noop()));
    }
}

impl<T: Transport + Unpin> fmt::Debug for H2Transport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H2Transport")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
