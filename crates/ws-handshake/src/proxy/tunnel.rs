//! The tunnel through an HTTP proxy (RFC 9110 §9.3.6).

use std::fmt;

use http::Response;
use http::header::{HOST, PROXY_AUTHORIZATION};

use crate::credentials::{Credentials, CredentialsError};
use crate::fields::write_field;
use crate::head_error::HeadError;
use crate::head_rules::HeadRules;
use crate::host::Host;
use crate::limits::HeadLimits;
use crate::limits::Progress;
use crate::refusal_body::debug_refusal;
use crate::response_reader::{FinalHead, ResponseFault, ResponseReader, Verdict};

/// A request to an HTTP proxy to open a tunnel to a server, with the method CONNECT (RFC 9110
/// §9.3.6, RFC 6455 §4.1, item 3 of the connection).
///
/// A tunnel serves `ws` and `wss`. Send [`request`](Self::request), and pass the received bytes to
/// [`receive`](Self::receive). Then start TLS or the opening handshake on the same connection.
///
/// ```
/// use ws_handshake::{Credentials, Tunnel};
///
/// let credentials = Credentials::new("alice", "secret");
/// let mut tunnel = Tunnel::new("example.com", 443, Some(&credentials))?;
/// assert!(tunnel.request().starts_with(b"CONNECT example.com:443 HTTP/1.1\r\n"));
///
/// let progress = tunnel.receive(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
/// assert_eq!(progress.done, Some(()));
/// # Ok::<(), ws_handshake::TunnelError>(())
/// ```
///
/// `Debug` omits the request, which contains the credentials.
pub struct Tunnel {
    request: Vec<u8>,
    response: ResponseReader<TunnelError>,
}

impl Tunnel {
    /// Creates a request for a tunnel to a host and a port. The host is a name or an IP address. An
    /// IPv6 address may have brackets.
    ///
    /// The credentials are sent as basic authentication (RFC 7617), in clear text.
    ///
    /// # Errors
    ///
    /// * [`TunnelError::InvalidHost`] if the host is neither a name nor an IP address.
    /// * [`TunnelError::Credentials`] if the credentials cannot be sent.
    pub fn new(
        host: &str,
        port: u16,
        credentials: Option<&Credentials>,
    ) -> Result<Self, TunnelError> {
        let host = Host::parse(host).map_err(|_| TunnelError::InvalidHost)?;
        let authority = format!("{host}:{port}");
        let mut request = format!("CONNECT {authority} HTTP/1.1\r\n").into_bytes();
        write_field(&mut request, &HOST, authority.as_bytes());
        if let Some(credentials) = credentials {
            let value = credentials.basic().map_err(TunnelError::Credentials)?;
            write_field(&mut request, &PROXY_AUTHORIZATION, value.as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        Ok(Self {
            request,
            response: ResponseReader::new(HeadRules::response(HeadLimits::new())),
        })
    }

    /// Returns the complete request. Send it first.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Reads input, which may be split at any byte. The result is `Ok` with `done: None` if more
    /// input is needed.
    ///
    /// * A head with a `1xx` status is skipped (RFC 9110 §15.2).
    /// * Any `2xx` status opens the tunnel. After its head, no byte is consumed, even if a header
    ///   announces a body (RFC 9110 §9.3.6).
    /// * After the head of any other response, the body is read until it ends or has
    ///   [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes. The result is then
    ///   [`TunnelError::Refused`].
    ///
    /// # Errors
    ///
    /// [`TunnelError`] if the proxy does not open the tunnel. Later calls return the same error.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<()>, TunnelError> {
        self.response.receive(input, judge)
    }

    /// Returns `true` if the proxy has refused: the head of a final response other than `2xx` has
    /// arrived.
    ///
    /// The body may still be incomplete. A body without a length ends with the connection. To stop
    /// waiting for the rest of the body, call [`end_of_input`](Self::end_of_input).
    pub fn is_refused(&self) -> bool {
        self.response.is_refused()
    }

    /// Ends the request and returns the reason why it failed. Call this method when the proxy has
    /// ended the connection, or when the caller stops waiting.
    ///
    /// If the status line of a refusal has been read, the error is [`TunnelError::Refused`] with
    /// the headers and the body read so far.
    pub fn end_of_input(&mut self) -> TunnelError {
        self.response.end_of_input(judge)
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("state", &self.response.state_name())
            .finish_non_exhaustive()
    }
}

fn judge(head: FinalHead) -> Result<Verdict<()>, TunnelError> {
    Ok(if head.status.is_success() {
        Verdict::Accepted(())
    } else {
        Verdict::Refused(head)
    })
}

/// The reason why a proxy did not open a tunnel.
///
/// `Debug` shows a refusal without its body.
#[derive(Clone)]
#[non_exhaustive]
pub enum TunnelError {
    /// The proxy ended the connection before the first byte of a final response.
    ConnectionClosed,
    /// The credentials cannot be sent.
    Credentials(CredentialsError),
    /// The response is not valid HTTP.
    Head(HeadError),
    /// The host of the server is neither a name nor an IP address (RFC 3986 §3.2.2).
    InvalidHost,
    /// The proxy responded with a status other than `2xx` (RFC 9110 §9.3.6). With the status 407,
    /// the proxy requires other credentials (RFC 9110 §15.5.8).
    ///
    /// The response contains the body that has arrived, without the chunked coding. The body has at
    /// most [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes.
    Refused(Box<Response<Vec<u8>>>),
    /// The proxy ended the connection within the head of its response.
    TruncatedHead,
}

impl TunnelError {
    /// Returns the response of a [`Refused`](Self::Refused) error, and `None` for other errors.
    pub fn refusal(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Refused(response) => Some(response),
            _ => None,
        }
    }
}

