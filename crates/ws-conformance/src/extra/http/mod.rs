//! Opening handshakes octet by octet: requests and responses with any fault, and responses and
//! requests that are looked at line by line.

mod extension;
mod fields;
mod head;
mod request;
mod response;

pub(super) use extension::{DEFLATE, Extension};
pub(super) use head::Head;
pub(super) use request::{ReadRequest, Request, SAMPLE_KEY};
pub(super) use response::{Answer, Response};
