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
    /// `from` is the target that sent the response. `Location` is resolved by [`Target::join`].
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

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    fn response(status: u16, locations: &[&[u8]]) -> Response<Vec<u8>> {
        let mut response = Response::builder().status(status);
        for location in locations {
            response = response.header(LOCATION, *location);
        }
        response.body(Vec::new()).unwrap()
    }

    fn next(from: &str, location: &[u8]) -> Result<String, RedirectError> {
        let next = Redirects::new(1).next(&target(from), &response(302, &[location]))?;
        Ok(next.expect("a redirect").url())
    }

    #[test]
    fn only_five_statuses_with_a_location_are_redirects() {
        for status in 200..600 {
            let next = |locations: &[&[u8]]| {
                Redirects::new(1).next(&target("ws://h/"), &response(status, locations))
            };
            let expected = [301, 302, 303, 307, 308].contains(&status);
            assert_eq!(next(&[b"/a"]).unwrap().is_some(), expected, "{status}");
            assert_eq!(next(&[]), Ok(None), "{status}");
        }
    }

    #[test]
    fn a_loop_ends_after_the_maximum() {
        let mut redirects = Redirects::new(3);
        let (a, response) = (target("ws://h/a"), response(307, &[b"/a"]));
        for _ in 0..3 {
            assert_eq!(redirects.next(&a, &response), Ok(Some(a.clone())));
        }
        for _ in 0..2 {
            assert_eq!(redirects.next(&a, &response), Err(RedirectError::TooMany));
        }
    }

    #[test]
    fn tls_is_never_given_up() {
        for location in ["ws://h/", "http://h/", "ws://other/", "HTTP://h:443/"] {
            assert_eq!(
                next("wss://h/", location.as_bytes()),
                Err(RedirectError::Insecure)
            );
            assert!(next("ws://h/", location.as_bytes()).is_ok());
        }
        assert_eq!(next("ws://h/", b"https://h/a").unwrap(), "wss://h/a");
        assert_eq!(next("wss://h/", b"//h/a").unwrap(), "wss://h/a");
    }

    #[test]
    fn a_location_that_cannot_be_used_is_an_error() {
        for (location, error) in [
            (&b"ftp://h/"[..], TargetError::UnsupportedScheme),
            (b"javascript:alert(1)", TargetError::UnsupportedScheme),
            (b"ws:/a", TargetError::EmptyHost),
            (b"ws://", TargetError::EmptyHost),
            (b"http://user:secret@h/", TargetError::UserInfoInLocation),
            (b"//@h/", TargetError::UserInfoInLocation),
            (b"/a b", TargetError::InvalidPath),
            (b"/caf\xc3\xa9", TargetError::InvalidPath),
            (b"/\xff", TargetError::InvalidPath),
            (b"//a b/", TargetError::InvalidHost),
            (b"//h:x/", TargetError::InvalidPort),
        ] {
            let found = next("ws://h/", location).unwrap_err();
            assert_eq!(
                found,
                RedirectError::Location(error),
                "{}",
                location.escape_ascii()
            );
            assert!(!format!("{found} {found:?}").contains("secret"));
        }
        assert_eq!(next("ws://h/", b" \t/a ").unwrap(), "ws://h/a");
    }

    #[test]
    fn two_locations_must_be_equal() {
        let next = |locations: &[&[u8]]| {
            Redirects::new(1).next(&target("ws://h/"), &response(301, locations))
        };
        assert_eq!(next(&[b"/a", b"/a"]), Ok(Some(target("ws://h/a"))));
        assert_eq!(next(&[b"/a", b"/b"]), Err(RedirectError::DuplicateLocation));
    }
}
