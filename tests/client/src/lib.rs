//! A WebSocket client that can send any bytes, and servers that are observed under its load.
//!
//! It has the parts of RFC 6455 that load and attacks need. It is written without any of our
//! libraries, so that a fault of the libraries cannot hide itself.

#![forbid(unsafe_code)]

pub mod compression;
pub mod crowd;
pub mod peer;
mod records;
pub mod resources;
mod stream;
pub mod subject;
pub mod wire;

pub use peer::Peer;
pub use records::Sealer;
pub use stream::{Endpoint, Trust};
