//! The TLS handshake of both roles.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use rustls::InvalidMessage;
use ws_driver::transport::{Transport, WriteHalf, refuse};
use ws_driver::{TlsError, TlsErrorKind};

use crate::error::tls_error;
use crate::transport::{Received, TlsTransport};

/// The answer to an HTTP request on a port for TLS.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Connection: close\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 48\r\n\r\n\
    This port requires TLS. Use wss:// or https://.\n";

/// The kind of the first input of the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FirstInput {
    #[default]
    None,
    Tls,
    Http,
    Other,
}

impl FirstInput {
    /// Examines the first bytes that have arrived. All records of a handshake begin with a content
    /// type from 20 to 23 (RFC 8446 §5.1). The method of an HTTP request is in uppercase.
    fn examine(&mut self, input: &[u8]) {
        *self = match (*self, input) {
            (Self::None, [20..=23, ..]) => Self::Tls,
            (Self::None, [b'A'..=b'Z', ..]) => Self::Http,
            (Self::None, [_, ..]) => Self::Other,
            (known, _) => known,
        };
    }
}

/// Performs the handshake of a client. If it fails, sends an alert to the server.
pub(crate) async fn connect<T: Transport>(
    mut transport: TlsTransport<T>,
) -> io::Result<TlsTransport<T>> {
    let mut first = FirstInput::default();
    let done = poll_fn(|cx| poll_handshake(&mut transport, cx, &mut first)).await;
    if let Err(error) = done {
        // An alert is short, so the transport takes it at once or not at all. But tokio lets every
        // operation wait once its task has done 128 others, so one more attempt follows.
        let mut is_last = false;
        poll_fn(|cx| {
            if transport.poll_send_records(cx).is_ready() || is_last {
                return Poll::Ready(());
            }
            is_last = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        return Err(error);
    }
    Ok(transport)
}

/// Performs the handshake of a server. If it fails, tells the client the reason, in HTTP if the
/// client sent an HTTP request.
pub(crate) async fn accept<T: Transport>(
    mut transport: TlsTransport<T>,
) -> io::Result<TlsTransport<T>> {
    let mut first = FirstInput::default();
    let done = poll_fn(|cx| poll_handshake(&mut transport, cx, &mut first)).await;
    let Err(error) = done else {
        return Ok(transport);
    };
    if first == FirstInput::Http {
        refuse(transport.into_inner(), PLAIN_HTTP).await;
    } else if transport.failure().is_some() {
        let alert = transport.take_records();
        refuse(transport.into_inner(), &alert).await;
    }
    Err(error)
}

fn poll_handshake<T: Transport>(
    transport: &mut TlsTransport<T>,
    cx: &mut Context<'_>,
    first: &mut FirstInput,
) -> Poll<io::Result<()>> {
    while transport.tls.is_handshaking() {
        ready!(transport.poll_send_records(cx))?;
        // The last records to write may have completed the handshake of a server.
        if !transport.tls.is_handshaking() {
            break;
        }
        let received = ready!(transport.poll_receive(cx, &mut [], |input| first.examine(input)))?;
        if matches!(first, FirstInput::Http | FirstInput::Other) {
            let source = rustls::Error::from(InvalidMessage::InvalidContentType);
            return Poll::Ready(Err(TlsError::new(TlsErrorKind::NotTls, source).into()));
        }
        if let Some(failure) = transport.failure() {
            return Poll::Ready(Err(tls_error(failure).into()));
        }
        if received == Received::End {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    transport.poll_flush(cx)
}
