//! The programs of others.

use std::fmt;

use clap::ValueEnum;

use crate::tools::Tool;

/// A program, or a group of programs, to check our peers against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// The browser
    Chromium,
    /// The browser
    Firefox,
    /// The package ws of Node
    NodeWs,
    /// The package websockets of Python
    PythonWebsockets,
    /// The packages h2 and wsproto of Python, over HTTP/2
    PythonH2,
    /// Hypercorn, a server in Python, over HTTP/2
    Hypercorn,
    /// openssl s_client and s_server
    Openssl,
    /// gnutls-cli and gnutls-serv
    Gnutls,
    /// nginx as a proxy, which is a server of TLS or a client of TLS
    Nginx,
    /// stunnel as a tunnel, which is a server of TLS or a client of TLS
    Stunnel,
    /// curl, for requests that do not open a WebSocket
    Curl,
    /// Squid as an HTTP proxy
    Squid,
    /// Tinyproxy as an HTTP proxy
    Tinyproxy,
    /// Dante as a SOCKS proxy
    Dante,
    /// MicroSocks as a SOCKS proxy
    Microsocks,
    /// HAProxy in front of our server, with the PROXY protocol, and in front of Hypercorn, over
    /// HTTP/2
    Haproxy,
    /// nghttpx in front of Hypercorn, over HTTP/2
    Nghttpx,
    /// Hitch in front of our server, with the PROXY protocol
    Hitch,
    /// The module stream of nginx in front of our server, with the PROXY protocol
    NginxStream,
    /// A network namespace with addresses that do not answer
    NetworkNamespace,
}

/// The role of a foreign program. A reverse proxy has the role that it has in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
    /// A proxy between our client and a server.
    Proxy,
    /// The network between our client and a server.
    Network,
}

/// The transport below the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Over {
    /// ws://
    Tcp,
    /// wss://
    Tls,
}

/// The version of HTTP that opens the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    Http1,
    Http2,
}

impl Foreign {
    /// Returns `these`, or all if `these` is empty.
    pub(crate) fn these_or_all(these: &[Self]) -> &[Self] {
        match these {
            [] => Self::value_variants(),
            these => these,
        }
    }

