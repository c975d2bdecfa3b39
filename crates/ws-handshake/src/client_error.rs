//! How a client's handshake can end without a connection.

use std::fmt;

use http::Response;

use crate::deflate::DeflateError;
use crate::scanner::HeadFault;

/// Why a client did not get its WebSocket (RFC 6455 §4.1). Nothing more may be sent on the
/// connection.
///
/// `Debug` shows a refusal without the octets of its body.
#[derive(Clone)]
#[non_exhaustive]
pub enum ClientError {
    /// A CR without LF behind it (RFC 9112 §2.2).
    BareCarriageReturn,
    /// An LF without CR in front of it (RFC 9112 §2.2).
    BareLineFeed,
    /// The server ended the connection without an answer.
    ConnectionClosed,
    /// No `Connection` header lists the token `Upgrade` (RFC 6455 §4.1, response item 3).
    ConnectionWithoutUpgrade,
    /// A control octet in a header field (RFC 9110 §5.5).
    ControlOctet,
    /// The server's permessage-deflate is not an answer to what was offered (RFC 7692 §5.1, §7.1).
    Deflate(DeflateError),
    /// More than one `Sec-WebSocket-Accept` (RFC 6455 §11.3.3).
    DuplicateAccept,
    /// The server uses an extension twice (RFC 6455 §9.1).
    DuplicateExtension,
    /// The server chose more than one subprotocol (RFC 6455 §11.3.4).
    DuplicateProtocol,
    /// A line begins with white space (RFC 9112 §5.2).
    FoldedLine,
    /// The heads of the response are longer than [`MAX_HEAD_LEN`](crate::MAX_HEAD_LEN).
    HeadTooLong,
    /// `Sec-WebSocket-Extensions` does not follow the grammar (RFC 6455 §9.1).
    InvalidExtensions,
    /// A header line is not `name: value` (RFC 9112 §5.1).
    InvalidHeader,
    /// The answer does not begin like HTTP (RFC 9112 §4).
    MalformedStatusLine,
    /// No `Sec-WebSocket-Accept` (RFC 6455 §4.1, response item 4).
    MissingAccept,
    /// The server answered with another status than 101: its head, and what came of its body, at
    /// most [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) octets with the chunked coding
    /// removed (RFC 6455 §4.1, response item 1).
    Refused(Box<Response<Vec<u8>>>),
    /// The server speaks TLS, and this connection does not (RFC 6455 §3).
    TlsOnPlainConnection,
    /// More header lines than [`MAX_HEADERS`](crate::MAX_HEADERS).
    TooManyHeaders,
    /// The server ended the connection within its answer.
    TruncatedHead,
    /// The server uses an extension that was not offered (RFC 6455 §4.1, response item 5).
    UnofferedExtension,
    /// The server chose a subprotocol that was not offered (RFC 6455 §4.1, response item 6).
    UnofferedProtocol,
    /// A version of HTTP that can't switch protocols (RFC 9110 §15.2).
    UnsupportedHttpVersion,
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
            Self::BareCarriageReturn => (
                "BareCarriageReturn",
                "the server's answer has a CR without LF; check that it speaks HTTP/1.1",
            ),
            Self::BareLineFeed => (
                "BareLineFeed",
                "the server's answer has an LF without CR; check that it speaks HTTP/1.1",
            ),
            Self::ConnectionClosed => (
                "ConnectionClosed",
                "the server ended the connection without an answer; check host, port and scheme",
            ),
            Self::ConnectionWithoutUpgrade => (
                "ConnectionWithoutUpgrade",
                "the server's answer lacks 'Connection: Upgrade'; check for a proxy that removes it",
            ),
            Self::ControlOctet => (
                "ControlOctet",
                "a header of the server's answer has a control octet; report it to the operator",
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
            Self::FoldedLine => (
                "FoldedLine",
                "a header of the server's answer is folded; report it to the operator",
            ),
            Self::HeadTooLong => (
                "HeadTooLong",
                "the head of the server's answer is longer than 16 KiB; have it send fewer headers",
            ),
            Self::InvalidExtensions => (
                "InvalidExtensions",
                "the server's answer to the extensions is malformed; offer none, or report it",
            ),
            Self::InvalidHeader => (
                "InvalidHeader",
                "a header line of the server's answer is not 'name: value'; report it",
            ),
            Self::MalformedStatusLine => (
                "MalformedStatusLine",
                "the server did not answer with HTTP; check host, port and scheme",
            ),
            Self::MissingAccept => (
                "MissingAccept",
                "the server's answer lacks Sec-WebSocket-Accept; check that it speaks WebSocket",
            ),
            Self::Refused(_) => (
                "Refused",
                "the server refused the handshake; see the response for the reason",
            ),
            Self::TlsOnPlainConnection => (
                "TlsOnPlainConnection",
                "the server speaks TLS on this port; connect with wss://",
            ),
            Self::TooManyHeaders => (
                "TooManyHeaders",
                "the server's answer has more than 100 header lines; have it send fewer",
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
            Self::UnsupportedHttpVersion => (
                "UnsupportedHttpVersion",
                "the server did not answer with HTTP/1.1; check for a proxy in between",
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

impl From<HeadFault> for ClientError {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::BareCarriageReturn => Self::BareCarriageReturn,
            HeadFault::BareLineFeed => Self::BareLineFeed,
            HeadFault::ControlOctet => Self::ControlOctet,
            HeadFault::FoldedLine => Self::FoldedLine,
            HeadFault::HeadTooLong | HeadFault::StartLineTooLong => Self::HeadTooLong,
            HeadFault::InvalidHeader => Self::InvalidHeader,
            HeadFault::MalformedStartLine => Self::MalformedStatusLine,
            HeadFault::Tls => Self::TlsOnPlainConnection,
            HeadFault::TooManyHeaders => Self::TooManyHeaders,
            HeadFault::UnsupportedHttpVersion => Self::UnsupportedHttpVersion,
        }
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = self.describe();
        match self {
            Self::Deflate(error) => f.debug_tuple(name).field(error).finish(),
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
            Self::Refused(response) => write!(f, "{text} (status {})", response.status()),
            _ => f.write_str(text),
        }
    }
}

impl std::error::Error for ClientError {}
