//! The parts that the floors share. A floor is a lower bound for the cost of an echo on a runtime:
//! one thread reads bytes and writes them back without examining them. The code of the floors is
//! frozen, so that ratios to a floor can be compared over time.

use clap::Parser;

/// Echoes bytes on 127.0.0.1, until the process is terminated.
#[derive(Debug, Parser)]
struct Options {
    /// The port to listen on.
    #[arg(long)]
    port: u16,
}

/// The largest number of bytes that one read returns.
pub const BUFFER_LEN: usize = 64 << 10;

/// Parses the command line, and returns the address to listen on.
#[must_use]
pub fn address() -> std::net::SocketAddr {
    ([127, 0, 0, 1], Options::parse().port).into()
}

/// Returns a buffer of [`BUFFER_LEN`] bytes on the heap.
#[must_use]
pub fn buffer() -> Box<[u8]> {
    vec![0; BUFFER_LEN].into()
}
