//! The address of a server under test.

use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[cfg(unix)]
use mio::net::UnixStream;

use rustls::pki_types::ServerName;

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
    tls: Option<Tls>,
    #[cfg(unix)]
    unix_socket: Option<PathBuf>,
}

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
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("not a WebSocket URL: write ws://host:port/path"),
            Self::NoServerName(name) => write!(
                f,
                "`{name}` cannot be the name of a TLS server: write a host name or an address"
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
            tls,
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

    /// Sets the name in reports, instead of that in the `Server` header.
    #[must_use]
    pub fn with_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Connects to this Unix socket instead of the URL's host.
    #[cfg(unix)]
    #[must_use]
    pub fn with_unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix_socket = Some(path.into());
        self
    }

    /// Sends this `Origin`.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Offers these subprotocols.
    #[must_use]
    pub fn with_protocols(mut self, protocols: Vec<String>) -> Self {
        self.protocols = protocols;
        self
    }

    /// Returns `true` for a server over TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Returns the name given with [`with_agent`](Self::with_agent).
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }
}

impl Target {
    /// Returns a request that opens a connection, without subprotocols and extensions.
    pub(crate) fn request(&self, nonce: [u8; 16]) -> Request {
        let request = Request::new(&self.resource, &self.authority(), nonce);
        match &self.origin {
            Some(origin) => request.with(|head| head.add("Origin", origin)),
            None => request,
        }
    }

    /// Returns the value of a `Host` header, with the port even if it is the default one.
    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Connects over TCP, and over TLS if the URL requires it.
    pub(crate) fn connect(&self, settings: &Settings) -> io::Result<Link> {
        let limit = settings.scaled(settings.open_handshake_timeout);
        let deadline = Instant::now() + limit;
        let link = self.link(settings, limit)?;
        match &self.tls {
            None => Ok(link),
            Some(tls) => link.secured(tls.trust.connection(tls.name.clone())?, deadline),
        }
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
