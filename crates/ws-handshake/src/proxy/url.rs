//! The URL of a proxy.

use std::fmt;
use std::str::FromStr;

use crate::credentials::Credentials;
use crate::host::{Host, HostFault, HostPort};

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// The method CONNECT of HTTP (RFC 9110 §9.3.6).
    Http,
    /// The method CONNECT of HTTP, over TLS to the proxy.
    Https,
    /// SOCKS5 (RFC 1928). The client resolves the host name of the server.
    Socks5,
    /// SOCKS5 (RFC 1928). The proxy resolves the host name of the server.
    Socks5h,
}

impl ProxyScheme {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Socks5, Self::Socks5h];

    /// Returns the scheme as in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// Returns the port of a URL without a port. These are the ports of curl.
    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http | Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// A proxy that a client connects through.
///
/// ```
/// use ws_handshake::{Proxy, ProxyScheme};
///
/// let proxy = Proxy::parse("socks5h://alice:secret@proxy.example.com:1080")?;
/// assert_eq!(proxy.scheme(), ProxyScheme::Socks5h);
/// assert_eq!((proxy.host(), proxy.port()), ("proxy.example.com", 1080));
/// assert_eq!(proxy.credentials().map(|credentials| credentials.user()), Some("alice"));
/// // The text form has no credentials.
/// assert_eq!(proxy.to_string(), "socks5h://proxy.example.com:1080");
/// # Ok::<(), ws_handshake::ProxyUrlError>(())
/// ```
///
/// `Debug` and `Display` omit the credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    scheme: ProxyScheme,
    /// The host without brackets, in the form for a resolver.
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

impl Proxy {
    /// Parses the URL of a proxy: `scheme://user:password@host:port`.
    ///
    /// * The scheme is `http`, `https`, `socks5` or `socks5h`. Without a scheme, it is `http`.
    /// * The default port is 443 for `https`, and 1080 for the others, as for curl.
    /// * User name and password are percent-decoded. Both may be missing.
    /// * A slash may follow.
    ///
    /// # Errors
    ///
    /// Returns the [`ProxyUrlError`] for the first part of the URL that is invalid. The error does
    /// not contain the URL.
    pub fn parse(url: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) => (parse_scheme(scheme)?, rest),
            None => (ProxyScheme::Http, url),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (userinfo, authority) = match authority.rsplit_once('@') {
            Some((userinfo, authority)) => (userinfo, authority),
            None => ("", authority),
        };
        let credentials =
            Credentials::from_userinfo(userinfo).map_err(|_| ProxyUrlError::InvalidUserInfo)?;
        let parsed = HostPort::parse(authority)?;
        let host = parsed.resolvable()?;
        let port = parsed.port_or(scheme.default_port())?;
        if !matches!(resource, "" | "/") {
            return Err(ProxyUrlError::Path);
        }
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
            credentials,
        })
    }

    /// Sets the user name and password for the proxy, in place of those in the URL. Here they are
    /// not percent-encoded.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Returns the protocol of the proxy.
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// Returns the host in the form for a resolver. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the user name and password for the proxy.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

fn parse_scheme(scheme: &str) -> Result<ProxyScheme, ProxyUrlError> {
    ProxyScheme::ALL
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
        .ok_or(ProxyUrlError::UnsupportedScheme)
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::parse(url)
    }
}

/// Writes the URL without the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        match Host::parse(&self.host) {
            Ok(host) => write!(f, "{host}:{}", self.port),
            Err(_) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy")
            .field(&format_args!("{self}"))
            .finish()
    }
}

/// The reason why a text is not the URL of a proxy. The error never contains the URL, because the
/// URL may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The URL has no host.
    EmptyHost,
    /// The host is neither a name nor an IP address (RFC 3986 §3.2.2).
    InvalidHost,
    /// The port is not a number from 1 to 65535 (RFC 3986 §3.2.3).
    InvalidPort,
    /// The part before the `@` is not `user:password` with percent-encoding (RFC 3986 §3.2.1), or
    /// has a control character.
    InvalidUserInfo,
    /// The URL has a path, a query or a fragment.
    Path,
    /// The scheme is none of `http`, `https`, `socks5` and `socks5h`.
    UnsupportedScheme,
}

