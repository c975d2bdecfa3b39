//! A connection of HTTP/2, and the WebSockets in it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::ext::Protocol;
use ws_driver::handshake::{ConnectHandshake, IntoTarget, MAX_REFUSAL_BODY_LEN};
use ws_driver::http::Response;
use ws_driver::transport::{Runtime, Timer, Transport};
use ws_driver::{ConnectError, ConnectPhase, Connector, WebSocket};

use crate::stream::{H2Stream, io_error};
use crate::tokio_io::TokioIo;

/// The most bytes that h2 keeps for one stream until the connection has sent them.
const MAX_SEND_BUFFER: usize = 64 * 1024;

/// The most bytes of a WebSocket that is not read.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The most bytes of all WebSockets that are not read. Much more than the window of one, which
/// would stop the others otherwise.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// The most bytes of memory for DATA frames that were not read, in addition to their content. h2
/// counts up to 256 bytes for each, and ends the whole connection beyond this limit. Its default
/// allows fewer than a thousand short messages.
const FRAME_BUDGET: usize = 64 * 1024 * 1024;

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
    connection: Connection<TokioIo<T>, Bytes>,
}

impl<R: Runtime> Session<R> {
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
        let starting = async {
            let (requests, connection) = Builder::new()
                .enable_push(false)
                // Until the settings of the server have arrived.
                .initial_max_send_streams(0)
                .max_send_buffer_size(MAX_SEND_BUFFER)
                .initial_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .data_frame_budget(FRAME_BUDGET)
                .handshake(TokioIo(transport))
                .await
                .map_err(connect_error)?;
            let mut driver = Driver { connection };
            poll_fn(|cx| driver.poll_announcement(cx, &requests)).await?;
            Ok((requests, driver))
        };
        let (requests, driver) = in_time(&connector, starting).await?;
        Ok((
            Self {
                requests,
                connector,
            },
            driver,
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
        let opening = self.open_stream(&handshake);
        let (stream, response) = in_time(&self.connector, opening).await?;
        let agreed = handshake.establish(response)?.into_parts().1;
        Ok(self.connector.upgraded_on(stream, agreed, Vec::new()))
    }

    /// Sends a request. Returns its stream and the response, with the body of a refusal.
    async fn open_stream(
        &self,
        handshake: &ConnectHandshake,
    ) -> Result<(H2Stream<R::Timer>, Response<Vec<u8>>), ConnectError> {
        let ready = self.requests.clone().ready().await;
        let mut requests = ready.map_err(connect_error)?;
        let mut request = handshake.request().clone();
        let protocol = Protocol::from_static(ConnectHandshake::PROTOCOL);
        request.extensions_mut().insert(protocol);
        let (response, send) = requests
            .send_request(request, false)
            .map_err(connect_error)?;
        let (head, mut body) = response.await.map_err(connect_error)?.into_parts();
        let mut refusal = Vec::new();
        if !head.status.is_success() {
            while refusal.len() < MAX_REFUSAL_BODY_LEN
                && let Some(Ok(data)) = body.data().await
            {
                let len = data.len().min(MAX_REFUSAL_BODY_LEN - refusal.len());
                refusal.extend_from_slice(&data[..len]);
                drop(body.flow_control().release_capacity(data.len()));
            }
        }
        let response = Response::from_parts(head, refusal);
        Ok((H2Stream::new(send, body), response))
    }
}

impl<T: Transport + Unpin> Driver<T> {
    /// Drives the connection until the settings of the server have arrived.
    fn poll_announcement(
        &mut self,
        cx: &mut Context<'_>,
        requests: &SendRequest<Bytes>,
    ) -> Poll<Result<(), ConnectError>> {
        let ended = Pin::new(&mut self.connection).poll(cx);
        if requests.is_extended_connect_protocol_enabled() {
            return Poll::Ready(Ok(()));
        }
        match ended {
            Poll::Ready(Ok(())) => Poll::Ready(Err(ConnectError::Lost)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(connect_error(error))),
            Poll::Pending if requests.current_max_send_streams() > 0 => {
                Poll::Ready(Err(ConnectError::Http2Unsupported))
            }
            Poll::Pending => Poll::Pending,
        }
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
async fn in_time<R: Runtime, V>(
    connector: &Connector<R>,
    future: impl Future<Output = Result<V, ConnectError>>,
) -> Result<V, ConnectError> {
    let mut future = std::pin::pin!(future);
    let time = connector.handshake_time();
    let mut timer = R::Timer::at(R::Timer::after(time));
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        let late = ConnectError::Timeout(ConnectPhase::Handshake);
        timer.poll(cx).map(|()| Err(late))
    })
    .await
}

fn connect_error(error: h2::Error) -> ConnectError {
    ConnectError::Io(io_error(error))
}
