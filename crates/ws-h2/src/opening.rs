//! The start of a connection, and the request that opens a WebSocket in it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::ext::Protocol;
use h2::{Reason, RecvStream};
use ws_driver::ConnectError;
use ws_driver::handshake::{ConnectHandshake, MAX_REFUSAL_BODY_LEN};
use ws_driver::http::Response;
use ws_driver::transport::{Timer, Transport, within};

use crate::io::Io;
use crate::stream::{H2Stream, io_error};

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

/// The time for the body of a refusal, after its head. `ws-driver` has the same over HTTP/1.1.
const REFUSAL_BODY: Duration = Duration::from_secs(1);

/// Starts HTTP/2, and waits until the server has announced that it opens WebSockets (RFC 8441 §3).
pub(crate) async fn start<T: Transport + Unpin>(
    io: Io<T>,
) -> Result<(SendRequest<Bytes>, Connection<Io<T>, Bytes>), ConnectError> {
    let (requests, mut connection) = Builder::new()
        .enable_push(false)
        // Until the settings of the server have arrived.
        .initial_max_send_streams(0)
        .max_send_buffer_size(MAX_SEND_BUFFER)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .data_frame_budget(FRAME_BUDGET)
        .handshake(io)
        .await
        .map_err(connect_error)?;
    poll_fn(|cx| poll_announcement(&mut connection, &requests, cx)).await?;
    Ok((requests, connection))
}

/// Drives the connection until the settings of the server have arrived.
fn poll_announcement<T: Transport + Unpin>(
    connection: &mut Connection<Io<T>, Bytes>,
    requests: &SendRequest<Bytes>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), ConnectError>> {
    let ended = Pin::new(connection).poll(cx);
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

/// Sends a request. Returns its stream and the response, with the body of a refusal.
pub(crate) async fn open_stream<M: Timer>(
    requests: &SendRequest<Bytes>,
    handshake: &ConnectHandshake,
) -> Result<(H2Stream<M>, Response<Vec<u8>>), ConnectError> {
    let ready = requests.clone().ready().await;
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
        let reading = read_refusal(&mut body, &mut refusal);
        // If the body does not end, its beginning is enough.
        let _ = within(&mut M::at(M::after(REFUSAL_BODY)), reading).await;
    }
    let response = Response::from_parts(head, refusal);
    Ok((H2Stream::new(send, body), response))
}

async fn read_refusal(body: &mut RecvStream, refusal: &mut Vec<u8>) {
    while refusal.len() < MAX_REFUSAL_BODY_LEN
        && let Some(Ok(data)) = body.data().await
    {
        let len = data.len().min(MAX_REFUSAL_BODY_LEN - refusal.len());
        refusal.extend_from_slice(&data[..len]);
        drop(body.flow_control().release_capacity(data.len()));
    }
}

fn connect_error(error: h2::Error) -> ConnectError {
    // RFC 9113 §7
    if error.reason() == Some(Reason::HTTP_1_1_REQUIRED) {
        return ConnectError::Http2Unsupported;
    }
    ConnectError::Io(io_error(error))
}
