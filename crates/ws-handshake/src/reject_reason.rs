//! The rules that an opening request can break, one variant for each.

use std::fmt;

use http::StatusCode;

use crate::protocol::ProtocolFault;
use crate::scanner::HeadFault;

/// Why a server refuses an opening request (RFC 6455 §4.2.1).
///
/// `Display` says what is wrong and what the client can do about it; the same words are the body
/// of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// A CR without LF behind it (RFC 9112 §2.2). Status 400.
    BareCarriageReturn,
    /// An LF without CR in front of it (RFC 9112 §2.2). Status 400.
    BareLineFeed,
    /// No `Connection` header lists the token `Upgrade` (RFC 6455 §4.2.1, item 4). Status 400.
    ConnectionWithoutUpgrade,
    /// `Content-Length` is above zero, malformed or there twice: the octets behind the head would
    /// be a body to some and frames to others (RFC 9112 §6.3 and §11.2). Status 400.
    ContentLength,
    /// A control octet, such as NUL, in a header field (RFC 9110 §5.5). Status 400.
    ControlOctet,
    /// More than one `Host` (RFC 9112 §3.2). Status 400.
    DuplicateHost,
    /// More than one `Sec-WebSocket-Key` (RFC 6455 §11.3.1). Status 400.
    DuplicateKey,
    /// More than one `Origin` (RFC 6454 §7.3). Status 400.
    DuplicateOrigin,
    /// A subprotocol is offered twice (RFC 6455 §4.1, item 10). Status 400.
    DuplicateProtocol,
    /// More than one `Sec-WebSocket-Version` (RFC 6455 §11.3.5). Status 426.
    DuplicateVersion,
    /// A line begins with white space (RFC 9112 §5.2 and §2.2). Status 400.
    FoldedLine,
    /// The origin policy does not let this origin in (RFC 6455 §4.2.2, item 4). Status 403.
    ForeignOrigin,
    /// The request target has a `#fragment` (RFC 6455 §3, RFC 9112 §3.2). Status 400.
    FragmentInTarget,
    /// The head is longer than [`MAX_HEAD_LEN`](crate::MAX_HEAD_LEN) (RFC 6585 §5). Status 431.
    HeadTooLong,
    /// `Sec-WebSocket-Extensions` does not follow the grammar (RFC 6455 §9.1). Status 400.
    InvalidExtensions,
    /// A header line is not `name: value`, for example because of a space in front of the colon
    /// (RFC 9112 §5.1). Status 400.
    InvalidHeader,
    /// `Host` is empty or not `host[:port]` (RFC 9112 §3.2). Status 400.
    InvalidHost,
    /// `Sec-WebSocket-Key` is not the base64 form of 16 octets (RFC 6455 §4.2.1, item 5).
    /// Status 400.
    InvalidKey,
    /// `Origin` has octets outside visible US-ASCII (RFC 6454 §7.1). Status 400.
    InvalidOrigin,
    /// A subprotocol is not a token, or the list is empty (RFC 6455 §4.1, item 10). Status 400.
    InvalidProtocol,
    /// The request target is neither a path nor an `http` or `https` URI
    /// (RFC 6455 §4.2.1, item 1; RFC 9112 §3.2). Status 400.
    InvalidTarget,
    /// The first line is not one of an HTTP request (RFC 9112 §3). Status 400.
    MalformedRequestLine,
    /// The method is not GET (RFC 6455 §4.2.1, item 1). Status 405.
    MethodNotGet,
    /// No `Host` (RFC 6455 §4.2.1, item 2). Status 400.
    MissingHost,
    /// No `Sec-WebSocket-Key` (RFC 6455 §4.2.1, item 5). Status 400.
    MissingKey,
    /// No `Sec-WebSocket-Version` (RFC 6455 §4.2.1, item 6). Status 400.
    MissingVersion,
    /// The request line does not end within [`MAX_HEAD_LEN`](crate::MAX_HEAD_LEN)
    /// (RFC 9112 §3). Status 414.
    RequestLineTooLong,
    /// The client speaks TLS on a connection that does not (RFC 6455 §3). Status 400.
    TlsOnPlainConnection,
    /// More header lines than [`MAX_HEADERS`](crate::MAX_HEADERS) (RFC 6585 §5). Status 431.
    TooManyHeaders,
    /// There is a `Transfer-Encoding` (RFC 9112 §6.1 and §11.2). Status 400.
    TransferEncoding,
    /// A version of HTTP other than 1.1 (RFC 6455 §4.2.1, item 1). Status 505.
    UnsupportedHttpVersion,
    /// `Sec-WebSocket-Version` is not exactly `13` (RFC 6455 §4.2.1, item 6, and §4.4).
    /// Status 426.
    UnsupportedVersion,
    /// No `Upgrade` header lists the token `websocket` (RFC 6455 §4.2.1, item 3). Status 426,
    /// also for a plain GET: it tells the client what this resource is for
    /// (RFC 9110 §15.5.22).
    UpgradeNotWebSocket,
}

