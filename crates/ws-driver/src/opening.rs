//! The outcome of the opening, as the connection keeps it.

use std::net::SocketAddr;

use http::Response;
use ws_handshake::{Agreed, Extension};

use crate::transport::Transport;
use crate::websocket::WebSocket;

/// The outcome of the opening handshake, and the address that the user set.
#[derive(Default)]
pub(crate) struct Opening {
    pub(crate) agreed: Agreed,
    pub(crate) response: Option<Response<()>>,
    /// Overrides what the transport says.
    pub(crate) peer_addr: Option<SocketAddr>,
}

impl<T: Transport> WebSocket<T> {
    /// Returns the address of the peer: the one that was [set](Self::set_peer_addr), or that of the socket if the
    /// transport knows it and the connection has not ended.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        let set = self
            .parts
            .opening
            .as_ref()
            .and_then(|opening| opening.peer_addr);
        set.or_else(|| self.get_ref()?.peer_addr())
    }

    /// Sets the address of the peer where the transport does not know it, such as behind TLS or a proxy.
    pub fn set_peer_addr(&mut self, address: SocketAddr) {
        self.parts.opening.get_or_insert_default().peer_addr = Some(address);
    }

    /// Returns the agreed subprotocol.
    pub fn protocol(&self) -> Option<&str> {
        self.parts.opening.as_ref()?.agreed.protocol()
    }

    /// Returns the agreed extensions.
    pub fn extensions(&self) -> &[Extension] {
        self.parts
            .opening
            .as_ref()
            .map_or(&[], |opening| opening.agreed.extensions())
    }

    /// Returns the head of the server's response, on a client.
    pub fn response(&self) -> Option<&Response<()>> {
        self.parts.opening.as_ref()?.response.as_ref()
    }
}
