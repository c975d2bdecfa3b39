//! Following the redirects of a server (RFC 9110 §15.4).

use std::fmt;

use http::header::LOCATION;
use http::{Response, StatusCode};

use crate::target::{Target, TargetError};

/// The redirects that a client follows, up to a maximum (RFC 6455 §4.1, RFC 9110 §15.4).
///
/// A redirect is a refusal with the status 301, 302, 303, 307 or 308 and a `Location`. A client
/// need not follow it. A caller that does sends the same request to the returned target. Across
/// origins, send [`Request::for_other_origin`](crate::Request::for_other_origin) instead, so that
/// no other server receives credentials. [`Target::is_same_origin`] compares the origins.
///
/// ```
/// use http::Response;
/// use ws_handshake::{RedirectError, Redirects, Target};
///
/// let from = Target::parse("ws://example.com/feed?room=1")?;
/// let response = Response::builder().status(302).header("Location", "/v2").body(vec![])?;
///
/// let mut redirects = Redirects::new(1);
/// let target = redirects.next(&from, &response)?.expect("the response is a redirect");
/// assert_eq!(target, Target::parse("ws://example.com/v2")?);
/// assert_eq!(redirects.next(&target, &response), Err(RedirectError::TooMany));
///
/// let refusal = Response::builder().status(403).body(vec![])?;
/// assert_eq!(redirects.next(&target, &refusal), Ok(None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirects {
    /// The number of redirects that may still be followed.
    left: usize,
}

impl Redirects {
    /// Allows `max` redirects. A loop of redirects ends after this number.
    pub fn new(max: usize) -> Self {
        Self { left: max }
    }

    /// Returns the target of a redirect, and counts the redirect. Returns `Ok(None)` if the
    /// response is not a redirect.
    ///
    /// `from` is the target that sent the response. `Location` is resolved by
    /// [`Target::join`].
    ///
    /// # Errors
    ///
    /// [`RedirectError`] if the redirect must not be followed.
    pub fn next(
        &mut self,
        from: &Target,
        response: &Response<Vec<u8>>,
    ) -> Result<Option<Target>, RedirectError> {
        let Some(location) = location(response)? else {
            return Ok(None);
        };
        let target = from.join(location).map_err(RedirectError::Location)?;
        if from.is_secure() && !target.is_secure() {
            return Err(RedirectError::Insecure);
        }
        self.left = self.left.checked_sub(1).ok_or(RedirectError::TooMany)?;
        Ok(Some(target))
    }
}

/// Returns the `Location` of a redirect.
fn location(response: &Response<Vec<u8>>) -> Result<Option<&str>, RedirectError> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let mut lines = response.headers().get_all(LOCATION).into_iter();
    let Some(line) = lines.next().filter(|_| is_redirect) else {
        return Ok(None);
    };
    // Two recipients could follow different lines.
    if lines.any(|other| other != line) {
        return Err(RedirectError::DuplicateLocation);
    }
    let text = line
        .to_str()
        .map_err(|_| RedirectError::Location(TargetError::InvalidPath))?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}

/// The reason why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// The response has two `Location` headers that differ (RFC 9110 §10.2.2).
    DuplicateLocation,
    /// The redirect leads from `wss` to `ws`. Whoever controls the network could read the
    /// connection.
    Insecure,
    /// `Location` is not a reference to a WebSocket (RFC 9110 §10.2.2).
    Location(TargetError),
    /// The server redirects more often than the caller allows.
    TooMany,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateLocation => f.write_str(
                "the redirect of the server has two Location headers; report it to the operator",
            ),
            Self::Insecure => f.write_str(
                "the server redirects from wss:// to ws://; use the new address only if it may be \
                 reached without TLS",
            ),
            Self::Location(error) => write!(
                f,
                "the Location of the redirect cannot be used; report it to the operator ({error})"
            ),
            Self::TooMany => f.write_str(
                "the server redirects too often; allow more redirects, or report a loop to the \
                 operator",
            ),
        }
    }
}

impl std::error::Error for RedirectError {}
