//! The outcome of the opening handshake.

use std::net::SocketAddr;

use http::Response;
use ws_handshake::{Agreed, Extension};

use crate::transport::Transport;
use crate::websocket::WebSocket;

/// The outcome of the opening handshake, and the address that the caller set.
#[derive(Default)]
pub(crate) struct Opening {
    pub(crate) agreed: Agreed,
    pub(crate) response: Option<Response<()>>,
    /// Overrides the address that the transport returns.
    pub(crate) peer_addr: Option<SocketAddr>,
}

impl<T: Transport> WebSocket<T> {
    /// Returns the address of the peer.
    ///
    /// This is the address that was [set](Self::set_peer_addr). If none was set, it is the address
    /// of the socket. The address of the socket is `None` if the transport is not a socket, and
    /// after the connection has ended.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        let set = self
            .parts
            .opening
            .as_ref()
            .and_then(|opening| opening.peer_addr);
        set.or_else(|| self.get_ref()?.peer_addr())
    }

    /// Sets the address that [`peer_addr`](Self::peer_addr) returns. This is for connections
    /// through a proxy, and for transports without an address, such as the TLS stream of another
    /// library.
    pub fn set_peer_addr(&mut self, address: SocketAddr) {
        self.parts.opening.get_or_insert_default().peer_addr = Some(address);
    }

    /// Returns the subprotocol that both ends agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.parts.opening.as_ref()?.agreed.protocol()
    }

    /// Returns the extensions that both ends agreed on.
    pub fn extensions(&self) -> &[Extension] {
        self.parts
            .opening
            .as_ref()
            .map_or(&[], |opening| opening.agreed.extensions())
    }

    /// Returns the head of the server's response. `None` on a server.
    pub fn response(&self) -> Option<&Response<()>> {
        self.parts.opening.as_ref()?.response.as_ref()
    }
}