impl From<ResponseFault> for TunnelError {
    fn from(fault: ResponseFault) -> Self {
        match fault {
            ResponseFault::ConnectionClosed => Self::ConnectionClosed,
            ResponseFault::Head(error) => Self::Head(error),
            ResponseFault::Refused(response) => Self::Refused(response),
            ResponseFault::TruncatedHead => Self::TruncatedHead,
        }
    }
}

impl fmt::Debug for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionClosed => f.write_str("ConnectionClosed"),
            Self::Credentials(error) => f.debug_tuple("Credentials").field(error).finish(),
            Self::Head(error) => f.debug_tuple("Head").field(error).finish(),
            Self::InvalidHost => f.write_str("InvalidHost"),
            Self::Refused(response) => debug_refusal(f, "Refused", response),
            Self::TruncatedHead => f.write_str("TruncatedHead"),
        }
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionClosed => f.write_str(
                "the proxy ended the connection without a response; check its host, port and scheme",
            ),
            Self::Credentials(error) => write!(f, "{error}"),
            Self::Head(HeadError::MalformedStartLine) => {
                f.write_str("the response of the proxy is not HTTP; check its port and scheme")
            }
            Self::Head(HeadError::TlsOnPlainConnection) => {
                f.write_str("the proxy uses TLS on this port; write https:// in its URL")
            }
            Self::Head(error) => write!(
                f,
                "the response of the proxy is not valid HTTP/1.1; report it to the operator \
                 ({error})"
            ),
            Self::InvalidHost => f.write_str(
                "the host of the server is neither a name nor an IP address; write a name in its \
                 ASCII form",
            ),
            // Some proxies respond with 401 to a wrong password.
            Self::Refused(response) if matches!(response.status().as_u16(), 401 | 407) => write!(
                f,
                "the proxy requires a user name and password; write correct ones in its URL \
                 (status {})",
                response.status()
            ),
            Self::Refused(response) => write!(
                f,
                "the proxy refused to connect to the server; read its response for the reason \
                 (status {})",
                response.status()
            ),
            Self::TruncatedHead => f.write_str(
                "the proxy ended the connection within its response; try again, or report it to \
                 the operator",
            ),
        }
    }
}

impl std::error::Error for TunnelError {}
