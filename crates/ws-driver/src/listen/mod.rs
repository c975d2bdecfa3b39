//! Helpers for servers: the PROXY protocol (feature `proxy-protocol`), and several listeners on one
//! port (feature `socket-options`).

// The platforms on which socket2 offers SO_REUSEPORT.
#[cfg(all(
    feature = "socket-options",
    unix,
    not(any(
        target_os = "cygwin",
        target_os = "illumos",
        target_os = "nuttx",
        target_os = "solaris"
    ))
))]
mod reuse_port;

#[cfg(feature = "proxy-protocol")]
pub use crate::accept::ProxyProtocol;
#[cfg(feature = "proxy-protocol")]
pub use crate::error::ProxyProtocolError;
#[cfg(all(
    feature = "socket-options",
    unix,
    not(any(
        target_os = "cygwin",
        target_os = "illumos",
        target_os = "nuttx",
        target_os = "solaris"
    ))
))]
pub use reuse_port::reuse_port;
