//! A valid opening request that waits for a decision.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use ws_handshake::{Answer, Extension, UpgradeRequest};
use ws_proto::Config;

use crate::error::AcceptError;
use crate::serve::{Admission, Until};
use crate::trace;
use crate::transport::Transport;
use crate::upgrade::Upgrade;
use crate::websocket::{Side, WebSocket};

/// A valid opening request. The caller decides to [`accept`](Self::accept) or to
/// [`reject`](Self::reject) it.
///
/// The decision may take any time. Dropping the offer drops the stream without an answer.
///
/// ```
/// use ws_tokio::Acceptor;
/// use ws_tokio::http::StatusCode;
///
/// # async fn serve(stream: tokio::io::DuplexStream) -> std::io::Result<()> {
/// let offer = Acceptor::new().read(stream).await?;
/// if offer.path() != "/chat" {
///     return Ok(offer.reject(StatusCode::NOT_FOUND).await?);
/// }
/// if !offer.protocols().any(|name| name == "chat.v2") {
///     return Ok(offer.reject(StatusCode::BAD_REQUEST).await?);
/// }
/// let mut ws = offer.subprotocol("chat.v2").accept().await?;
/// ws.send("welcome").await?;
/// # Ok(())
/// # }
/// #
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (near, far) = tokio::io::duplex(4096);
/// # tokio::spawn(serve(far));
/// # let connector = ws_tokio::Connector::new();
/// # let error = connector.handshake("ws://example.com/elsewhere", near).await.unwrap_err();
/// # assert_eq!(error.response().map(|response| response.status()), Some(StatusCode::NOT_FOUND));
/// # Ok(())
/// # }
/// ```
pub struct Offer<T: Transport> {
    pub(super) upgrade: Upgrade<T>,
    /// The rest of the handshake timeout. The timeout does not run during the decision.
    pub(super) time_left: Duration,
    pub(super) request: Box<UpgradeRequest>,
    /// The input after the request.
    pub(super) leftover: Vec<u8>,
    pub(super) answer: Answer,
    pub(super) config: Config,
    /// Overrides the address that the transport returns.
    pub(super) peer_addr: Option<SocketAddr>,
    pub(super) admission: Admission,
}

impl<T: Transport> Offer<T> {
    /// Returns the path of the request target.
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// Returns the query of the request target, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.request.query()
    }

    /// Returns the request target: usually the path and the query, rarely a whole `http` URI.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// Returns the request headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the `Origin` header, in which a browser names the web site that sent the request.
    /// `None` if the header is missing.
    pub fn origin(&self) -> Option<&str> {
        self.request.origin()
    }

    /// Returns the subprotocols that the client offers, in the order of its preference.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.request.protocols()
    }

    /// Returns the extensions that the client offers.
    pub fn extensions(&self) -> &[Extension] {
        self.request.extensions()
    }

    /// Returns the address of the client.
    ///
    /// This is the address that was [set](Self::set_peer_addr). If none was set, it is the address
    /// of the socket, if the transport is a socket.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
            .or_else(|| self.upgrade.transport.peer_addr())
    }

    /// Sets the address that [`peer_addr`](Self::peer_addr) returns, here and on the connection.
    ///
    /// This is for clients behind a proxy, and for transports without an address, such as the TLS
    /// stream of another library.
    pub fn set_peer_addr(&mut self, address: SocketAddr) {
        self.peer_addr = Some(address);
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &T {
        &self.upgrade.transport
    }

    /// Sets the subprotocol of the answer. It must be one of the subprotocols that the client
    /// [offers](Self::protocols).
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.answer = self.answer.protocol(name);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.answer = self.answer.header(name, value);
        self
    }

    /// Adds headers to the answer.
    #[must_use]
    pub fn answer_headers(mut self, headers: HeaderMap) -> Self {
        self.answer = self.answer.headers(headers);
        self
    }

    /// Accepts the request and returns the connection.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Answer`] if the answer is not valid for this request. The client was sent the
    /// status 500. [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take the
    /// answer. [`AcceptError::Unavailable`] if the [registry](crate::Acceptor::registry) was shut
    /// down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub fn accept(self) -> impl Future<Output = Result<WebSocket<T>, AcceptError>> {
        // Boxed at once, so that the task of the caller has no memory for the offer.
        let accepting = Box::pin(self.establish());
        async {
            let accepted = accepting.await.inspect_err(trace::not_accepted);
            accepted.map(WebSocket::compact)
        }
    }

    /// Does the same as [`accept`](Self::accept) in the memory of the caller. Call
    /// [`WebSocket::compact`] once this memory is free.
    pub(super) async fn establish(self) -> Result<WebSocket<T>, AcceptError> {
        if let Err(reason) = self.admission.check() {
            let _ = self.refuse(reason.response()).await;
            return Err(reason.into());
        }
        let mut upgrade = self.upgrade;
        let accepted = match self.request.accept(self.answer) {
            Ok(accepted) => accepted,
            Err(error) => {
                // The caller made a mistake. The client still receives a status.
                let response = self.request.reject(bare(StatusCode::INTERNAL_SERVER_ERROR));
                let _ = upgrade.refuse(&response).await;
                return Err(error.into());
            }
        };
        upgrade.resume(self.time_left);
        let answer = accepted.encode();
        let writing = upgrade.write(&answer);
        self.admission.limit(Until::Cut, writing).await??;
        let (_, agreed) = accepted.into_parts();
        let (transport, leftover) = (upgrade.transport, self.leftover);
        let mut ws = WebSocket::open(transport, Side::Server, &self.config, agreed, leftover);
        if let Some(address) = self.peer_addr {
            ws.set_peer_addr(address);
        }
        ws.admit(self.admission);
        ws.trace_open();
        Ok(ws)
    }

    /// Refuses the request with an HTTP status. Waits until the client has taken the answer and has
    /// ended the transport, for at most 1 s.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take the answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject(self, status: StatusCode) -> Result<(), AcceptError> {
        self.reject_with(bare(status)).await
    }

    /// Refuses the request with a complete HTTP response. Waits as [`reject`](Self::reject) does.
    ///
    /// # Errors
    ///
    /// The errors of [`reject`](Self::reject).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject_with(self, response: Response<Vec<u8>>) -> Result<(), AcceptError> {
        trace::refused_by_program(response.status());
        self.refuse(response).await
    }

    async fn refuse(self, response: Response<Vec<u8>>) -> Result<(), AcceptError> {
        let response = self.request.reject(response);
        let refusing = self.upgrade.refuse(&response);
        Ok(self.admission.limit(Until::Cut, refusing).await??)
    }
}

/// Makes a response without a body.
fn bare(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

impl<T: Transport> fmt::Debug for Offer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
