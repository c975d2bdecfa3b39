//! The rules of HTTP/1.1 that the head of a request or response can break.

use std::fmt;

/// The reason why bytes are not the head of an HTTP/1.1 request or response (RFC 9112).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadError {
    /// A CR is not followed by LF (RFC 9112 §2.2).
    BareCarriageReturn,
    /// An LF is not preceded by CR (RFC 9112 §2.2).
    BareLineFeed,
    /// A header field has a control byte, for example NUL (RFC 9110 §5.5).
    ///
    /// A client reports this error, [`FoldedLine`](Self::FoldedLine) and
    /// [`InvalidHeader`](Self::InvalidHeader) only for headers of the handshake.
    ControlByte,
    /// A header line begins with white space (RFC 9112 §5.2 and §2.2).
    FoldedLine,
    /// The head is longer than [`HeadLimits::max_len`](crate::HeadLimits::max_len) (RFC 6585 §5).
    /// All heads of a response share this limit.
    HeadTooLong,
    /// A header line is not `name: value`, for example because of a space before the colon (RFC
    /// 9112 §5.1).
    InvalidHeader,
    /// The first line is neither a request line nor a status line (RFC 9112 §3 and §4).
    MalformedStartLine,
    /// The connection begins with a header of the PROXY protocol, of version 1 or 2, instead of a
    /// request.
    ProxyProtocol,
    /// The first line does not end within [`HeadLimits::max_len`](crate::HeadLimits::max_len) (RFC
    /// 9112 §3).
    StartLineTooLong,
    /// The sender uses TLS on a connection without TLS (RFC 6455 §3). The first byte received is
    /// that of a TLS handshake or alert record (RFC 8446 §5.1).
    TlsOnPlainConnection,
    /// The head has more header lines than [`HeadLimits::max_lines`](crate::HeadLimits::max_lines)
    /// (RFC 6585 §5).
    TooManyHeaders,
    /// The version of HTTP is not 1.1. Other versions cannot switch protocols (RFC 9110 §15.2).
    UnsupportedHttpVersion,
}

impl HeadError {
    /// Returns a text with the fault and its remedy.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::BareCarriageReturn => "a CR is not followed by LF; end lines with CRLF",
            Self::BareLineFeed => "an LF is not preceded by CR; end lines with CRLF",
            Self::ControlByte => "a header field has a control byte; remove or encode it",
            Self::FoldedLine => "a line begins with white space; put each header field on one line",
            Self::HeadTooLong => {
                "the head is longer than the limit; send fewer or shorter headers, or raise the limit"
            }
            Self::InvalidHeader => {
                "a header line is not 'name: value'; check for a missing colon or a space before it"
            }
            Self::MalformedStartLine => {
                "the first line is not valid HTTP/1.1; begin a request with 'GET /path HTTP/1.1'"
            }
            Self::ProxyProtocol => {
                "the connection begins with a PROXY protocol header; enable the PROXY protocol on \
                 this server, or disable it in the proxy"
            }
            Self::StartLineTooLong => {
                "the first line is longer than the limit; shorten the URL, or raise the limit"
            }
            Self::TlsOnPlainConnection => {
                "this connection does not use TLS; connect with ws://, or use the port for wss://"
            }
            Self::TooManyHeaders => {
                "there are more header lines than allowed; send fewer, or raise the limit"
            }
            Self::UnsupportedHttpVersion => {
                "this version of HTTP is not supported; use HTTP/1.1 to open a WebSocket"
            }
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for HeadError {}
