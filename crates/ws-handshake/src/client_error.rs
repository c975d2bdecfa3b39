//! The reasons why the handshake of a client fails.

use std::fmt;

use http::Response;

use crate::deflate::DeflateError;
use crate::head_error::HeadError;
use crate::refusal_body::debug_refusal;
use crate::response_reader::ResponseFault;

/// The reason why the handshake of a client failed (RFC 6455 §4.1). Send nothing more on the
/// connection.
///
/// `Debug` shows a refusal without its body.
#[derive(Clone)]
#[non_exhaustive]
pub enum ClientError {
    /// The server ended the connection before the first byte of a final response.
    ConnectionClosed,
    /// No `Connection` header lists the token `Upgrade` (RFC 6455 §4.1, response item 3).
    ConnectionWithoutUpgrade,
    /// The parameters of permessage-deflate in the response do not fit the offer (RFC 7692 §5.1,
    /// §7.1).
    Deflate(DeflateError),
    /// The response has more than one `Sec-WebSocket-Accept` (RFC 6455 §11.3.3).
    DuplicateAccept,
    /// The response has an extension twice (RFC 6455 §9.1).
    DuplicateExtension,
    /// The server chose more than one subprotocol (RFC 6455 §11.3.4).
    DuplicateProtocol,
    /// The response is not valid HTTP/1.1.
    Head(HeadError),
    /// `Sec-WebSocket-Extensions` does not follow the grammar (RFC 6455 §9.1).
    InvalidExtensions,
    /// The response has no `Sec-WebSocket-Accept` (RFC 6455 §4.1, response item 4).
    MissingAccept,
    /// The server responded with a status other than 101 (RFC 6455 §4.1, response item 1).
    ///
    /// The response contains the body that has arrived, without the chunked coding. The body has at
    /// most [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes.
    Refused(Box<Response<Vec<u8>>>),
    /// The server ended the connection within the head of its response.
    TruncatedHead,
    /// The server chose an extension that was not offered (RFC 6455 §4.1, response item 5).
    UnofferedExtension,
    /// The server chose a subprotocol that was not offered (RFC 6455 §4.1, response item 6).
    UnofferedProtocol,
    /// No `Upgrade` header lists the token `websocket` (RFC 6455 §4.1, response item 2).
    UpgradeNotWebSocket,
    /// `Sec-WebSocket-Accept` does not belong to the key that was sent (RFC 6455 §4.1, response
    /// item 4).
    WrongAccept,
}

impl ClientError {
    /// Returns the response of a [`Refused`](Self::Refused) error, and `None` for other errors.
    pub fn refusal(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Refused(response) => Some(response),
            _ => None,
        }
    }

    /// Returns the name of the variant, and a text with the fault and its remedy.
    fn describe(&self) -> (&'static str, &'static str) {
        match self {
            Self::ConnectionClosed => (
                "ConnectionClosed",
                "the server ended the connection without a response; check host, port and scheme",
            ),
            Self::ConnectionWithoutUpgrade => (
                "ConnectionWithoutUpgrade",
                "the response lacks 'Connection: Upgrade'; check for a proxy that removes it",
            ),
            Self::Deflate(_) => (
                "Deflate",
                "the answer to permessage-deflate is wrong; offer no compression, or report it",
            ),
            Self::DuplicateAccept => (
                "DuplicateAccept",
                "the response has more than one Sec-WebSocket-Accept header; report it to the \
                 operator",
            ),
            Self::DuplicateExtension => (
                "DuplicateExtension",
                "the response has an extension twice; offer no extensions, or report it",
            ),
            Self::DuplicateProtocol => (
                "DuplicateProtocol",
                "the server chose more than one subprotocol; offer only one, or report it",
            ),
            Self::Head(HeadError::MalformedStartLine) => (
                "Head",
                "the response is not HTTP; check host, port and scheme",
            ),
            Self::Head(HeadError::TlsOnPlainConnection) => (
                "Head",
                "the server uses TLS on this port; connect with wss://",
            ),
            Self::Head(_) => (
                "Head",
                "the response is not valid HTTP/1.1; check for a proxy in between, or report it",
            ),
            Self::InvalidExtensions => (
                "InvalidExtensions",
                "Sec-WebSocket-Extensions in the response is malformed; offer no extensions, or \
                 report it",
            ),
            Self::MissingAccept => (
                "MissingAccept",
                "the response lacks Sec-WebSocket-Accept; check that the server supports WebSocket",
            ),
            Self::Refused(_) => (
                "Refused",
                "the server refused the handshake; read its response for the reason",
            ),
            Self::TruncatedHead => (
                "TruncatedHead",
                "the server ended the connection within its response; try again, or report it",
            ),
            Self::UnofferedExtension => (
                "UnofferedExtension",
                "the server chose an extension that was not offered; offer it, or report it",
            ),
            Self::UnofferedProtocol => (
                "UnofferedProtocol",
                "the server chose a subprotocol that was not offered; offer it, or report it",
            ),
            Self::UpgradeNotWebSocket => (
                "UpgradeNotWebSocket",
                "the response lacks 'Upgrade: websocket'; check for a proxy that removes it",
            ),
            Self::WrongAccept => (
                "WrongAccept",
                "Sec-WebSocket-Accept does not belong to the key that was sent; check for a cache \
                 in between, and that the server supports WebSocket",
            ),
        }
    }
}

impl From<DeflateError> for ClientError {
    fn from(error: DeflateError) -> Self {
        Self::Deflate(error)
    }
}

impl From<ResponseFault> for ClientError {
    fn from(fault: ResponseFault) -> Self {
        match fault {
            ResponseFault::ConnectionClosed => Self::ConnectionClosed,
            ResponseFault::Head(error) => Self::Head(error),
            ResponseFault::Refused(response) => Self::Refused(response),
            ResponseFault::TruncatedHead => Self::TruncatedHead,
        }
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = self.describe();
        match self {
            Self::Deflate(error) => f.debug_tuple(name).field(error).finish(),
            Self::Head(error) => f.debug_tuple(name).field(error).finish(),
            Self::Refused(response) => debug_refusal(f, name, response),
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
