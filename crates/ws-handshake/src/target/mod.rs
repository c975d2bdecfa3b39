//! `ws:` and `wss:` URLs (RFC 6455 §3).

mod error;
mod into;
mod join;

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::credentials::Credentials;
use crate::host::HostPort;

pub use error::TargetError;
pub use into::IntoTarget;

/// A parsed `ws://` or `wss://` URL (RFC 6455 §3): the server and resource to connect to.
///
/// ```
/// use ws_handshake::Target;
///
/// let target = Target::parse("wss://[2001:db8::1]:8443/feed?from=now")?;
/// assert!(target.is_secure());
/// assert_eq!((target.host(), target.port()), ("2001:db8::1", 8443));
/// assert_eq!(target.authority(), "[2001:db8::1]:8443");
/// assert_eq!(target.path_and_query(), "/feed?from=now");
/// # Ok::<(), ws_handshake::TargetError>(())
/// ```
///
/// `Debug` omits the query, because many services pass access tokens in it. `Debug` also omits the
/// credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    secure: bool,
    /// The host without brackets, in the form for a resolver.
    host: String,
    port: u16,
    /// The value of the `Host` header.
    authority: String,
    /// The path and query. The first character is a slash.
    path_and_query: String,
    credentials: Option<Credentials>,
}

impl Target {
    /// Parses a URL.
    ///
    /// The scheme is `ws` or `wss`, in upper or lower case. A missing path becomes `/`. The URL is
    /// not encoded further. Spaces and characters outside US-ASCII must be percent-encoded.
    /// International host names must be in their ASCII form (`xn--…`).
    ///
    /// `user:password@` before the host is decoded into [`credentials`](Self::credentials).
    ///
    /// # Errors
    ///
    /// Returns the [`TargetError`] for the first part of the URL that is invalid.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let (scheme, rest) = url.split_once("://").ok_or(TargetError::MissingScheme)?;
        let secure = if scheme.eq_ignore_ascii_case("wss") {
            true
        } else if scheme.eq_ignore_ascii_case("ws") {
            false
        } else {
            return Err(TargetError::UnsupportedScheme);
        };
        // A URL of a WebSocket must not have a fragment. A literal "#" must be written as %23.
        if rest.contains('#') {
            return Err(TargetError::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at_checked(end).unwrap_or((rest, ""));
        Self::from_parts(secure, authority, resource)
    }

    /// Checks the parts of a URL. `resource` is the path and query.
    fn from_parts(secure: bool, authority: &str, resource: &str) -> Result<Self, TargetError> {
        let (credentials, authority) = match authority.rsplit_once('@') {
            Some((userinfo, authority)) => (credentials(userinfo)?, authority),
            None => (None, authority),
        };
        let parsed = HostPort::parse(authority)?;
        let host = parsed.resolvable()?;
        let default_port = if secure { 443 } else { 80 };
        let port = parsed.port_or(default_port)?;
        let authority = if port == default_port {
            parsed.host.to_owned()
        } else {
            format!("{}:{port}", parsed.host)
        };
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            authority,
            path_and_query: path_and_query(resource)?,
            credentials,
        })
    }

    /// Returns `true` if the scheme is `wss`. The connection must then use TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the host in the form for a resolver. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port. The default is 80 for `ws` and 443 for `wss`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the value of the `Host` header (RFC 6455 §4.1, item 4). An IPv6 address has
    /// brackets. A default port is omitted.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the path and query. The first character is a slash. RFC 6455 §3 calls this the
    /// resource name.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// Returns the user name and password of the URL, decoded.
    ///
    /// [`Request::build`](crate::Request::build) sends them as basic authentication (RFC 7617), if
    /// the request has no other authentication. They are part of no other header.
    ///
    /// ```
    /// use ws_handshake::Target;
    ///
    /// let target = Target::parse("wss://alice:p%40ss@example.com/")?;
    /// let credentials = target.credentials().expect("the URL has credentials");
    /// assert_eq!((credentials.user(), credentials.password()), ("alice", "p@ss"));
    /// assert_eq!(target.authority(), "example.com");
    /// # Ok::<(), ws_handshake::TargetError>(())
    /// ```
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Returns the URL without the credentials. A default port is omitted.
    ///
    /// The query is included. Many services pass access tokens in it.
    ///
    /// ```
    /// use ws_handshake::Target;
    ///
    /// let target = Target::parse("WSS://alice:secret@example.com:443")?;
    /// assert_eq!(target.url(), "wss://example.com/");
    /// # Ok::<(), ws_handshake::TargetError>(())
    /// ```
    pub fn url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.authority, self.path_and_query)
    }

    /// Returns the URL with the scheme of HTTP.
    pub(crate) fn http_uri(&self) -> Uri {
        let scheme = if self.secure { "https" } else { "http" };
        let uri = Uri::builder().scheme(scheme).authority(&*self.authority);
        // The parser of the URL accepts only what `Uri` accepts, so there is no error.
        let uri = uri.path_and_query(&*self.path_and_query).build();
        uri.unwrap_or_default()
    }

    /// Returns `true` if scheme, host and port are the same (RFC 6454 §5). Upper and lower case of
    /// the host are equal.
    ///
    /// ```
    /// use ws_handshake::Target;
    ///
    /// let target = Target::parse("wss://example.com/a")?;
    /// assert!(target.is_same_origin(&Target::parse("wss://EXAMPLE.com:443/b")?));
    /// assert!(!target.is_same_origin(&Target::parse("wss://www.example.com/a")?));
    /// # Ok::<(), ws_handshake::TargetError>(())
    /// ```
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port == other.port
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::parse(url)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        f.debug_struct("Target")
            .field("secure", &self.secure)
            .field("authority", &self.authority)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

