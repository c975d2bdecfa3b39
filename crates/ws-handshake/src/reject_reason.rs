//! The rules that an opening request can break.

use std::fmt;

use http::StatusCode;

use crate::head_error::HeadError;
use crate::protocol::ProtocolFault;

/// The reason why a server rejects an opening request (RFC 6455 §4.2.1).
///
/// `Display` writes the fault and its remedy. The body of
/// [`Rejection::response`](crate::Rejection::response) has the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// No `Connection` header lists the token `Upgrade` (RFC 6455 §4.2.1, item 4). Status 400.
    ConnectionWithoutUpgrade,
    /// `Content-Length` is above zero, malformed, or occurs twice (RFC 9112 §6.3 and §11.2). An
    /// intermediary could take the frames after the head for a body. Status 400.
    ContentLength,
    /// The request has more than one `Host` (RFC 9112 §3.2). Status 400.
    DuplicateHost,
    /// The request has more than one `Sec-WebSocket-Key` (RFC 6455 §11.3.1). Status 400.
    DuplicateKey,
    /// The request has more than one `Origin` (RFC 6454 §7.3). Status 400.
    DuplicateOrigin,
    /// A subprotocol is offered twice (RFC 6455 §4.1, item 10). Status 400.
    DuplicateProtocol,
    /// The request has more than one `Sec-WebSocket-Version` (RFC 6455 §11.3.5). Status 426.
    DuplicateVersion,
    /// The origin policy rejects the origin (RFC 6455 §4.2.2, item 4). Status 403.
    ForeignOrigin,
    /// The request target has a `#fragment` (RFC 6455 §3, RFC 9112 §3.2). Status 400.
    FragmentInTarget,
    /// The head is not valid HTTP/1.1. Status 414 for [`HeadError::StartLineTooLong`], 431 for
    /// [`HeadError::HeadTooLong`] and [`HeadError::TooManyHeaders`], 505 for
    /// [`HeadError::UnsupportedHttpVersion`], and 400 for all others.
    Head(HeadError),
    /// `Host` is empty or not `host[:port]` (RFC 9112 §3.2). Status 400.
    InvalidHost,
    /// `Sec-WebSocket-Key` is not the base64 form of 16 bytes (RFC 6455 §4.2.1, item 5).
    /// Status 400.
    InvalidKey,
    /// `Origin` has a byte outside US-ASCII (RFC 6454 §7.1). Status 400.
    InvalidOrigin,
    /// A subprotocol is not a token (RFC 6455 §4.1, item 10). Status 400.
    InvalidProtocol,
    /// The request target is neither a path nor an `http` or `https` URI (RFC 6455 §4.2.1, item 1;
    /// RFC 9112 §3.2). Status 400.
    InvalidTarget,
    /// The method is not CONNECT, over HTTP/2 (RFC 8441 §4). Status 405.
    MethodNotConnect,
    /// The method is not GET (RFC 6455 §4.2.1, item 1). Status 405.
    MethodNotGet,
    /// The request has no `Host` (RFC 6455 §4.2.1, item 2). Status 400.
    MissingHost,
    /// The request has no `Sec-WebSocket-Key` (RFC 6455 §4.2.1, item 5). Status 400.
    MissingKey,
    /// The request has no `Sec-WebSocket-Version` (RFC 6455 §4.2.1, item 6). Status 400.
    MissingVersion,
    /// `Host` names another server than `:authority`, over HTTP/2 (RFC 9113 §8.3.1). Status 400.
    OtherHost,
    /// A CONNECT has no `:protocol`, or another one than `websocket` (RFC 8441 §4, RFC 9220 §3).
    /// Status 501.
    ProtocolNotWebSocket,
    /// The request has a `Transfer-Encoding` (RFC 9112 §6.1 and §11.2). Status 400.
    TransferEncoding,
    /// `Sec-WebSocket-Version` is not exactly `13` (RFC 6455 §4.2.1, item 6, and §4.4). Status 426.
    UnsupportedVersion,
    /// No `Upgrade` header lists the token `websocket` (RFC 6455 §4.2.1, item 3).
    ///
    /// Status 426. The response names the protocol that this resource requires (RFC 9110 §15.5.22).
    /// The response to a plain GET is the same.
    UpgradeNotWebSocket,
}

