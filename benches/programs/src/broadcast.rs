//! The parts that the broadcasting servers share: the command line and the orders.
//!
//! `benches/peers` includes this file, too. Therefore this file uses no crate of this project.

use clap::Parser;

/// The capacity of the channel to the subscribers' tasks, in messages. The benchmark keeps fewer
/// messages in flight: two batches of 16.
pub const RING_LEN: usize = 64;

/// Broadcasts to all clients that connect to 127.0.0.1, until the process is terminated.
///
/// A subscriber orders messages with the text `MESSAGES LEN`. The server then publishes `MESSAGES`
/// texts of `LEN` bytes each. One thread serves all connections.
#[derive(Clone, Copy, Debug, Parser)]
pub struct Options {
    /// The port to listen on.
    #[arg(long)]
    pub port: u16,
}

impl Options {
    /// Returns the address to listen on.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }
}

/// A subscriber's request to publish messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The number of messages.
    pub messages: usize,
    /// The length of each message in bytes.
    pub len: usize,
}

impl Order {
    /// Parses `MESSAGES LEN`. Returns `None` if `text` has another form, if the number of messages
    /// is 0 or more than [`RING_LEN`], or if a message would exceed 1 MiB.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (messages, len) = text.split_once(' ')?;
        let order = Self {
            messages: messages.parse().ok()?,
            len: len.parse().ok()?,
        };
        let is_possible = (1..=RING_LEN).contains(&order.messages) && order.len <= 1 << 20;
        is_possible.then_some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_two_numbers_within_the_limits() {
        let order = Order {
            messages: 16,
            len: 100,
        };
        assert_eq!(Order::parse("16 100"), Some(order));
        for wrong in ["", "16", "0 100", "65 100", "16 1048577", "16 x", "-1 1"] {
            assert_eq!(Order::parse(wrong), None, "{wrong}");
        }
    }
}