/// Decodes the part of the authority before the `@`. Checks it for basic authentication.
fn credentials(userinfo: &str) -> Result<Option<Credentials>, TargetError> {
    let invalid = TargetError::InvalidUserInfo;
    let credentials = Credentials::from_userinfo(userinfo).map_err(|_| invalid)?;
    if let Some(credentials) = &credentials {
        credentials.check_basic().map_err(|_| invalid)?;
    }
    Ok(credentials)
}

fn path_and_query(resource: &str) -> Result<String, TargetError> {
    let path_and_query = if resource.starts_with('/') {
        resource.to_owned()
    } else {
        format!("/{resource}")
    };
    let visible = path_and_query.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || path_and_query.parse::<http::uri::PathAndQuery>().is_err() {
        return Err(TargetError::InvalidPath);
    }
    Ok(path_and_query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_into_their_parts() {
        for (url, secure, host, port, authority, resource) in [
            ("ws://h", false, "h", 80, "h", "/"),
            ("WS://H/", false, "H", 80, "H", "/"),
            ("wSs://h:443/a/b?c=d", true, "h", 443, "h", "/a/b?c=d"),
            ("wss://h:80/", true, "h", 80, "h:80", "/"),
            ("ws://h:0080/", false, "h", 80, "h", "/"),
            ("ws://h:/", false, "h", 80, "h", "/"),
            ("ws://h?x=1", false, "h", 80, "h", "/?x=1"),
            ("ws://h:9001?x=/", false, "h", 9001, "h:9001", "/?x=/"),
            ("ws://[::1]", false, "::1", 80, "[::1]", "/"),
            ("ws://[::1]:9001//", false, "::1", 9001, "[::1]:9001", "//"),
            (
                "ws://127.0.0.1:9001/runCase?case=1&agent=x",
                false,
                "127.0.0.1",
                9001,
                "127.0.0.1:9001",
                "/runCase?case=1&agent=x",
            ),
            ("ws://h/a@b", false, "h", 80, "h", "/a@b"),
        ] {
            let target: Target = url.parse().unwrap();
            assert_eq!(target.is_secure(), secure, "{url}");
            assert_eq!((target.host(), target.port()), (host, port), "{url}");
            assert_eq!(target.authority(), authority, "{url}");
            assert_eq!(target.path_and_query(), resource, "{url}");
        }
    }

    #[test]
    fn each_invalid_part_has_its_own_error() {
        for (url, error) in [
            ("", TargetError::MissingScheme),
            ("h/path", TargetError::MissingScheme),
            ("ws:/h", TargetError::MissingScheme),
            ("http://h/", TargetError::UnsupportedScheme),
            ("https://h/", TargetError::UnsupportedScheme),
            ("://h/", TargetError::UnsupportedScheme),
            (" ws://h/", TargetError::UnsupportedScheme),
            ("ws://", TargetError::EmptyHost),
            ("ws:///path", TargetError::EmptyHost),
            ("ws://:80/", TargetError::EmptyHost),
            ("ws://h#", TargetError::Fragment),
            ("ws://h/a#b", TargetError::Fragment),
            ("ws://us er@h/", TargetError::InvalidUserInfo),
            ("ws://u:%0d%0a@h/", TargetError::InvalidUserInfo),
            ("ws://u%3Av:p@h/", TargetError::InvalidUserInfo),
            ("ws://u:%ff@h/", TargetError::InvalidUserInfo),
            ("ws://u:%4@h/", TargetError::InvalidUserInfo),
            ("ws://u:p@q@h/", TargetError::InvalidUserInfo),
            ("ws://u\\@h/", TargetError::InvalidUserInfo),
            ("ws://u:p@", TargetError::EmptyHost),
            ("ws://u:p@:80", TargetError::EmptyHost),
            ("ws://a b/", TargetError::InvalidHost),
            ("ws://a%20b/", TargetError::InvalidHost),
            ("ws://b\u{fc}cher.example/", TargetError::InvalidHost),
            ("ws://[::1/", TargetError::InvalidHost),
            ("ws://[v1.a]/", TargetError::InvalidHost),
            ("ws://::1/", TargetError::EmptyHost),
            ("ws://h\\p/", TargetError::InvalidHost),
            ("ws://h:0/", TargetError::InvalidPort),
            ("ws://h:65536/", TargetError::InvalidPort),
            ("ws://h:+80/", TargetError::InvalidPort),
            ("ws://h:8o/", TargetError::InvalidPort),
            ("ws://h/a b", TargetError::InvalidPath),
            ("ws://h/\u{e4}", TargetError::InvalidPath),
            ("ws://h/a\r\nX: y", TargetError::InvalidPath),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url:?}");
        }
    }

    #[test]
    fn debug_omits_the_query() {
        let shown = format!("{:?}", Target::parse("ws://h/p?token=secret").unwrap());
        assert!(shown.contains("/p") && !shown.contains("secret"), "{shown}");
    }
}
