//! The client side of the handshake over HTTP/2.

use std::fmt;

use http::{Request, Response};

use crate::client::Established;
use crate::client_error::ClientError;
use crate::head::NamesOf;
use crate::offers::Offers;

/// The client side of the handshake over HTTP/2 (RFC 8441), made by
/// [`Request::connect`](crate::Request::connect).
///
/// Another HTTP stack sends the request with the pseudo-header `:protocol`, whose value is
/// [`PROTOCOL`](Self::PROTOCOL), and reads the response. The server must have sent
/// SETTINGS_ENABLE_CONNECT_PROTOCOL before (RFC 8441 §3).
///
/// ```
/// use http::Response;
/// use ws_handshake::{Request, Target};
///
/// let target = Target::parse("wss://example.com/chat")?;
/// let client = Request::new().protocol("chat").connect(&target)?;
/// assert_eq!(client.request().method(), "CONNECT");
/// assert_eq!(client.request().uri(), "https://example.com/chat");
///
/// let response = Response::builder().header("Sec-WebSocket-Protocol", "chat");
/// let established = client.establish(response.body(Vec::new())?)?;
/// assert_eq!(established.agreed().protocol(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ConnectHandshake {
    request: Request<()>,
    offers: Offers,
}

impl ConnectHandshake {
    /// The value of `:protocol` (RFC 8441 §5).
    pub const PROTOCOL: &str = "websocket";

    pub(crate) fn new(request: Request<()>, offers: Offers) -> Self {
        Self { request, offers }
    }

    /// Returns the request, without `:protocol`.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }

    /// Checks the response. Its body matters only if the status is not `2xx`: it is then the body
    /// of a refusal, of which a caller reads at most
    /// [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes.
    ///
    /// # Errors
    ///
    /// [`ClientError`] for the rule that the response breaks.
    pub fn establish(&self, response: Response<Vec<u8>>) -> Result<Established, ClientError> {
        if !response.status().is_success() {
            return Err(ClientError::Refused(Box::new(response)));
        }
        let agreed = self.offers.agreement(response.headers())?;
        Ok(Established::new(response.map(drop), agreed))
    }
}

impl fmt::Debug for ConnectHandshake {
    /// Prints no header values, because they may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectHandshake")
            .field("headers", &NamesOf(self.request.headers()))
            .finish_non_exhaustive()
    }
}
