//! The choice of a proxy for a server.

use std::fmt;

use super::no_proxy::NoProxy;
use super::url::{Proxy, ProxyUrlError};
use crate::target::Target;

/// The proxies of a client: which proxy is used for which server.
///
/// ```
/// use ws_handshake::{Proxies, Proxy, Target};
///
/// let proxy = Proxy::parse("http://proxy.example.com:3128")?;
/// let proxies = Proxies::from(proxy.clone()).except("localhost, .example.com, 10.0.0.0/8");
/// assert_eq!(proxies.proxy_for(&Target::parse("wss://example.org/")?), Some(&proxy));
/// assert_eq!(proxies.proxy_for(&Target::parse("ws://feed.example.com/")?), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The default is a direct connection to every server.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    ws: Option<Proxy>,
    wss: Option<Proxy>,
    except: NoProxy,
}

impl Proxies {
    /// Reads variables through `var`, which returns the value of the variable with a name.
    ///
    /// | for | variables, in the order of preference |
    /// |---|---|
    /// | `ws` | `ws_proxy`, `WS_PROXY`, `http_proxy`, `HTTP_PROXY`, `all_proxy`, `ALL_PROXY` |
    /// | `wss` | `wss_proxy`, `WSS_PROXY`, `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY` |
    /// | exceptions | `no_proxy`, `NO_PROXY`; see [`except`](Self::except) |
    ///
    /// An empty variable is ignored. `HTTP_PROXY` is ignored if `REQUEST_METHOD` is set, because a
    /// CGI program receives the header `Proxy` of its client under this name.
    ///
    /// ```
    /// use ws_handshake::{Proxies, Target};
    ///
    /// let proxies = Proxies::from_vars(|name| match name {
    ///     "all_proxy" => Some("socks5h://127.0.0.1:1080".into()),
    ///     "no_proxy" => Some("localhost".into()),
    ///     _ => None,
    /// })?;
    /// assert!(proxies.proxy_for(&Target::parse("ws://example.com/")?).is_some());
    /// assert!(proxies.proxy_for(&Target::parse("ws://localhost/")?).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProxyVariableError`] if a variable that is used is not the URL of a proxy.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyVariableError> {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let is_cgi = var("REQUEST_METHOD").is_some();
        let first = |names: &[&'static str]| {
            let mut values = names.iter().filter_map(|name| Some((*name, var(name)?)));
            let Some((variable, url)) = values.find(|(name, _)| !is_cgi || *name != "HTTP_PROXY")
            else {
                return Ok(None);
            };
            let error = |error| ProxyVariableError { variable, error };
            Proxy::parse(&url).map(Some).map_err(error)
        };
        let no_proxy = var("no_proxy").or_else(|| var("NO_PROXY"));
        let proxies = Self {
            ws: first(&WS)?,
            wss: first(&WSS)?,
            except: NoProxy::default(),
        };
        Ok(proxies.except(&no_proxy.unwrap_or_default()))
    }

    /// Adds servers that are reached without a proxy, in the form of the variable `NO_PROXY`. The
    /// rules are those of curl.
    ///
    /// * Commas and white space separate the entries.
    /// * A name stands for this name and all names below it: `example.com` and `.example.com` both
    ///   stand for `example.com` and `www.example.com`. Upper and lower case are equal. A dot at
    ///   the end has no meaning.
    /// * An address stands for itself, and a range ([`IpRange`](crate::IpRange)) for its addresses.
    ///   They are compared with the host of a URL that is an address. Names are not resolved.
    /// * `*` alone, without white space, stands for every server.
    /// * Entries cannot have a port. An entry that is none of these matches no server.
    ///
    /// Three entries are read that curl 8 does not read: entries after white space without a comma,
    /// IPv6 addresses in brackets, and ranges with the length 0. An IPv4-mapped IPv6 address counts
    /// as its IPv4 address, which it does not for curl. The host of a URL is compared as it is
    /// written, but curl reads `127.1` as an address, too.
    #[must_use]
    pub fn except(mut self, list: &str) -> Self {
        self.except.add(list);
        self
    }

    /// Returns the proxy for a server, and `None` for a direct connection.
    pub fn proxy_for(&self, target: &Target) -> Option<&Proxy> {
        let proxy = if target.is_secure() {
            &self.wss
        } else {
            &self.ws
        };
        proxy
            .as_ref()
            .filter(|_| !self.except.contains(target.host()))
    }
}

