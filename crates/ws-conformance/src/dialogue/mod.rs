//! Dialogues with a testee: send a frame, expect a reaction. [`Peer`] has the methods.

mod outcome;
mod peer;
#[cfg(test)]
pub(crate) mod scripted;

pub(crate) use outcome::{Miss, Outcome, Soften, passed};
pub(crate) use peer::http2::{Http2, Socket, answer};
pub(crate) use peer::{Act, Asked, End, Peer, REPLY, Said, Tcp, Terms, Wish};
