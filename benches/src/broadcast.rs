//! What servers that broadcast share. Those on other people's libraries take this file, too: it needs none of ours.

use clap::Parser;

/// Messages that wait until every subscriber's task has seen them: more than are ever on the way.
pub const RING_LEN: usize = 64;

/// Broadcasts to all who connect to 127.0.0.1, until it is ended.
///
/// A subscriber that says `MESSAGES LEN` makes it publish so many texts of that length. All
/// connections are served by one thread.
#[derive(Clone, Copy, Debug, Parser)]
pub struct Options {
    /// The port to listen on.
    #[arg(long)]
    pub port: u16,
}

/// What a subscriber wants published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// How many messages.
    pub messages: usize,
    /// Octets of each.
    pub len: usize,
}

impl Order {
    /// `MESSAGES LEN`; nothing that would overrun the ring or take more than 1 MiB.
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
    fn orders_are_two_numbers_within_reason() {
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
