//! Which pages may connect (RFC 6455 §10.2, RFC 6454).

use std::sync::Arc;

use crate::host::HostPort;

/// Which values of the `Origin` header a server accepts (RFC 6455 §4.2.2, item 4, and §10.2).
///
/// Browsers let any page open a WebSocket to any server and send the user's cookies along. The
/// `Origin` header, which a page can't forge, is all that tells the server's own pages from
/// others, so a server that relies on cookies has to check it. Clients that are not browsers
/// usually send none; under every policy a request without `Origin` passes, and one with two is
/// refused.
///
/// ```
/// use ws_handshake::OriginPolicy;
///
/// // A page on another host than the server's own.
/// let policy = OriginPolicy::allow_list(["https://app.example.com"]);
/// # drop(policy);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// The origin's host and port must be the ones that the request was sent to (its `Host`).
    /// The scheme is not compared, since a proxy may have ended TLS in front of the server; it
    /// gives the port where none is written, 80 for `http` and 443 for `https`, on both sides.
    /// The opaque origin `null` does not pass.
    #[default]
    SameAuthority,
    /// The origin must be one of these, written as browsers send them: `https://example.com`,
    /// without a default port and without a slash at the end. ASCII case does not matter.
    AllowList(Arc<[String]>),
    /// Any page on the web may connect. Right for public services that use neither cookies nor
    /// the position of the client in a network.
    AllowAll,
}

impl OriginPolicy {
    /// [`OriginPolicy::AllowList`] of these origins.
    pub fn allow_list<I, S>(origins: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self::AllowList(origins.into_iter().map(Into::into).collect())
    }

    /// Tells whether a request with this `Origin`, sent to this authority, passes.
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
    let Some((scheme, own)) = origin.split_once("://") else {
        return false;
    };
    let (Ok(own), Ok(target)) = (HostPort::parse(own), HostPort::parse(authority)) else {
        return false;
    };
    let default_port = if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else {
        None
    };
    own.is_same(&target, default_port)
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
    fn allow_lists_are_exact_but_for_case() {
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
