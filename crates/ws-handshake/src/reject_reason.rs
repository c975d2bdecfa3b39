//! The rules that an opening request can break, one variant for each.

use std::fmt;

use http::StatusCode;

use crate::head_error::HeadError;
use crate::protocol::ProtocolFault;

/// Why a server refuses an opening request (RFC 6455 §4.2.1).
///
/// `Display` says what is wrong and what the client can do about it; the same words are the body
/// of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// No `Connection` header lists the token `Upgrade` (RFC 6455 §4.2.1, item 4). Status 400.
    ConnectionWithoutUpgrade,
    /// `Content-Length` is above zero, malformed or there twice: the bytes behind the head would
    /// be a body to some and frames to others (RFC 9112 §6.3 and §11.2). Status 400.
    ContentLength,
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
    /// The origin policy does not let this origin in (RFC 6455 §4.2.2, item 4). Status 403.
    ForeignOrigin,
    /// The request target has a `#fragment` (RFC 6455 §3, RFC 9112 §3.2). Status 400.
    FragmentInTarget,
    /// The request is not one of HTTP/1.1. Status 414 for [`HeadError::StartLineTooLong`], 431 for
    /// [`HeadError::HeadTooLong`] and [`HeadError::TooManyHeaders`], 505 for [`HeadError::UnsupportedHttpVersion`], else
    /// 400.
    Head(HeadError),
    /// `Sec-WebSocket-Extensions` does not follow the grammar (RFC 6455 §9.1). Status 400.
    InvalidExtensions,
    /// `Host` is empty or not `host[:port]` (RFC 9112 §3.2). Status 400.
    InvalidHost,
    /// `Sec-WebSocket-Key` is not the base64 form of 16 bytes (RFC 6455 §4.2.1, item 5).
    /// Status 400.
    InvalidKey,
    /// `Origin` has bytes outside visible US-ASCII (RFC 6454 §7.1). Status 400.
    InvalidOrigin,
    /// A subprotocol is not a token, or the list is empty (RFC 6455 §4.1, item 10). Status 400.
    InvalidProtocol,
    /// The request target is neither a path nor an `http` or `https` URI
    /// (RFC 6455 §4.2.1, item 1; RFC 9112 §3.2). Status 400.
    InvalidTarget,
    /// The method is not GET (RFC 6455 §4.2.1, item 1). Status 405.
    MethodNotGet,
    /// No `Host` (RFC 6455 §4.2.1, item 2). Status 400.
    MissingHost,
    /// No `Sec-WebSocket-Key` (RFC 6455 §4.2.1, item 5). Status 400.
    MissingKey,
    /// No `Sec-WebSocket-Version` (RFC 6455 §4.2.1, item 6). Status 400.
    MissingVersion,
    /// There is a `Transfer-Encoding` (RFC 9112 §6.1 and §11.2). Status 400.
    TransferEncoding,
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
            Self::ConnectionWithoutUpgrade
            | Self::ContentLength
            | Self::DuplicateHost
            | Self::DuplicateKey
            | Self::DuplicateOrigin
            | Self::DuplicateProtocol
            | Self::FragmentInTarget
            | Self::InvalidExtensions
            | Self::InvalidHost
            | Self::InvalidKey
            | Self::InvalidOrigin
            | Self::InvalidProtocol
            | Self::InvalidTarget
            | Self::MissingHost
            | Self::MissingKey
            | Self::MissingVersion
            | Self::TransferEncoding => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::MethodNotGet => StatusCode::METHOD_NOT_ALLOWED,
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
                | HeadError::TlsOnPlainConnection => StatusCode::BAD_REQUEST,
            },
            Self::DuplicateVersion | Self::UnsupportedVersion | Self::UpgradeNotWebSocket => {
                StatusCode::UPGRADE_REQUIRED
            }
        }
    }

    /// The fault, and what to do about it.
    fn text(self) -> &'static str {
        match self {
            Self::ConnectionWithoutUpgrade => {
                "the Connection header does not list Upgrade; send 'Connection: Upgrade', and let \
                 proxies pass it on"
            }
            Self::ContentLength => "an opening request has no body; remove Content-Length",
            Self::DuplicateHost => "there is more than one Host header; send one",
            Self::DuplicateKey => "there is more than one Sec-WebSocket-Key header; send one",
            Self::DuplicateOrigin => "there is more than one Origin header; send one or none",
            Self::DuplicateProtocol => "a subprotocol is offered twice; offer each once",
            Self::DuplicateVersion => {
                "there is more than one Sec-WebSocket-Version header; send one with the value 13"
            }
            Self::ForeignOrigin => {
                "pages of this origin may not connect; the operator of the server can allow it"
            }
            Self::FragmentInTarget => {
                "the request target has a fragment; remove it, or write a literal '#' as %23"
            }
            Self::Head(error) => error.text(),
            Self::InvalidExtensions => {
                "Sec-WebSocket-Extensions is malformed; follow RFC 6455 section 9.1, or leave it out"
            }
            Self::InvalidHost => {
                "the Host header is not 'host' or 'host:port'; send the one of the URL"
            }
            Self::InvalidKey => {
                "Sec-WebSocket-Key is not the base64 form of 16 bytes; encode 16 random bytes \
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
            Self::MethodNotGet => "the method is not GET; open a WebSocket with GET",
            Self::MissingHost => "there is no Host header; send the host of the URL",
            Self::MissingKey => {
                "there is no Sec-WebSocket-Key header; send the base64 form of 16 random bytes"
            }
            Self::MissingVersion => {
                "there is no Sec-WebSocket-Version header; send 'Sec-WebSocket-Version: 13'"
            }
            Self::TransferEncoding => "an opening request has no body; remove Transfer-Encoding",
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
