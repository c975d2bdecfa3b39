//! Requests that do not ask for a WebSocket.

use std::fmt;
use std::net::SocketAddr;

use http::{HeaderMap, Method, Request, Response, Uri};
use ws_handshake::encode_response;

use super::Offer;
use super::steps::Begun;
use crate::error::AcceptError;
use crate::serve::{Admission, Until};
use crate::transport::Transport;
use crate::upgrade::Upgrade;

/// A request that [`Acceptor::read_any`](crate::Acceptor::read_any) has read.
#[derive(Debug)]
pub enum AnyOffer<T: Transport> {
    /// A valid opening request.
    Upgrade(Offer<T>),
    /// A request that does not ask for a WebSocket.
    Plain(PlainRequest<T>),
}

/// A request that does not ask for a WebSocket, for instance a health check.
///
/// Its head is valid HTTP/1.1 or HTTP/1.0. Its method may be any. Its body is not read. Each
/// connection serves one such request. Dropping the request drops the stream without an answer.
///
/// ```
/// use ws_tokio::http::{Response, StatusCode};
/// use ws_tokio::{Acceptor, AnyOffer};
///
/// # async fn serve(stream: tokio::io::DuplexStream) -> std::io::Result<()> {
/// match Acceptor::new().read_any(stream).await? {
///     AnyOffer::Upgrade(offer) => {
///         let mut ws = offer.accept().await?;
///         ws.send("welcome").await?;
///     }
///     AnyOffer::Plain(request) => {
///         let mut response = Response::new(b"ok\n".to_vec());
///         if request.path() != "/health" {
///             *response.status_mut() = StatusCode::NOT_FOUND;
///         }
///         request.respond(response).await?;
///     }
/// }
/// # Ok(())
/// # }
/// #
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # let (mut near, far) = tokio::io::duplex(4096);
/// # let serving = tokio::spawn(serve(far));
/// # near.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
/// # let mut answer = String::new();
/// # near.read_to_string(&mut answer).await?;
/// # assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
/// # drop(near);
/// # serving.await??;
/// # Ok(())
/// # }
/// ```
pub struct PlainRequest<T: Transport> {
    upgrade: Upgrade<T>,
    request: Box<Request<()>>,
    /// The address in the header of the PROXY protocol.
    peer_addr: Option<SocketAddr>,
    admission: Admission,
}

impl<T: Transport> PlainRequest<T> {
    pub(super) fn new(begun: Begun<T>, request: Request<()>) -> Self {
        Self {
            upgrade: begun.upgrade,
            request: Box::new(request),
            peer_addr: begun.peer_addr,
            admission: begun.admission,
        }
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// Returns the path of the request target.
    pub fn path(&self) -> &str {
        self.uri().path()
    }

    /// Returns the query of the request target, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    /// Returns the request target: usually the path and the query, rarely a whole `http` URI.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// Returns the request headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the address of the client, as [`Offer::peer_addr`] does.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
            .or_else(|| self.upgrade.transport.peer_addr())
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &T {
        &self.upgrade.transport
    }

    /// Sends a complete response and ends the connection. Waits until the client has taken the
    /// response and has ended the transport, for at most 1 s.
    ///
    /// This sets `Connection: close` and `Content-Length`. The response to a HEAD request is sent
    /// without its body. A `1xx` status is replaced by 500.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take the response.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn respond(self, response: Response<Vec<u8>>) -> Result<(), AcceptError> {
        let encoded = encode_response(self.method(), &response);
        let refusing = self.upgrade.refuse(&encoded);
        Ok(self.admission.limit(Until::Cut, refusing).await??)
    }
}

/// Shows the method and the path. Clients send credentials in queries and headers.
impl<T: Transport> fmt::Debug for PlainRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainRequest")
            .field("method", self.method())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
