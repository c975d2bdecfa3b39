//! The programs of others.

use std::fmt;

use clap::ValueEnum;

use crate::tools::Tool;

/// A program, or a group of programs, to check our peers against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// The browser
    Chromium,
    /// The package ws of Node
    NodeWs,
    /// The package websockets of Python
    PythonWebsockets,
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
}

/// The role of a foreign program. A proxy has the role that it has in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// The transport below the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Over {
    /// ws://
    Tcp,
    /// wss://
    Tls,
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
            Self::Chromium | Self::Curl => &[Role::Client],
            _ => &[Role::Client, Role::Server],
        }
    }

    /// Returns the transports that the program is checked over.
    pub(crate) fn transports(self) -> &'static [Over] {
        match self {
            Self::Chromium | Self::NodeWs | Self::PythonWebsockets => &[Over::Tcp, Over::Tls],
            _ => &[Over::Tls],
        }
    }

    /// Returns the executables that the checks need.
    pub(crate) fn tools(self, over: Over) -> &'static [Tool] {
        match (self, over) {
            (Self::Chromium, Over::Tcp) => &[Tool::Chromium],
            (Self::Chromium, Over::Tls) => &[Tool::Chromium, Tool::Certutil],
            (Self::NodeWs, _) => &[Tool::Node, Tool::Npm],
            (Self::PythonWebsockets, _) => &[Tool::Python],
            (Self::Openssl, _) => &[Tool::Openssl],
            (Self::Gnutls, _) => &[Tool::GnutlsCli, Tool::GnutlsServ],
            // openssl connects to our server through the proxy.
            (Self::Nginx, _) => &[Tool::Nginx, Tool::Openssl],
            (Self::Stunnel, _) => &[Tool::Stunnel, Tool::Openssl],
            (Self::Curl, _) => &[Tool::Curl],
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "Chromium",
            Self::NodeWs => "Node ws",
            Self::PythonWebsockets => "Python websockets",
            Self::Openssl => "openssl",
            Self::Gnutls => "gnutls",
            Self::Nginx => "nginx",
            Self::Stunnel => "stunnel",
            Self::Curl => "curl",
        })
    }
}

impl Role {
    /// Returns the name of the role, as the programs in `scripts` take it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
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
