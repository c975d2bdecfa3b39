//! Tests of connections without I/O: dialogues of two ends, vectors with their outcome, comparisons
//! with oracles, limits, and memory.

#![forbid(unsafe_code)]

mod ahead;
mod block;
#[cfg(feature = "deflate")]
mod compression;
#[cfg(feature = "deflate")]
mod compression_profiles;
mod differential;
#[cfg(feature = "std")]
mod lending;
mod limits;
mod memory;
mod pair;
mod prepared;
mod robust;
mod silence;
mod streaming;
mod support;
#[cfg(feature = "stats")]
mod traffic;
mod vectors;
mod written;
