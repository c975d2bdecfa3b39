//! The parts of RFC 6455 that load and attacks need, without any of our libraries: a fault of both
//! sides would stay hidden.

pub(crate) mod compression;
pub(crate) mod peer;
mod records;
mod stream;

pub(crate) use peer::Peer;
pub(crate) use records::Sealer;
pub(crate) use stream::{Endpoint, Trust};
pub(crate) use ws_test_programs::frame::{self, Opcode};