const WS: [&str; 6] = [
    "ws_proxy",
    "WS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];
const WSS: [&str; 6] = [
    "wss_proxy",
    "WSS_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// Uses this proxy for every server.
impl From<Proxy> for Proxies {
    fn from(proxy: Proxy) -> Self {
        Self {
            ws: Some(proxy.clone()),
            wss: Some(proxy),
            except: NoProxy::default(),
        }
    }
}

/// An environment variable is not the URL of a proxy. The error does not contain the value, because
/// the value may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyVariableError {
    variable: &'static str,
    error: ProxyUrlError,
}

impl ProxyVariableError {
    /// Returns the name of the variable.
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Returns the fault of the URL.
    pub fn error(&self) -> ProxyUrlError {
        self.error
    }
}

impl fmt::Display for ProxyVariableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in the variable {}: {}", self.variable, self.error)
    }
}

impl std::error::Error for ProxyVariableError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(vars: &[(&str, &str)]) -> Result<Proxies, ProxyVariableError> {
        Proxies::from_vars(|name| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Returns the host of the proxy for each scheme.
    fn chosen(vars: &[(&str, &str)]) -> [Option<String>; 2] {
        let proxies = proxies(vars).unwrap();
        ["ws://example.com/", "wss://example.com/"].map(|url| {
            let proxy = proxies.proxy_for(&Target::parse(url).unwrap());
            proxy.map(|proxy| proxy.host().to_owned())
        })
    }

    #[test]
    fn each_variable_precedes_the_later_ones() {
        let both = |name: &'static str| [Some(name.to_owned()), Some(name.to_owned())];
        for (at, names) in [(0, WS), (1, WSS)] {
            let vars: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
            for (index, name) in names.iter().enumerate() {
                assert_eq!(chosen(&vars[index..])[at].as_deref(), Some(*name));
            }
        }
        assert_eq!(chosen(&[]), [None, None]);
        assert_eq!(chosen(&[("all_proxy", "a")]), both("a"));
        assert_eq!(chosen(&[("http_proxy", "a")])[1], None);
        assert_eq!(chosen(&[("https_proxy", "a")])[0], None);
    }

    #[test]
    fn empty_variables_are_ignored() {
        let vars = [
            ("ws_proxy", ""),
            ("all_proxy", "a"),
            ("no_proxy", ""),
            ("NO_PROXY", ".com"),
        ];
        assert_eq!(chosen(&vars), [None, None]);
        assert_eq!(chosen(&vars[..3])[0].as_deref(), Some("a"));
    }

    #[test]
    fn a_cgi_program_ignores_the_upper_case_http_proxy() {
        let vars = [
            ("REQUEST_METHOD", "GET"),
            ("HTTP_PROXY", "evil"),
            ("ALL_PROXY", "good"),
        ];
        assert_eq!(chosen(&vars)[0].as_deref(), Some("good"));
        assert_eq!(chosen(&vars[1..])[0].as_deref(), Some("evil"));
        let vars = [
            ("REQUEST_METHOD", "GET"),
            ("http_proxy", "good"),
            ("HTTPS_PROXY", "also"),
        ];
        assert_eq!(chosen(&vars), [Some("good".into()), Some("also".into())]);
    }

    #[test]
    fn an_invalid_variable_is_an_error_without_its_value() {
        let error = proxies(&[("HTTPS_PROXY", "http://user:s3cret@h:x")]).unwrap_err();
        assert_eq!(
            (error.variable(), error.error()),
            ("HTTPS_PROXY", ProxyUrlError::InvalidPort)
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        // A variable that is not used is not checked.
        assert!(proxies(&[("https_proxy", "a"), ("HTTPS_PROXY", "ftp://a")]).is_ok());
    }

    #[test]
    fn exceptions_hold_for_every_port_and_scheme() {
        let proxy = Proxy::parse("socks5://p:1").unwrap();
        let proxies = Proxies::from(proxy.clone())
            .except("example.com")
            .except("[::1]");
        for (url, expected) in [
            ("ws://example.com/", None),
            ("wss://a.example.com:8443/", None),
            ("ws://[::1]:9001/", None),
            ("ws://[::2]/", Some(&proxy)),
            ("wss://example.org/", Some(&proxy)),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(proxies.proxy_for(&target), expected, "{url}");
        }
        let direct = Proxies::default();
        assert_eq!(direct.proxy_for(&Target::parse("ws://h/").unwrap()), None);
    }
}
