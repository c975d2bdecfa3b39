//! The settings of the opening request, and of reading its response.

use http::{HeaderMap, HeaderValue};
use ws_handshake::{Extension, HeadLimits, Request};

use super::Connector;
use crate::transport::Runtime;

impl<R: Runtime> Connector<R> {
    /// Offers a subprotocol. The order of the calls is the order of preference.
    #[must_use]
    pub fn subprotocol(self, name: &str) -> Self {
        self.request(|request| request.protocol(name))
    }

    /// Offers an extension. The order of the calls is the order of preference. The caller must
    /// implement the extension if the server agrees to it.
    #[must_use]
    pub fn extension(self, extension: Extension) -> Self {
        self.request(|request| request.extension(extension))
    }

    /// Adds a header to the request. The arguments are strings or types of [`http`]. Invalid
    /// headers are reported as [`ConnectError::Request`](crate::ConnectError::Request) when the
    /// connector is used.
    #[must_use]
    pub fn header(self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.request(|request| request.header(name, value))
    }

    /// Adds headers to the request.
    #[must_use]
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.request(|request| request.headers(headers))
    }

    /// Adds a header that is sent to every server, even if a [redirect](Self::redirects) leads to
    /// another origin.
    ///
    /// Use this only for headers that no server may misuse, such as `User-Agent`.
    #[must_use]
    pub fn header_for_any_origin(
        self,
        name: impl AsRef<str>,
        value: impl TryInto<HeaderValue>,
    ) -> Self {
        self.request(|request| request.header_for_any_origin(name, value))
    }

    /// Sends a user name and a password (basic authentication, RFC 7617). They override those of
    /// the URL.
    ///
    /// The password is not encrypted, so use a `wss://` URL.
    #[must_use]
    pub fn basic_auth(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.request(|request| request.basic_auth(user, password))
    }

    /// Sends a bearer token (RFC 6750 §2.1).
    ///
    /// The token is not encrypted, so use a `wss://` URL.
    #[must_use]
    pub fn bearer_auth(self, token: impl Into<String>) -> Self {
        self.request(|request| request.bearer_auth(token))
    }

    /// Sets the limits of the head of the response. Default: [`HeadLimits::default`]. The answers
    /// of proxies always have the default limits.
    #[must_use]
    pub fn head_limits(self, limits: HeadLimits) -> Self {
        self.request(|request| request.head_limits(limits))
    }

    /// Accepts a response whose lines end with LF instead of CRLF (RFC 9112 §2.2).
    ///
    /// Use this only for a known device. Two programs that disagree about the end of a line also
    /// disagree about the end of the response.
    #[must_use]
    pub fn allow_bare_line_feeds(self) -> Self {
        self.request(Request::allow_bare_line_feeds)
    }

    fn request(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        let request = &mut self.edit().request;
        *request = change(std::mem::take(request));
        self
    }
}
