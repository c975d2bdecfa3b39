//! The address of a server under test.

use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[cfg(unix)]
use mio::net::UnixStream;

use ::http::{HeaderName, HeaderValue};
use rustls::pki_types::ServerName;

use crate::case::Http;
use crate::http::Request;
use crate::settings::Settings;
use crate::tls::Trust;
use crate::transport::Link;

/// A server to test.
#[derive(Clone, Debug)]
pub struct Target {
    host: String,
    port: u16,
    resource: String,
    agent: Option<String>,
    origin: Option<String>,
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
    /// The name in `Host`, if it is not that of the URL.
    host_name: Option<String>,
    tls: Option<Tls>,
    http: Http,
    #[cfg(unix)]
    unix_socket: Option<PathBuf>,
}

/// The headers of the opening handshake itself, which a case decides.
const OWN_HEADERS: &[&str] = &["connection", "host", "upgrade"];
const OWN_PREFIX: &str = "sec-websocket-";

/// The TLS settings of a server.
#[derive(Clone, Debug)]
struct Tls {
    name: ServerName<'static>,
    trust: Trust,
}

/// The reason why a text is not the URL of a server that can be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The text is not a URL of the form `ws://host:port/path?query` or
    /// `wss://host:port/path?query`.
    Malformed,
    /// The name cannot be that of a server's certificate.
    NoServerName(String),
    /// The text cannot be a header, or a part of one.
    NoHeader(String),
    /// Cases decide about this header themselves.
    OwnHeader(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("not a WebSocket URL: write ws://host:port/path"),
            Self::NoServerName(name) => write!(
                f,
                "`{name}` cannot be the name of a TLS server: write a host name or an address"
            ),
            Self::NoHeader(text) => write!(f, "`{text}` cannot be in a header of HTTP"),
            Self::OwnHeader(name) => write!(
                f,
                "`{name}` belongs to the opening handshake, which cases write themselves"
            ),
        }
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Creates the server at `ws://host:port/path?query`. The defaults are port 80 and path `/`.
    /// With `wss` the port is 443, and the certificate must be one that browsers accept.
    pub fn new(url: &str) -> Result<Self, TargetError> {
        let uri: ::http::Uri = url.parse().map_err(|_| TargetError::Malformed)?;
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or(TargetError::Malformed)?;
        let (default_port, tls) = match uri.scheme_str() {
            Some("ws") => (80, None),
            Some("wss") => (443, Some(Tls::new(host)?)),
            _ => return Err(TargetError::Malformed),
        };
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(default_port),
            resource: uri
                .path_and_query()
                .map_or("/", |it| it.as_str())
                .to_owned(),
            agent: None,
            origin: None,
            protocols: Vec::new(),
            headers: Vec::new(),
            host_name: None,
            tls,
            http: Http::One,
            #[cfg(unix)]
            unix_socket: None,
        })
    }

    /// Accepts these certificates instead. Has no effect without `wss`.
    #[must_use]
    pub fn with_trust(mut self, trust: &Trust) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.trust = trust.clone();
        }
        self
    }

    /// Expects a certificate of this name or address instead of the URL's host. Has no effect
    /// without `wss`.
    pub fn with_server_name(mut self, name: &str) -> Result<Self, TargetError> {
        let name = server_name(name)?;
        if let Some(tls) = &mut self.tls {
            tls.name = name;
        }
        Ok(self)
    }

    /// Sends this name in `Host` instead of the URL's host, with the port of the URL.
    pub fn with_host_name(mut self, name: impl Into<String>) -> Result<Self, TargetError> {
        let name = name.into();
        check_header("Host", &name)?;
        self.host_name = Some(name);
        Ok(self)
    }

    /// Adds a header to every request that opens a connection.
    ///
    /// # Errors
    ///
    /// Fails if it is no header, or if it is one of the opening handshake itself.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, TargetError> {
        check_header(name, value)?;
        let lower = name.to_ascii_lowercase();
        if OWN_HEADERS.contains(&&*lower) || lower.starts_with(OWN_PREFIX) {
            return Err(TargetError::OwnHeader(name.to_owned()));
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Sets the name in reports, instead of that in the `Server` header.
    #[must_use]
    pub fn with_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Uses HTTP/2 (RFC 8441): with prior knowledge, or agreed on by ALPN over TLS. Each case has a
    /// connection of its own, with one stream.
    #[must_use]
    pub fn with_http2(mut self) -> Self {
        self.http = Http::Two;
        self
    }

    /// Returns the version of HTTP.
    pub fn http(&self) -> Http {
        self.http
    }

    /// Connects to this Unix socket instead of the URL's host.
    #[cfg(unix)]
    #[must_use]
    pub fn with_unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix_socket = Some(path.into());
        self
    }

    /// Sends this `Origin`.
    pub fn with_origin(mut self, origin: impl Into<String>) -> Result<Self, TargetError> {
        let origin = origin.into();
        check_header("Origin", &origin)?;
        self.origin = Some(origin);
        Ok(self)
    }

    /// Offers these subprotocols.
    pub fn with_protocols(mut self, protocols: Vec<String>) -> Result<Self, TargetError> {
        for name in &protocols {
            // Names of subprotocols and of headers are tokens (RFC 6455 §4.1).
            check_header(name, "")?;
        }
        self.protocols = protocols;
        Ok(self)
    }

    /// Returns `true` for a server over TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Returns the port of the URL, or the default one.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the name given with [`with_agent`](Self::with_agent).
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }
}

