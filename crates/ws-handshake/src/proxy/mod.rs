//! Proxies between a client and its server, without I/O.

mod choice;
mod env;
mod no_proxy;
mod socks5;
mod tunnel;
mod url;

pub use choice::{Proxies, ProxyVariableError};
pub use socks5::{Socks5, Socks5Error, Socks5Refusal};
pub use tunnel::{Tunnel, TunnelError};
pub use url::{Proxy, ProxyScheme, ProxyUrlError};
