//! How a client's handshake can end without a connection.

use std::fmt;

use http::Response;

use crate::deflate::DeflateError;
use crate::head_error::HeadError;

/// Why a client did not get its WebSocket (RFC 6455 §4.1). Nothing more may be sent on the
/// connection.
///
/// `Debug` shows a refusal without the bytes of its body.
#[derive(Clone)]
#[non_exhaustive]
pub enum ClientError {
    /// The server ended the connection without an answer.
    ConnectionClosed,
    /// No `Connection` header lists the token `Upgrade` (RFC 6455 §4.1, response item 3).
    ConnectionWithoutUpgrade,
    /// The server's permessage-deflate is not an answer to what was offered (RFC 7692 §5.1, §7.1).
    Deflate(DeflateError),
    /// More than one `Sec-WebSocket-Accept` (RFC 6455 §11.3.3).
    DuplicateAccept,
    /// The server uses an extension twice (RFC 6455 §9.1).
    DuplicateExtension,
    /// The server chose more than one subprotocol (RFC 6455 §11.3.4).
    DuplicateProtocol,
    /// The answer is not one of HTTP/1.1.
    Head(HeadError),
    /// `Sec-WebSocket-Extensions` does not follow the grammar (RFC 6455 §9.1).
    InvalidExtensions,
    /// No `Sec-WebSocket-Accept` (RFC 6455 §4.1, response item 4).
    MissingAccept,
    /// The server answered with another status than 101: its head, and what came of its body, at
    /// most [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes with the chunked coding
    /// removed (RFC 6455 §4.1, response item 1).
    Refused(Box<Response<Vec<u8>>>),
    /// The server ended the connection within its answer.
    TruncatedHead,
    /// The server uses an extension that was not offered (RFC 6455 §4.1, response item 5).
    UnofferedExtension,
    /// The server chose a subprotocol that was not offered (RFC 6455 §4.1, response item 6).
    UnofferedProtocol,
    /// No `Upgrade` header lists the token `websocket` (RFC 6455 §4.1, response item 2).
    UpgradeNotWebSocket,
    /// `Sec-WebSocket-Accept` does not belong to the key that was sent
    /// (RFC 6455 §4.1, response item 4).
    WrongAccept,
}

impl ClientError {
    /// The response that refused, if it is one.
    pub fn refusal(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Refused(response) => Some(response),
            _ => None,
        }
    }

    /// The name of the variant; what happened and what to do about it.
    fn describe(&self) -> (&'static str, &'static str) {
        match self {
            Self::ConnectionClosed => (
                "ConnectionClosed",
                "the server ended the connection without an answer; check host, port and scheme",
            ),
            Self::ConnectionWithoutUpgrade => (
                "ConnectionWithoutUpgrade",
                "the server's answer lacks 'Connection: Upgrade'; check for a proxy that removes it",
            ),
            Self::Deflate(_) => (
                "Deflate",
                "the server's answer to permessage-deflate is wrong; offer no compression, or report it",
            ),
            Self::DuplicateAccept => (
                "DuplicateAccept",
                "the server's answer has two Sec-WebSocket-Accept headers; report it to the operator",
            ),
            Self::DuplicateExtension => (
                "DuplicateExtension",
                "the server answered an extension twice; offer no extensions, or report it",
            ),
            Self::DuplicateProtocol => (
                "DuplicateProtocol",
                "the server chose more than one subprotocol; offer one only, or report it",
            ),
            Self::Head(HeadError::MalformedStartLine) => (
                "Head",
                "the server did not answer with HTTP; check host, port and scheme",
            ),
            Self::Head(HeadError::TlsOnPlainConnection) => (
                "Head",
                "the server speaks TLS on this port; connect with wss://",
            ),
            Self::Head(_) => (
                "Head",
                "the server's answer is not proper HTTP/1.1; check for a proxy in between, or report it",
            ),
            Self::InvalidExtensions => (
                "InvalidExtensions",
                "the server's answer to the extensions is malformed; offer none, or report it",
            ),
            Self::MissingAccept => (
                "MissingAccept",
                "the server's answer lacks Sec-WebSocket-Accept; check that it speaks WebSocket",
            ),
            Self::Refused(_) => (
                "Refused",
                "the server refused the handshake; see the response for the reason",
            ),
            Self::TruncatedHead => (
                "TruncatedHead",
                "the server ended the connection within its answer; try again, or report it",
            ),
            Self::UnofferedExtension => (
                "UnofferedExtension",
                "the server uses an extension that was not offered; offer it, or report it",
            ),
            Self::UnofferedProtocol => (
                "UnofferedProtocol",
                "the server chose a subprotocol that was not offered; offer it, or report it",
            ),
            Self::UpgradeNotWebSocket => (
                "UpgradeNotWebSocket",
                "the server's answer lacks 'Upgrade: websocket'; check for a proxy that removes it",
            ),
            Self::WrongAccept => (
                "WrongAccept",
                "Sec-WebSocket-Accept is not the answer to the key that was sent; check for a \
                 cache in between, and that the server speaks WebSocket",
            ),
        }
    }
}

impl From<DeflateError> for ClientError {
    fn from(error: DeflateError) -> Self {
        Self::Deflate(error)
    }
}

impl From<HeadError> for ClientError {
    fn from(error: HeadError) -> Self {
        // The heads share one limit, so the line at which it is reached need not be a long one.
        Self::Head(match error {
            HeadError::StartLineTooLong => HeadError::HeadTooLong,
            error => error,
        })
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = self.describe();
        match self {
            Self::Deflate(error) => f.debug_tuple(name).field(error).finish(),
            Self::Head(error) => f.debug_tuple(name).field(error).finish(),
            Self::Refused(response) => f
                .debug_struct(name)
                .field("status", &response.status())
                .field("headers", response.headers())
                .field("body_len", &response.body().len())
                .finish(),
            _ => f.write_str(name),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, text) = self.describe();
        match self {
            Self::Deflate(error) => write!(f, "{text} ({error})"),
            Self::Head(HeadError::MalformedStartLine | HeadError::TlsOnPlainConnection) => {
                f.write_str(text)
            }
            Self::Head(error) => write!(f, "{text} ({error})"),
            Self::Refused(response) => write!(f, "{text} (status {})", response.status()),
            _ => f.write_str(text),
        }
    }
}

impl std::error::Error for ClientError {}
