//! The generic types of the driver, for this runtime.

use crate::transport::{AnyTransport, AsyncStd};

/// A WebSocket over any stream, or over a transport of type `T`. See [`ws_driver::WebSocket`].
pub type WebSocket<T = AnyTransport> = ws_driver::WebSocket<T>;
/// The settings by which a server accepts connections. See [`ws_driver::Acceptor`].
pub type Acceptor = ws_driver::Acceptor<AsyncStd>;
/// The settings by which a client connects. See [`ws_driver::Connector`].
pub type Connector = ws_driver::Connector<AsyncStd>;
/// An opening request that waits for a decision. See [`ws_driver::Offer`].
pub type Offer<T = AnyTransport> = ws_driver::Offer<T>;
/// An opening request, or a request that does not ask for a WebSocket. See
/// [`ws_driver::AnyOffer`].
pub type AnyOffer<T = AnyTransport> = ws_driver::AnyOffer<T>;
/// A request that does not ask for a WebSocket. See [`ws_driver::PlainRequest`].
pub type PlainRequest<T = AnyTransport> = ws_driver::PlainRequest<T>;
/// The sending half of a split connection. See [`ws_driver::Sender`].
pub type Sender<T = AnyTransport> = ws_driver::Sender<T>;
/// The receiving half of a split connection. See [`ws_driver::Receiver`].
pub type Receiver<T = AnyTransport> = ws_driver::Receiver<T>;
/// The registry of the connections of a server. See [`ws_driver::Registry`].
pub type Registry = ws_driver::Registry<AsyncStd>;
/// The shutdown of the connections of a server. See [`ws_driver::Shutdown`].
pub type Shutdown = ws_driver::Shutdown<AsyncStd>;
