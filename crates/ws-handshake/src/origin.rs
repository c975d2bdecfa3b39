//! The policy for the web pages that may connect (RFC 6455 §10.2, RFC 6454).

use std::sync::Arc;

use crate::host::HostPort;

/// The values of the `Origin` header that a server accepts (RFC 6455 §4.2.2, item 4, and §10.2).
///
/// A browser allows any page to open a WebSocket to any server, and sends the user's cookies in the
/// request. Only the `Origin` header distinguishes the server's own pages from other pages. A page
/// cannot forge this header. So a server that relies on cookies must check the `Origin` header.
///
/// Clients that are not browsers usually send no `Origin`. Every policy accepts a request without
/// `Origin`, and rejects a request with two `Origin` headers.
///
/// ```
/// use ws_handshake::{OriginPolicy, RejectReason, UpgradeRequest};
///
/// let request = http::Request::get("/feed")
///     .header("Host", "api.example.com")
///     .header("Upgrade", "websocket")
///     .header("Connection", "Upgrade")
///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("Sec-WebSocket-Version", "13")
///     .header("Origin", "https://app.example.com")
///     .body(())?;
/// // The page is on another host than the server.
/// let policy = OriginPolicy::SameAuthority;
/// let rejection = UpgradeRequest::from_request(&request, &policy).unwrap_err();
/// assert_eq!(rejection.reason(), RejectReason::ForeignOrigin);
///
/// let policy = OriginPolicy::allow_list(["https://app.example.com"]);
/// assert!(UpgradeRequest::from_request(&request, &policy).is_ok());
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// The host and port of the origin must be those of
    /// [`UpgradeRequest::host`](crate::UpgradeRequest::host). This is the default.
    ///
    /// The scheme is not compared, because a proxy may end TLS before the server. The scheme of the
    /// origin determines the default port, for the origin and for the host: 80 for `http`, 443 for
    /// `https`. The opaque origin `null` is rejected.
    #[default]
    SameAuthority,
    /// The origin must be one of these. Upper and lower case are equal.
    ///
    /// Write origins as browsers send them, without a default port and without a slash at the end:
    /// `https://example.com`.
    AllowList(Arc<[String]>),
    /// Any page on the web may connect.
    ///
    /// Use this for public services that rely neither on cookies nor on the position of the client
    /// in a network.
    AllowAll,
}

impl OriginPolicy {
    /// Creates an [`OriginPolicy::AllowList`] of these origins.
    pub fn allow_list<I, S>(origins: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self::AllowList(origins.into_iter().map(Into::into).collect())
    }

    /// Returns `true` if the policy accepts this `Origin` in a request to this authority.
    pub(crate) fn allows(&self, origin: &str, authority: &str) -> bool {
        match self {
            Self::SameAuthority => is_same_authority(origin, authority),
            Self::AllowList(allowed) => allowed
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(origin)),
            Self::AllowAll => true,
        }
    }
}

fn is_same_authority(origin: &str, authority: &str) -> bool {
    let parts = origin.split_once("://");
    parts.is_some_and(|(scheme, own)| is_same_server(scheme, own, authority))
}

/// Returns `true` if both are the same host and port. `scheme` determines a missing port.
pub(crate) fn is_same_server(scheme: &str, one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (HostPort::parse(one), HostPort::parse(other)) else {
        return false;
    };
    let default_port = if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else {
        None
    };
    one.is_same(&other, default_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_authority_compares_host_and_port() {
        let policy = OriginPolicy::SameAuthority;
        for (origin, host, expected) in [
            ("http://example.com", "example.com", true),
            ("https://example.com", "example.com", true),
            ("HTTPS://EXAMPLE.com", "example.COM", true),
            ("https://example.com", "example.com:443", true),
            ("http://example.com:80", "example.com", true),
            ("http://example.com:8080", "example.com:8080", true),
            ("http://[::1]:9001", "[::1]:9001", true),
            ("https://example.com", "example.com:80", false),
            ("http://example.com", "example.com:443", false),
            ("http://example.com", "example.com:8080", false),
            ("http://evil.example", "example.com", false),
            ("http://example.com.evil.example", "example.com", false),
            ("http://example.com/", "example.com", false),
            (
                "http://example.com http://example.com",
                "example.com",
                false,
            ),
            ("http://user@example.com", "example.com", false),
            ("example.com", "example.com", false),
            ("null", "null", false),
            ("", "example.com", false),
        ] {
            assert_eq!(
                policy.allows(origin, host),
                expected,
                "{origin:?} at {host:?}"
            );
        }
    }

    #[test]
    fn allow_lists_are_compared_exactly_except_for_case() {
        let policy = OriginPolicy::allow_list(["https://app.example.com", "http://localhost:3000"]);
        assert!(policy.allows("https://APP.example.com", "api.example.com"));
        assert!(policy.allows("http://localhost:3000", "api.example.com"));
        assert!(!policy.allows("http://app.example.com", "app.example.com"));
        assert!(!policy.allows("https://app.example.com:8443", "app.example.com:8443"));
        assert!(!policy.allows("https://app.example.com.evil.example", "a"));
        assert!(!policy.allows("null", "a"));
    }

    #[test]
    fn allow_all_allows_even_null() {
        assert!(OriginPolicy::AllowAll.allows("null", "a"));
    }
}
