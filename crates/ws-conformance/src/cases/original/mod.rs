//! Groups 1 to 13: the cases of the AutobahnTestSuite 25.10.1, with their ids and bytes.

mod auto_fragmentation;
mod build;
mod closing;
mod compression;
mod fragmentation;
mod framing;
mod limits;
mod opcodes;
mod ping;
mod rsv;
mod utf8;
mod utf8_samples;

pub(in crate::cases) use auto_fragmentation::cases as auto_fragmentation;
pub(in crate::cases) use closing::cases as closing;
pub(in crate::cases) use compression::{
    data as compressed_data, parameters as compression_parameters,
};
pub(in crate::cases) use fragmentation::cases as fragmentation;
pub(in crate::cases) use framing::cases as framing;
pub(in crate::cases) use limits::cases as limits;
pub(in crate::cases) use opcodes::cases as opcodes;
pub(in crate::cases) use ping::cases as ping;
pub(in crate::cases) use rsv::cases as rsv;
pub(in crate::cases) use utf8::cases as utf8;
/// The sequences of 6.5 to 6.23.
pub(in crate::cases) use utf8_samples::families as utf8_families;