impl RejectReason {
    /// Returns the status of the response.
    pub fn status(self) -> StatusCode {
        match self {
            Self::ConnectionWithoutUpgrade
            | Self::ContentLength
            | Self::DuplicateHost
            | Self::DuplicateKey
            | Self::DuplicateOrigin
            | Self::DuplicateProtocol
            | Self::FragmentInTarget
            | Self::InvalidHost
            | Self::InvalidKey
            | Self::InvalidOrigin
            | Self::InvalidProtocol
            | Self::InvalidTarget
            | Self::MissingHost
            | Self::MissingKey
            | Self::MissingVersion
            | Self::OtherHost
            | Self::TransferEncoding => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::MethodNotConnect | Self::MethodNotGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::ProtocolNotWebSocket => StatusCode::NOT_IMPLEMENTED,
            Self::Head(error) => match error {
                HeadError::HeadTooLong | HeadError::TooManyHeaders => {
                    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
                }
                HeadError::StartLineTooLong => StatusCode::URI_TOO_LONG,
                HeadError::UnsupportedHttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                HeadError::BareCarriageReturn
                | HeadError::BareLineFeed
                | HeadError::ControlByte
                | HeadError::FoldedLine
                | HeadError::InvalidHeader
                | HeadError::MalformedStartLine
                | HeadError::ProxyProtocol
                | HeadError::TlsOnPlainConnection => StatusCode::BAD_REQUEST,
            },
            Self::DuplicateVersion | Self::UnsupportedVersion | Self::UpgradeNotWebSocket => {
                StatusCode::UPGRADE_REQUIRED
            }
        }
    }

    /// Returns a text with the fault and its remedy.
    fn text(self) -> &'static str {
        match self {
            Self::ConnectionWithoutUpgrade => {
                "the Connection header does not list Upgrade; send 'Connection: Upgrade', and \
                 configure proxies to forward it"
            }
            Self::ContentLength => "an opening request must not have a body; remove Content-Length",
            Self::DuplicateHost => "the request has more than one Host header; send one",
            Self::DuplicateKey => {
                "the request has more than one Sec-WebSocket-Key header; send one"
            }
            Self::DuplicateOrigin => {
                "the request has more than one Origin header; send one or none"
            }
            Self::DuplicateProtocol => "a subprotocol is offered twice; offer each once",
            Self::DuplicateVersion => {
                "the request has more than one Sec-WebSocket-Version header; send one with the \
                 value 13"
            }
            Self::ForeignOrigin => {
                "pages of this origin may not connect; ask the operator of the server to allow it"
            }
            Self::FragmentInTarget => {
                "the request target has a fragment; remove it, or write a literal '#' as %23"
            }
            Self::Head(error) => error.text(),
            Self::InvalidHost => {
                "the Host header is not 'host' or 'host:port'; send the host of the URL"
            }
            Self::InvalidKey => {
                "Sec-WebSocket-Key is not the base64 form of 16 bytes; encode 16 random bytes \
                 with padding"
            }
            Self::InvalidOrigin => {
                "the Origin header has a byte outside US-ASCII; write the host name in its ASCII form"
            }
            Self::InvalidProtocol => {
                "a name in Sec-WebSocket-Protocol is not a token; use letters, digits, '.' and '-'"
            }
            Self::InvalidTarget => {
                "the request target is neither a path nor an http or https URI; send the path and \
                 query of the URL, percent-encoded"
            }
            Self::MethodNotConnect => {
                "the method is not CONNECT; over HTTP/2, open a WebSocket by CONNECT with \
                 ':protocol: websocket'"
            }
            Self::MethodNotGet => "the method is not GET; use GET to open a WebSocket",
            Self::MissingHost => "the request has no Host header; send the host of the URL",
            Self::MissingKey => {
                "the request has no Sec-WebSocket-Key header; send the base64 form of 16 random \
                 bytes"
            }
            Self::MissingVersion => {
                "the request has no Sec-WebSocket-Version header; send 'Sec-WebSocket-Version: 13'"
            }
            Self::OtherHost => "the Host header names another server than ':authority'; remove it",
            Self::ProtocolNotWebSocket => {
                "the CONNECT is for no protocol that this resource has; send \
                 ':protocol: websocket'"
            }
            Self::TransferEncoding => {
                "an opening request must not have a body; remove Transfer-Encoding"
            }
            Self::UnsupportedVersion => {
                "this version of the WebSocket protocol is not supported; \
                 send 'Sec-WebSocket-Version: 13'"
            }
            Self::UpgradeNotWebSocket => {
                "this resource requires WebSocket; send 'Upgrade: websocket' and \
                 'Connection: Upgrade', and configure proxies to forward them"
            }
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl From<HeadError> for RejectReason {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl From<ProtocolFault> for RejectReason {
    fn from(fault: ProtocolFault) -> Self {
        match fault {
            ProtocolFault::Duplicate => Self::DuplicateProtocol,
            ProtocolFault::Invalid => Self::InvalidProtocol,
        }
    }
}
