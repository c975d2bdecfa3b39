//! Frames on the wire: encoding of any frame, decoding by the rules.

mod close;
mod frame;
mod header;
mod mask;
mod payload;
mod reader;
mod utf8;
mod violation;

pub(crate) use close::ClosePayload;
pub(crate) use frame::{BINARY, CLOSE};
pub use frame::{Frame, Pacing};
pub(crate) use header::{Header, write_header};
pub(crate) use mask::apply_mask;
pub use payload::Payload;
pub(crate) use reader::{HEAD, Reader, Received};
pub(crate) use violation::Violation;
