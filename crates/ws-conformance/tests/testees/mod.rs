//! Echo endpoints that are wrong on purpose. A verdict on them shows that a case looks at its
//! subject.
//!
//! A small WebSocket on blocking sockets of the standard library, correct in all cases but for one
//! [`Fault`] at a time. It shares no code with the suite, because a mistake in common code would
//! cancel out.
//!
//! A fault changes one of the [`rules`] of the endpoint. To add one, add an entry to a list in
//! [`faults`], and to the rules if none of them can express it.

mod checks;
mod client;
mod codec;
pub(crate) mod connection;
mod deflate;
pub(crate) mod echo;
mod fault;
mod faults;
mod handshake;
mod message;
mod pace;
mod replies;
mod rules;
pub(crate) mod server;
mod utf8;

pub(crate) use client::Client;
pub(crate) use fault::Fault;
pub(crate) use pace::Pace;
pub(crate) use server::Server;

/// The end of the connection that the testee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It connects, and masks.
    Client,
    /// It is connected to.
    Server,
}

impl Role {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// Returns the name in folders and commands.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
