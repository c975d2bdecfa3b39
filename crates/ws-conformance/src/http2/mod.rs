//! HTTP/2 (RFC 9113), and a WebSocket on one of its streams (RFC 8441).
//!
//! The frames are the suite's own, like those of WebSocket. Only the compression of headers (RFC
//! 7541) is a library, and not the one in `h2`, which many testees use.

mod connection;
mod fields;
mod frame;
mod settings;
mod stream;

pub(crate) use connection::{Connection, Received};
pub(crate) use fields::Fields;
pub(crate) use frame::{Frame, MAX_PAYLOAD, code, flag, kind};
pub(crate) use settings::{DEFAULT_WINDOW, Settings, setting};
pub(crate) use stream::Stream;

/// The protocol that ALPN agrees on for HTTP/2 over TLS (RFC 9113 §3.2).
pub(crate) const ALPN: &[u8] = b"h2";

/// The first bytes of a client (RFC 9113 §3.4). A SETTINGS frame follows them.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
