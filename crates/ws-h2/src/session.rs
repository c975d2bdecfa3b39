//! A connection of HTTP/2, and the WebSockets in it.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use ws_driver::handshake::IntoTarget;
use ws_driver::transport::{AnyTransport, HttpVersion, Runtime, Timer, Transport, within};
use ws_driver::{ConnectError, ConnectPhase, Connector, WebSocket};

use crate::io::Io;
use crate::opening;
use crate::stream::{H2Stream, io_error};

/// A connection of HTTP/2 that carries any number of WebSockets. Clones share the connection.
///
/// Another task must run the [`Driver`], or nothing moves.
pub struct Session<R: Runtime> {
    requests: SendRequest<Bytes>,
    connector: Connector<R>,
}

/// A future that sends and receives for all streams of a connection. It ends with the connection.
///
/// The connection ends when the [`Session`], its clones and all its WebSockets have been dropped,
/// or when the peer ends it.
#[must_use = "the streams of a connection move only while its driver runs"]
pub struct Driver<T: Transport + Unpin> {
    connection: Connection<Io<T>, Bytes>,
}

impl<R: Runtime> Session<R> {
    /// Connects to the server of a URL, and starts HTTP/2. The proxy, the TLS and the timeouts are
    /// those of `connector`. The path of the URL is not used.
    ///
    /// TLS offers the ALPN protocol `h2`. A server on a plain port must expect HTTP/2.
    ///
    /// # Errors
    ///
    /// The errors of [`Connector::connect`] before the opening handshake, and those of
    /// [`start`](Self::start).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn connect(
        connector: Connector<R>,
        url: impl IntoTarget,
    ) -> Result<(Self, Driver<AnyTransport<R>>), ConnectError> {
        let target = url.into_target()?;
        let reached = connector.reach(&target, &[HttpVersion::Http2]).await?;
        match reached.version {
            HttpVersion::Http2 => Self::start(connector, reached.transport).await,
            _ => Err(ConnectError::Http2Unsupported),
        }
    }

    /// Starts HTTP/2 over a transport whose peer expects it: TLS with the ALPN protocol `h2`, or a
    /// plain stream by prior knowledge (RFC 9113 §3.3). Waits until the server has announced that
    /// it opens WebSockets (RFC 8441 §3).
    ///
    /// The settings of `connector` are those of all WebSockets of the session.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Http2Unsupported`] if the server does not open WebSockets over HTTP/2.
    /// [`ConnectError::Io`] or [`ConnectError::Lost`] if the transport ends, or the peer does not
    /// speak HTTP/2. [`ConnectError::Timeout`] after `Connector::handshake_timeout`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn start<T>(
        connector: Connector<R>,
        transport: T,
    ) -> Result<(Self, Driver<T>), ConnectError>
    where
        T: Transport<Timer = R::Timer> + Unpin,
    {
        let starting = opening::start(Io::new(transport));
        let (requests, connection) = in_time(&connector, starting).await?;
        Ok((
            Self {
                requests,
                connector,
            },
            Driver { connection },
        ))
    }

    /// Opens a WebSocket in a stream of its own.
    ///
    /// If the server allows no further stream now, this waits until it does.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Handshake`] if the server refuses the request, or its answer is not valid.
    /// [`ConnectError::Request`] and [`ConnectError::Target`] if nothing was sent. The other errors
    /// are those of [`start`](Self::start).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future resets the stream.
    pub async fn open(
        &self,
        url: impl IntoTarget,
    ) -> Result<WebSocket<H2Stream<R::Timer>>, ConnectError> {
        let handshake = self.connector.connect_request(&url.into_target()?)?;
        let opening = opening::open_stream(&self.requests, &handshake);
        let (stream, response) = in_time(&self.connector, opening).await?;
        self.connector.established_on(&handshake, response, stream)
    }
}

impl<T: Transport + Unpin> Future for Driver<T> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll(cx).map_err(io_error)
    }
}

impl<R: Runtime> Clone for Session<R> {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests.clone(),
            connector: self.connector.clone(),
        }
    }
}

impl<R: Runtime> fmt::Debug for Session<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

impl<T: Transport + Unpin> fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// Waits for `future` at most as long as the opening handshake may take.
pub(crate) async fn in_time<R: Runtime, V>(
    connector: &Connector<R>,
    future: impl Future<Output = Result<V, ConnectError>>,
) -> Result<V, ConnectError> {
    let mut timer = R::Timer::at(R::Timer::after(connector.handshake_time()));
    let done = within(&mut timer, future).await;
    done.unwrap_or(Err(ConnectError::Timeout(ConnectPhase::Handshake)))
}
