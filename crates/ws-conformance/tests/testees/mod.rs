//! Echo endpoints that are wrong on purpose: what a suite says of them shows whether it looks.
//!
//! A small WebSocket of its own, on blocking sockets of the standard library, correct in all 517
//! cases but for one [`Fault`] at a time. It shares no code with the suite: a mistake in a common
//! codec would cancel out.

mod checks;
mod client;
mod codec;
pub(crate) mod connection;
mod deflate;
mod echo;
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

/// Which end of the connection the testee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It connects, and masks.
    Client,
    /// It is connected to.
    Server,
}

impl Role {
    /// Both of them.
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// As folders and commands call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
