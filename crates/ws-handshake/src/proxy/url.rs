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
        let port = parsed.port.unwrap_or(scheme.default_port());
        if port == 0 {
            return Err(ProxyUrlError::InvalidPort);
        }
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
            Self::InvalidPort => "the port of the proxy is invalid; write a number from 1 to 65535",
            Self::InvalidUserInfo => {
                "the user name or password of the proxy is invalid; percent-encode special \
                 characters, and use no control characters"
            }
            Self::Path => "the URL of the proxy has a path or query; write http://host:port",
            Self::UnsupportedScheme => {
                "the scheme of the proxy is not supported; write http://, https://, socks5:// or \
                 socks5h://"
            }
        })
    }
}

impl std::error::Error for ProxyUrlError {}
