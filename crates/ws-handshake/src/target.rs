//! `ws:` and `wss:` URLs (RFC 6455 §3).

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::host::{HostFault, HostPort};

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
/// `Debug` omits the query, because many services pass access tokens in it.
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
}

impl Target {
    /// Parses a URL.
    ///
    /// The scheme is `ws` or `wss`, in upper or lower case. A missing path becomes `/`. The URL is
    /// not encoded further. Spaces and characters outside US-ASCII must be percent-encoded.
    /// International host names must be in their ASCII form (`xn--…`).
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
        if authority.contains('@') {
            return Err(TargetError::UserInfo);
        }
        let parsed = HostPort::parse(authority)?;
        let host = resolvable(parsed.host)?;
        let default_port = if secure { 443 } else { 80 };
        let port = parsed.port.unwrap_or(default_port);
        if port == 0 {
            return Err(TargetError::InvalidPort);
        }
        let authority = if port == default_port {
            parsed.host.to_owned()
        } else {
            format!("{}:{port}", parsed.host)
        };
        let path_and_query = path_and_query(resource)?;
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            authority,
            path_and_query,
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
}

/// A value that can be converted into a [`Target`]: a URL as text, an [`http::Uri`], or a parsed
/// target.
///
/// ```
/// use ws_handshake::IntoTarget;
///
/// let target = "wss://example.com/feed".into_target()?;
/// let uri = http::Uri::from_static("wss://example.com/feed");
/// assert_eq!(uri.into_target()?, target);
/// assert_eq!((&target).into_target()?, target);
/// # Ok::<(), ws_handshake::TargetError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the URL of a WebSocket",
    label = "neither a URL nor a target",
    note = "write a URL, as `&str`, `String` or `http::Uri`, or parse a `Target`"
)]
pub trait IntoTarget {
    /// Converts the value by the rules of [`Target::parse`].
    ///
    /// # Errors
    ///
    /// [`TargetError`] if the value is not a valid URL of a WebSocket.
    fn into_target(self) -> Result<Target, TargetError>;
}

/// Implements [`IntoTarget`] for each type. With a blanket implementation over `TryInto`, the
/// compiler would not show the message of `on_unimplemented`.
macro_rules! into_target {
    ($($from:ty, |$place:ident| $target:expr;)+) => {$(
        impl IntoTarget for $from {
            fn into_target(self) -> Result<Target, TargetError> {
                let $place = self;
                $target
            }
        }
    )+};
}

into_target! {
    &str, |url| Target::parse(url);
    &String, |url| Target::parse(url);
    String, |url| Target::parse(&url);
    &Uri, |uri| uri.try_into();
    Uri, |uri| uri.try_into();
    &Target, |target| Ok(target.clone());
    Target, |target| Ok(target);
}

/// Converts a URI by the rules of [`Target::parse`]. A fragment is not an error here, because
/// [`Uri`] drops fragments.
impl TryFrom<&Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: &Uri) -> Result<Self, Self::Error> {
        Self::parse(&uri.to_string())
    }
}

/// Converts a URI by the rules of [`Target::parse`]. A fragment is not an error here, because
/// [`Uri`] drops fragments.
impl TryFrom<Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: Uri) -> Result<Self, Self::Error> {
        Self::try_from(&uri)
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

/// Removes the brackets of a host. Rejects names with percent-encoding, and addresses of later
/// versions of IP. Such hosts are valid in a URI, but cannot be resolved.
fn resolvable(host: &str) -> Result<&str, TargetError> {
    let literal = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(literal) if literal.starts_with(['v', 'V']) => Err(TargetError::InvalidHost),
        Some(literal) => Ok(literal),
        None if host.contains('%') => Err(TargetError::InvalidHost),
        None => Ok(host),
    }
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

/// The reason why a string is not a URL of a WebSocket (RFC 6455 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The URL has no host after `://` (RFC 6455 §3).
    EmptyHost,
    /// The URL has a `#fragment` (RFC 6455 §3).
    Fragment,
    /// The host is neither a name nor an IP address (RFC 3986 §3.2.2).
    InvalidHost,
    /// The path or query has a character that must be percent-encoded (RFC 3986 §3.3).
    InvalidPath,
    /// The port is not a number from 1 to 65535 (RFC 3986 §3.2.3).
    InvalidPort,
    /// The URL does not begin with a scheme and `://` (RFC 6455 §3).
    MissingScheme,
    /// The scheme is neither `ws` nor `wss` (RFC 6455 §3).
    UnsupportedScheme,
    /// The URL has `user:password@` before the host (RFC 6455 §3).
    UserInfo,
}

impl From<HostFault> for TargetError {
    fn from(fault: HostFault) -> Self {
        match fault {
            HostFault::EmptyHost => Self::EmptyHost,
            HostFault::InvalidHost => Self::InvalidHost,
            HostFault::InvalidPort => Self::InvalidPort,
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyHost => "the URL has no host; write ws://host/path",
            Self::Fragment => "the URL has a fragment; remove it, or write a literal '#' as %23",
            Self::InvalidHost => {
                "the host of the URL is invalid; write a name in its ASCII form, an IPv4 address, \
                 or an IPv6 address in brackets"
            }
            Self::InvalidPath => {
                "the path or query of the URL has a character that is not allowed there; \
                 percent-encode it"
            }
            Self::InvalidPort => "the port of the URL is invalid; write a number from 1 to 65535",
            Self::MissingScheme => "the URL has no scheme; begin it with ws:// or wss://",
            Self::UnsupportedScheme => {
                "the scheme of the URL is neither ws nor wss; write ws:// or wss://"
            }
            Self::UserInfo => {
                "the URL has a user name or password; remove it and send an Authorization header"
            }
        })
    }
}

impl std::error::Error for TargetError {}

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
            ("ws://user:secret@h/", TargetError::UserInfo),
            ("ws://@h/", TargetError::UserInfo),
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
    fn a_uri_is_checked_like_a_url() {
        for url in [
            "ws://h",
            "wSs://h:443/a/b?c=d",
            "ws://h?x=1",
            "ws://[::1]:9001//",
            "ws://127.0.0.1:9001/runCase?case=1&agent=x",
            "h:80",
            "/path",
            "*",
            "http://h/",
            "ws://user:secret@h/",
            "ws://h:0/",
        ] {
            let uri: Uri = url.parse().unwrap();
            // `Uri` adds a slash if the path is empty.
            assert_eq!(Target::try_from(&uri), Target::parse(url), "{url}");
            assert_eq!(uri.into_target(), url.into_target(), "{url}");
        }
    }

    #[test]
    fn every_kind_of_url_is_converted_into_a_target() {
        let target = Target::parse("ws://h/a?b").unwrap();
        let url = String::from("ws://h/a?b");
        let uri: Uri = url.parse().unwrap();
        for other in [
            "ws://h/a?b".into_target(),
            (&url).into_target(),
            url.into_target(),
            (&uri).into_target(),
            uri.into_target(),
            (&target).into_target(),
            target.clone().into_target(),
        ] {
            assert_eq!(other.as_ref(), Ok(&target));
        }
    }

    #[test]
    fn debug_omits_the_query() {
        let shown = format!("{:?}", Target::parse("ws://h/p?token=secret").unwrap());
        assert!(shown.contains("/p") && !shown.contains("secret"), "{shown}");
    }
}
