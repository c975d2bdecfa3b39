//! HTTP/2 in [`Connector::connect`].

use ws_driver::handshake::ConnectHandshake;
use ws_driver::transport::{AnyTransport, ClientHttp2, Http2Opening, Runtime};

use crate::transport::H2Transport;

/// The use of HTTP/2 by a [`Connector`](ws_driver::Connector). Each connection of HTTP/2 carries
/// one WebSocket, which drives it.
///
/// Everything else is as over HTTP/1.1: the type of the WebSocket, the request, proxies, redirects
/// and timeouts.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_h2::Http2;
/// use ws_tokio::Connector;
///
/// let connector = Connector::new().http2(Http2::Preferred);
/// let mut ws: ws_tokio::WebSocket = connector.connect("wss://example.com/chat").await?;
/// ws.send("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Http2 {
    /// HTTP/2 only. TLS offers the ALPN protocol `h2`. A server on a plain port must expect HTTP/2
    /// (prior knowledge, RFC 9113 §3.3).
    ///
    /// [`ConnectError::Http2Unsupported`](ws_driver::ConnectError::Http2Unsupported) if the server
    /// does not open WebSockets over HTTP/2.
    Only,
    /// HTTP/2 if the server opens WebSockets over it, or else HTTP/1.1. TLS offers `h2` and
    /// `http/1.1`. Without TLS, connections use HTTP/1.1.
    ///
    /// If a server chooses `h2` and does not open WebSockets over it, the connector connects to it
    /// again.
    Preferred,
}

impl<R: Runtime> ClientHttp2<R> for Http2 {
    fn allows_http1(&self) -> bool {
        *self == Self::Preferred
    }

    fn open<'a>(
        &'a self,
        handshake: &'a ConnectHandshake,
        transport: AnyTransport<R>,
    ) -> Http2Opening<'a, R> {
        Box::pin(async move {
            let (transport, response) = H2Transport::open(transport, handshake).await?;
            Ok((AnyTransport::new(transport), response))
        })
    }
}
