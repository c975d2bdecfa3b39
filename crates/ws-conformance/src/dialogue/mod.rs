//! Conversations with a testee: send this, expect that. [`Peer`] has the words.

mod outcome;
mod peer;

pub(crate) use outcome::{Miss, Outcome, Soften, passed};
pub(crate) use peer::{Act, Asked, End, Peer, REPLY, Said, Tcp, Terms, Wish};
