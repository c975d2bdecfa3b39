//! The programs of this project that are checked.

use std::fmt;

use clap::ValueEnum;
use ws_test_programs::runtime::Runtime;

use crate::tools::Tool;

/// Programs of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// The echo server and the echo client of `ws-peers` on a runtime.
    Peers(Runtime),
    /// The examples of `ws-axum` and `ws-hyper`, which are servers.
    Examples(Route),
}

/// The way from a client to an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Route {
    Direct,
    Nginx,
    Haproxy,
    Caddy,
    Nghttpx,
}

impl Route {
    /// Returns `true` if WebSockets can take this route over HTTP/2. nginx and Caddy cannot, in the
    /// versions of Debian 12.
    pub(crate) fn has_http2(self) -> bool {
        match self {
            Self::Direct | Self::Haproxy | Self::Nghttpx => true,
            Self::Nginx | Self::Caddy => false,
        }
    }
}

impl Ours {
    /// Returns the peers on each runtime and the examples on each route.
    pub(crate) fn all() -> Vec<Self> {
        let peers = Runtime::these_or_all(&[]).iter().copied().map(Self::Peers);
        peers.chain(Self::examples()).collect()
    }

    pub(crate) fn examples() -> impl Iterator<Item = Self> {
        Route::value_variants().iter().copied().map(Self::Examples)
    }

    pub(crate) fn is_peers(self) -> bool {
        matches!(self, Self::Peers(_))
    }

    pub(crate) fn is_examples(self) -> bool {
        matches!(self, Self::Examples(_))
    }

    /// Returns the executable that the route needs.
    pub(crate) fn tool(self) -> Option<Tool> {
        match self {
            Self::Peers(_) | Self::Examples(Route::Direct) => None,
            Self::Examples(Route::Nginx) => Some(Tool::Nginx),
            Self::Examples(Route::Haproxy) => Some(Tool::Haproxy),
            Self::Examples(Route::Caddy) => Some(Tool::Caddy),
            Self::Examples(Route::Nghttpx) => Some(Tool::Nghttpx),
        }
    }
}

impl fmt::Display for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peers(runtime) => runtime.fmt(f),
            Self::Examples(Route::Direct) => f.write_str("the examples"),
            Self::Examples(Route::Nginx) => f.write_str("the examples behind nginx"),
            Self::Examples(Route::Haproxy) => f.write_str("the examples behind HAProxy"),
            Self::Examples(Route::Caddy) => f.write_str("the examples behind Caddy"),
            Self::Examples(Route::Nghttpx) => f.write_str("the examples behind nghttpx"),
        }
    }
}
