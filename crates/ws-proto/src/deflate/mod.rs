//! Compression of messages: permessage-deflate (RFC 7692 §7).

#[cfg(not(feature = "deflate"))]
mod absent;
#[cfg(feature = "deflate")]
mod compressor;
mod config;
#[cfg(feature = "deflate")]
mod decompressor;
#[cfg(all(test, feature = "deflate"))]
mod oracle;
#[cfg(all(test, feature = "deflate"))]
mod tests;

#[cfg(not(feature = "deflate"))]
pub(crate) use absent::{
    Compressor, CompressorOptions, CompressorState, Decompressor, DecompressorState,
};
#[cfg(feature = "deflate")]
pub(crate) use compressor::{Compressor, CompressorOptions, CompressorState};
pub use config::{DeflateConfig, DeflateParams};
#[cfg(feature = "deflate")]
pub(crate) use decompressor::{Decompressor, DecompressorState, InflateError};

/// The end of an empty stored block, which the sender removes from a message and the receiver
/// appends again (RFC 7692 §7.2.1, §7.2.2).
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Returns the difference between two byte counts of the codec.
#[cfg(feature = "deflate")]
fn since(before: u64, now: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}