impl Target {
    /// Returns a request that opens a connection, without extensions.
    pub(crate) fn request(&self, nonce: [u8; 16]) -> Request {
        let host = self.host_name.as_ref().unwrap_or(&self.host);
        let host = format!("{host}:{}", self.port);
        let request = Request::new(&self.resource, &host, nonce).with(|head| {
            let head = match &self.origin {
                Some(origin) => head.add("Origin", origin),
                None => head,
            };
            let head = match &*self.protocols {
                [] => head,
                protocols => head.add("Sec-WebSocket-Protocol", &protocols.join(",")),
            };
            let headers = self.headers.iter();
            headers.fold(head, |head, (name, value)| head.add(name, value))
        });
        match self.http {
            Http::One => request,
            Http::Two if self.is_secure() => request.over_http2("https"),
            Http::Two => request.over_http2("http"),
        }
    }

    /// Returns host and port, with the port even if it is the default one.
    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Connects over TCP, and over TLS if the URL requires it.
    pub(crate) fn connect(&self, settings: &Settings) -> io::Result<Link> {
        let limit = settings.scaled(settings.open_handshake_timeout);
        let deadline = Instant::now() + limit;
        let link = self.link(settings, limit)?;
        let link = match &self.tls {
            None => link,
            Some(tls) => {
                let connection = tls.trust.connection(tls.name.clone(), self.http)?;
                link.secured(connection, self.http, deadline)?
            }
        };
        Ok(match self.http {
            Http::One => link,
            Http::Two => link.into_http2_server(),
        })
    }
}

impl Target {
    fn link(&self, settings: &Settings, limit: Duration) -> io::Result<Link> {
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            let socket = UnixStream::connect(path)?;
            return Link::new(Box::new(socket), &settings.stop);
        }
        let host = self.host.trim_matches(['[', ']']);
        let addresses = (host, self.port).to_socket_addrs()?;
        Link::connect(addresses, &settings.stop, limit)
    }
}

impl Tls {
    fn new(host: &str) -> Result<Self, TargetError> {
        Ok(Self {
            name: server_name(host)?,
            trust: Trust::web(),
        })
    }
}

fn check_header(name: &str, value: &str) -> Result<(), TargetError> {
    let fault = |text: &str| TargetError::NoHeader(text.to_owned());
    HeaderName::try_from(name).map_err(|_| fault(name))?;
    HeaderValue::try_from(value).map_err(|_| fault(value))?;
    Ok(())
}

fn server_name(host: &str) -> Result<ServerName<'static>, TargetError> {
    let name = host.trim_matches(['[', ']']).to_owned();
    ServerName::try_from(name).map_err(|_| TargetError::NoServerName(host.to_owned()))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let target = Target::new("ws://localhost:9001/a?b=c").unwrap();
        assert_eq!(target.to_string(), "ws://localhost:9001/a?b=c");
        let target = Target::new("ws://[::1]").unwrap();
        assert_eq!(target.to_string(), "ws://[::1]:80/");
        assert!(!target.is_secure());
        for (url, full) in [
            ("wss://localhost/a", "wss://localhost:443/a"),
            ("wss://[::1]:1", "wss://[::1]:1/"),
        ] {
            let target = Target::new(url).unwrap();
            assert_eq!(target.to_string(), full);
            assert!(target.is_secure());
        }
    }

    #[test]
    fn a_server_name_is_a_name_or_an_address() {
        let target = Target::new("wss://localhost").unwrap();
        for name in ["example.org", "127.0.0.1", "::1"] {
            assert!(target.clone().with_server_name(name).is_ok(), "{name}");
        }
        let refusal = target.with_server_name("a b").unwrap_err();
        assert_eq!(refusal, TargetError::NoServerName("a b".to_owned()));
    }

    #[test]
    fn requests_have_the_chosen_headers() {
        let target = Target::new("ws://127.0.0.1:1").unwrap();
        let target = target.with_origin("http://a").unwrap();
        let target = target.with_host_name("b").unwrap();
        let target = target.with_protocols(vec!["c".into(), "d".into()]).unwrap();
        let target = target.with_header("Cookie", "e=f").unwrap();
        let request = String::from_utf8(target.request([0; 16]).bytes()).unwrap();
        for line in [
            "Host: b:1",
            "Origin: http://a",
            "Sec-WebSocket-Protocol: c,d",
            "Cookie: e=f",
        ] {
            assert_eq!(
                request.matches(&format!("\r\n{line}\r\n")).count(),
                1,
                "{line}"
            );
        }
        assert_eq!(target.to_string(), "ws://127.0.0.1:1/");
    }

    #[test]
    fn headers_of_the_handshake_and_broken_ones_are_refused() {
        let refusal = |name, value| {
            let target = Target::new("ws://127.0.0.1:1").unwrap();
            target.with_header(name, value).unwrap_err()
        };
        for name in ["Host", "upgrade", "Sec-WebSocket-Key"] {
            assert_eq!(refusal(name, "x"), TargetError::OwnHeader(name.to_owned()));
        }
        for (name, value, fault) in [("a b", "x", "a b"), ("a", "x\r\ny: z", "x\r\ny: z")] {
            assert_eq!(
                refusal(name, value),
                TargetError::NoHeader(fault.to_owned())
            );
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["", "localhost:80", "http://localhost", "ws://", "ws:///a"] {
            assert_eq!(
                Target::new(url).unwrap_err(),
                TargetError::Malformed,
                "{url}"
            );
        }
    }
}