impl RejectReason {
    /// The status of the response.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BareCarriageReturn
            | Self::BareLineFeed
            | Self::ConnectionWithoutUpgrade
            | Self::ContentLength
            | Self::ControlOctet
            | Self::DuplicateHost
            | Self::DuplicateKey
            | Self::DuplicateOrigin
            | Self::DuplicateProtocol
            | Self::FoldedLine
            | Self::FragmentInTarget
            | Self::InvalidExtensions
            | Self::InvalidHeader
            | Self::InvalidHost
            | Self::InvalidKey
            | Self::InvalidOrigin
            | Self::InvalidProtocol
            | Self::InvalidTarget
            | Self::MalformedRequestLine
            | Self::MissingHost
            | Self::MissingKey
            | Self::MissingVersion
            | Self::TlsOnPlainConnection
            | Self::TransferEncoding => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::MethodNotGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::DuplicateVersion | Self::UnsupportedVersion | Self::UpgradeNotWebSocket => {
                StatusCode::UPGRADE_REQUIRED
            }
            Self::HeadTooLong | Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnsupportedHttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// What is wrong, and what to do about it.
    fn text(self) -> &'static str {
        match self {
            Self::BareCarriageReturn => "a CR is not followed by LF; end lines with CRLF",
            Self::BareLineFeed => "an LF is not preceded by CR; end lines with CRLF",
            Self::ConnectionWithoutUpgrade => {
                "the Connection header does not list Upgrade; send 'Connection: Upgrade', and let \
                 proxies pass it on"
            }
            Self::ContentLength => "an opening request has no body; remove Content-Length",
            Self::ControlOctet => "a header field has a control octet; remove or encode it",
            Self::DuplicateHost => "there is more than one Host header; send one",
            Self::DuplicateKey => "there is more than one Sec-WebSocket-Key header; send one",
            Self::DuplicateOrigin => "there is more than one Origin header; send one or none",
            Self::DuplicateProtocol => "a subprotocol is offered twice; offer each once",
            Self::DuplicateVersion => {
                "there is more than one Sec-WebSocket-Version header; send one with the value 13"
            }
            Self::FoldedLine => "a line begins with white space; put each header field on one line",
            Self::ForeignOrigin => {
                "pages of this origin may not connect; the operator of the server can allow it"
            }
            Self::FragmentInTarget => {
                "the request target has a fragment; remove it, or write a literal '#' as %23"
            }
            Self::HeadTooLong => {
                "the request head is longer than 16 KiB; send fewer or shorter headers"
            }
            Self::InvalidExtensions => {
                "Sec-WebSocket-Extensions is malformed; follow RFC 6455 section 9.1, or leave it out"
            }
            Self::InvalidHeader => {
                "a header line is not 'name: value'; check for a missing colon or a space before it"
            }
            Self::InvalidHost => {
                "the Host header is not 'host' or 'host:port'; send the one of the URL"
            }
            Self::InvalidKey => {
                "Sec-WebSocket-Key is not the base64 form of 16 octets; encode 16 random octets \
                 with padding"
            }
            Self::InvalidOrigin => {
                "the Origin header is not visible US-ASCII; encode the host name"
            }
            Self::InvalidProtocol => {
                "Sec-WebSocket-Protocol is empty or has a name that is not a token; use letters, \
                 digits, '.' and '-'"
            }
            Self::InvalidTarget => {
                "the request target is neither a path nor an http or https URI; send the path and \
                 query of the URL, percent-encoded"
            }
            Self::MalformedRequestLine => {
                "this is not a request line of HTTP/1.1; send 'GET /path HTTP/1.1'"
            }
            Self::MethodNotGet => "the method is not GET; open a WebSocket with GET",
            Self::MissingHost => "there is no Host header; send the host of the URL",
            Self::MissingKey => {
                "there is no Sec-WebSocket-Key header; send the base64 form of 16 random octets"
            }
            Self::MissingVersion => {
                "there is no Sec-WebSocket-Version header; send 'Sec-WebSocket-Version: 13'"
            }
            Self::RequestLineTooLong => "the request line is longer than 16 KiB; shorten the URL",
            Self::TlsOnPlainConnection => {
                "this connection does not use TLS; connect with ws:// or to the port for wss://"
            }
            Self::TooManyHeaders => "there are more than 100 header lines; send fewer",
            Self::TransferEncoding => "an opening request has no body; remove Transfer-Encoding",
            Self::UnsupportedHttpVersion => {
                "this version of HTTP is not supported; open a WebSocket with HTTP/1.1"
            }
            Self::UnsupportedVersion => {
                "this version of the WebSocket protocol is not supported; \
                 send 'Sec-WebSocket-Version: 13'"
            }
            Self::UpgradeNotWebSocket => {
                "this resource speaks WebSocket only; send 'Upgrade: websocket' and \
                 'Connection: Upgrade', and let proxies pass them on"
            }
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl From<HeadFault> for RejectReason {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::BareCarriageReturn => Self::BareCarriageReturn,
            HeadFault::BareLineFeed => Self::BareLineFeed,
            HeadFault::ControlOctet => Self::ControlOctet,
            HeadFault::FoldedLine => Self::FoldedLine,
            HeadFault::HeadTooLong => Self::HeadTooLong,
            HeadFault::InvalidHeader => Self::InvalidHeader,
            HeadFault::MalformedStartLine => Self::MalformedRequestLine,
            HeadFault::StartLineTooLong => Self::RequestLineTooLong,
            HeadFault::Tls => Self::TlsOnPlainConnection,
            HeadFault::TooManyHeaders => Self::TooManyHeaders,
            HeadFault::UnsupportedHttpVersion => Self::UnsupportedHttpVersion,
        }
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
