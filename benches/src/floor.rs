//! What the floors share. A floor is the least that an echo costs on a runtime: octets are read and
//! written again, by one thread, and nobody looks at them. Floors stay as they are, so that ratios
//! to them can be compared over time.

use clap::Parser;

/// Echoes octets on 127.0.0.1 until it is ended.
#[derive(Debug, Parser)]
struct Options {
    /// The port to listen on.
    #[arg(long)]
    port: u16,
}

/// How many octets are read at once, at most.
pub const BUFFER_LEN: usize = 64 << 10;

/// Where the command line says to listen.
#[must_use]
pub fn address() -> std::net::SocketAddr {
    ([127, 0, 0, 1], Options::parse().port).into()
}

/// A buffer on the heap.
#[must_use]
pub fn buffer() -> Box<[u8]> {
    vec![0; BUFFER_LEN].into()
}
