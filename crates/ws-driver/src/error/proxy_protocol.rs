//! Errors of the PROXY protocol.

use std::net::SocketAddr;

use ws_handshake::ProxyHeaderError;

/// The reason why a connection was refused by
/// [`Acceptor::proxy_protocol`](crate::Acceptor::proxy_protocol). Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyProtocolError {
    /// A trusted proxy sent no valid header. Probably the proxy is not configured to send one.
    #[error("a trusted proxy sent {0}")]
    Header(ProxyHeaderError),
    /// The connection does not come from a trusted proxy. Holds the address of its transport.
    #[error("{}", untrusted(*.0))]
    Untrusted(Option<SocketAddr>),
}

fn untrusted(source: Option<SocketAddr>) -> String {
    match source {
        Some(source) => format!(
            "{} is not a trusted proxy: connect through the proxy, or add the address to \
             `ProxyProtocol::new`",
            source.ip().to_canonical()
        ),
        None => "the transport has no address, so it is not a trusted proxy: see \
                 `ProxyProtocol::trust_without_address`"
            .into(),
    }
}