    /// Returns the roles that the program can have.
    pub(crate) fn roles(self) -> &'static [Role] {
        match self {
            Self::Chromium | Self::Firefox | Self::PythonH2 | Self::Curl | Self::NginxStream => {
                &[Role::Client]
            }
            Self::Haproxy => &[Role::Client, Role::Proxy],
            Self::NodeWs
            | Self::PythonWebsockets
            | Self::Openssl
            | Self::Gnutls
            | Self::Nginx
            | Self::Stunnel => &[Role::Client, Role::Server],
            Self::Hitch | Self::Hypercorn => &[Role::Server],
            Self::Squid | Self::Tinyproxy | Self::Dante | Self::Microsocks | Self::Nghttpx => {
                &[Role::Proxy]
            }
            Self::NetworkNamespace => &[Role::Network],
        }
    }

    /// Returns the transports that the program is checked over.
    pub(crate) fn transports(self) -> &'static [Over] {
        match self {
            Self::Chromium
            | Self::Firefox
            | Self::NodeWs
            | Self::PythonWebsockets
            | Self::PythonH2
            | Self::Hypercorn
            | Self::Nghttpx
            | Self::Squid
            | Self::Tinyproxy
            | Self::Dante
            | Self::Microsocks
            | Self::Haproxy
            | Self::NginxStream => &[Over::Tcp, Over::Tls],
            Self::Openssl
            | Self::Gnutls
            | Self::Nginx
            | Self::Stunnel
            | Self::Curl
            | Self::Hitch => &[Over::Tls],
            Self::NetworkNamespace => &[Over::Tcp],
        }
    }

    /// Returns the versions of HTTP that the program is checked with.
    pub(crate) fn versions(self) -> &'static [Http] {
        match self {
            Self::Chromium | Self::Firefox | Self::Haproxy => &[Http::Http1, Http::Http2],
            Self::PythonH2 | Self::Hypercorn | Self::Nghttpx => &[Http::Http2],
            _ => &[Http::Http1],
        }
    }

    /// Returns `true` if the program performs the checks in `scripts`.
    pub(crate) fn is_scripted(self) -> bool {
        matches!(self, Self::NodeWs | Self::PythonWebsockets | Self::PythonH2) || self.is_browser()
    }

    /// Returns `true` if the program performs the checks in a page.
    pub(crate) fn is_browser(self) -> bool {
        matches!(self, Self::Chromium | Self::Firefox)
    }

    /// Returns `true` if the program is a script in Python.
    pub(crate) fn is_python(self) -> bool {
        matches!(
            self,
            Self::PythonWebsockets | Self::PythonH2 | Self::Hypercorn
        )
    }

    /// Returns the executables that the checks need.
    pub(crate) fn tools(self, over: Over) -> &'static [Tool] {
        match (self, over) {
            (Self::Chromium, Over::Tcp) => &[Tool::Chromium],
            (Self::Chromium, Over::Tls) => &[Tool::Chromium, Tool::Certutil],
            (Self::Firefox, Over::Tcp) => &[Tool::Firefox],
            (Self::Firefox, Over::Tls) => &[Tool::Firefox, Tool::Certutil],
            (Self::NodeWs, _) => &[Tool::Node, Tool::Npm],
            (Self::PythonWebsockets | Self::PythonH2 | Self::Hypercorn, _) => &[Tool::Python],
            (Self::Openssl, _) => &[Tool::Openssl],
            (Self::Gnutls, _) => &[Tool::GnutlsCli, Tool::GnutlsServ],
            // openssl connects to our server through the proxy.
            (Self::Nginx, _) => &[Tool::Nginx, Tool::Openssl],
            (Self::Stunnel, _) => &[Tool::Stunnel, Tool::Openssl],
            (Self::Curl, _) => &[Tool::Curl],
            // openssl is the server over TLS behind a proxy. For Dante, it also hashes a password.
            (Self::Squid, Over::Tcp) => &[Tool::Squid, Tool::Sed],
            (Self::Squid, Over::Tls) => &[Tool::Squid, Tool::Sed, Tool::Openssl],
            (Self::Tinyproxy, Over::Tcp) => &[Tool::Tinyproxy],
            (Self::Tinyproxy, Over::Tls) => &[Tool::Tinyproxy, Tool::Openssl],
            (Self::Dante, _) => &[Tool::Danted, Tool::Unshare, Tool::Openssl],
            (Self::Microsocks, Over::Tcp) => &[Tool::Microsocks],
            (Self::Microsocks, Over::Tls) => &[Tool::Microsocks, Tool::Openssl],
            (Self::Haproxy, Over::Tcp) => &[Tool::Haproxy, Tool::Curl],
            (Self::Haproxy, Over::Tls) => &[Tool::Haproxy, Tool::Openssl],
            (Self::Nghttpx, _) => &[Tool::Nghttpx],
            (Self::Hitch, _) => &[Tool::Hitch, Tool::Openssl],
            (Self::NginxStream, _) => &[Tool::Nginx, Tool::NginxStream],
            (Self::NetworkNamespace, _) => &[Tool::Unshare, Tool::Ip],
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
            Self::NodeWs => "Node ws",
            Self::PythonWebsockets => "Python websockets",
            Self::PythonH2 => "Python h2",
            Self::Hypercorn => "Hypercorn",
            Self::Openssl => "openssl",
            Self::Gnutls => "gnutls",
            Self::Nginx => "nginx",
            Self::Stunnel => "stunnel",
            Self::Curl => "curl",
            Self::Squid => "Squid",
            Self::Tinyproxy => "Tinyproxy",
            Self::Dante => "Dante",
            Self::Microsocks => "MicroSocks",
            Self::Haproxy => "HAProxy",
            Self::Nghttpx => "nghttpx",
            Self::Hitch => "Hitch",
            Self::NginxStream => "nginx stream",
            Self::NetworkNamespace => "network namespace",
        })
    }
}

impl Role {
    /// Returns the name of the role. The programs in `scripts` take it as an argument.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Proxy => "proxy",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        })
    }
}