impl From<HostFault> for ProxyUrlError {
    fn from(fault: HostFault) -> Self {
        match fault {
            HostFault::EmptyHost => Self::EmptyHost,
            HostFault::InvalidHost => Self::InvalidHost,
            HostFault::InvalidPort => Self::InvalidPort,
        }
    }
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyHost => "the URL of the proxy has no host; write http://host:port",
            Self::InvalidHost => {
                "the host of the proxy is invalid; write a name in its ASCII form, an IPv4 \
                 address, or an IPv6 address in brackets"
            }
            Self::InvalidPort => {
                "the port of the proxy is invalid; write a number from 1 to 65535, and \
                 percent-encode '/', '?', '#' and '@' in a password"
            }
            Self::InvalidUserInfo => {
                "the user name or password of the proxy is invalid; percent-encode special \
                 characters, and use no control characters"
            }
            Self::Path => {
                "the URL of the proxy has a path or query; write http://host:port, and \
                 percent-encode '/', '?', '#' and '@' in a password"
            }
            Self::UnsupportedScheme => {
                "the scheme of the proxy is not supported; write http://, https://, socks5:// or \
                 socks5h://"
            }
        })
    }
}

impl std::error::Error for ProxyUrlError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_are_split_into_their_parts() {
        for (url, shown, credentials) in [
            ("proxy", "http://proxy:1080", None),
            ("proxy:3128", "http://proxy:3128", None),
            ("HTTP://proxy/", "http://proxy:1080", None),
            ("https://proxy", "https://proxy:443", None),
            ("socks5://127.0.0.1:9050/", "socks5://127.0.0.1:9050", None),
            ("SOCKS5H://[::1]", "socks5h://[::1]:1080", None),
            ("u:p@proxy:80", "http://proxy:80", Some(("u", "p"))),
            ("http://u@proxy:80", "http://proxy:80", Some(("u", ""))),
            ("http://@proxy:80", "http://proxy:80", None),
            (
                "http://a%3Ab:p%40%2f@h:1",
                "http://h:1",
                Some(("a:b", "p@/")),
            ),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!(proxy.to_string(), shown, "{url}");
            let found = proxy
                .credentials()
                .map(|found| (found.user(), found.password()));
            assert_eq!(found, credentials, "{url}");
        }
    }

    #[test]
    fn each_invalid_part_has_its_own_error() {
        for (url, error) in [
            ("", ProxyUrlError::EmptyHost),
            ("http://", ProxyUrlError::EmptyHost),
            ("http://u:p@:80", ProxyUrlError::EmptyHost),
            ("http://a b", ProxyUrlError::InvalidHost),
            ("http://h\r\nX: y", ProxyUrlError::InvalidHost),
            ("http://h\0", ProxyUrlError::InvalidHost),
            ("http://\u{e4}", ProxyUrlError::InvalidHost),
            ("http://::1", ProxyUrlError::EmptyHost),
            ("h:0", ProxyUrlError::InvalidPort),
            ("h:65536", ProxyUrlError::InvalidPort),
            ("h:80\n", ProxyUrlError::InvalidPort),
            ("http://u:p/w@h:80", ProxyUrlError::InvalidPort),
            ("http://u:s3cret%0a@h", ProxyUrlError::InvalidUserInfo),
            ("http://u:s3cret\n@h", ProxyUrlError::InvalidUserInfo),
            ("http://u:s3cret@x@h", ProxyUrlError::InvalidUserInfo),
            ("http://h/s3cret", ProxyUrlError::Path),
            ("http://h?s3cret", ProxyUrlError::Path),
            ("http://h#", ProxyUrlError::Path),
            ("s3cret://h", ProxyUrlError::UnsupportedScheme),
            ("socks4://h", ProxyUrlError::UnsupportedScheme),
            ("socks://h", ProxyUrlError::UnsupportedScheme),
            ("://h", ProxyUrlError::UnsupportedScheme),
        ] {
            let found = Proxy::parse(url).unwrap_err();
            assert_eq!(found, error, "{url:?}");
            assert!(!format!("{found} {found:?}").contains("s3cret"));
        }
    }

    #[test]
    fn credentials_are_replaced() {
        let proxy = Proxy::parse("http://u:p@h:80").unwrap();
        let credentials = Credentials::new("alice", "s3cret@/");
        let proxy = proxy.with_credentials(credentials.clone());
        assert_eq!(proxy.credentials(), Some(&credentials));
    }

    #[test]
    fn debug_omits_the_credentials() {
        let proxy = Proxy::parse("http://alice:s3cret@h:80").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(http://h:80)");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_text_form_is_parsed_as_the_same_proxy(
            url in "(https?://|socks5h?://)?([a%4:@]{0,6}@)?[a-c\\[\\]:0-9.%]{0,16}[/?#]?|.{0,30}",
        ) {
            if let Ok(proxy) = Proxy::parse(&url) {
                let again = Proxy::parse(&proxy.to_string()).unwrap();
                prop_assert_eq!(again, Proxy { credentials: None, ..proxy });
            }
        }
    }
}
