//! The version of HTTP below the WebSockets of a run.

use std::fmt;

use serde::Serialize;

use crate::http2;

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Http {
    /// HTTP/1.1, which a connection leaves with the opening handshake of RFC 6455.
    #[serde(rename = "HTTP/1.1")]
    One,
    /// HTTP/2, on a stream of which the connection runs (RFC 8441).
    #[serde(rename = "HTTP/2")]
    Two,
}

impl Http {
    /// Returns the protocols for ALPN. HTTP/1.1 needs none.
    pub(crate) fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::One => Vec::new(),
            Self::Two => vec![http2::ALPN.to_vec()],
        }
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        })
    }
}
