//! A connection as two halves that two tasks can own.
//!
//! Both halves use the state of sending, which includes the sending direction of the transport. A
//! lock protects this state. It is held within a poll and never across an await. The receiver alone
//! owns the state of receiving.
//!
//! A half is woken in three ways:
//!
//! * The transport and the timer wake both halves. A half that yields to the executor also wakes
//!   both. See [`wakers`].
//! * A turn is one poll of a half. It wakes the other half after an event of these kinds, which are
//!   called news:
//!   * The connection began to close, began to drain, or ended.
//!   * A write failed.
//!   * The transport took output after a stall.
//!   * A Pong arrived whose round trip is measured.
//! * An operation that queues without a turn wakes the other half if the queue was empty, or if it
//!   queued a Close. See [`shared::Queueing`].

mod receiver;
mod sender;
mod shared;
#[cfg(feature = "stats")]
mod stats;
mod wakers;

pub use receiver::Receiver;
pub use sender::Sender;
pub use wakers::{Half, Wakers};

use std::fmt;
use std::sync::Arc;

use crate::outbox::Outbox;
use crate::transport::Split;
use crate::websocket::{Parts, WebSocket};
use shared::{ReadEnd, Shared};

/// The error of joining the halves of two connections. Holds both halves.
#[derive(thiserror::Error)]
#[error("the halves belong to different connections: join each with its own other half")]
pub struct ReuniteError<T: Split>(
    /// The sending half.
    pub Sender<T>,
    /// The receiving half.
    pub Receiver<T>,
);

impl<T: Split> WebSocket<T> {
    /// Splits the connection into two halves, so that one task can send while another receives.
    ///
    /// No task is spawned and no channel is used. Pings are answered, and the connection ends
    /// cleanly, only while the [`Receiver`] is polled. If the receiver was dropped,
    /// [`Sender::close`] and [`Sender::closed`] do this work.
    ///
    /// Prefer this to `StreamExt::split` of the futures crate, which splits any `Stream` and
    /// `Sink`. The sink of that function holds back one message. If a Close arrives directly after
    /// the message that is being answered, this last answer is lost. The halves of this method hold
    /// nothing back.
    pub fn split(self) -> (Sender<T>, Receiver<T>) {
        let peer_addr = self.peer_addr();
        let Parts {
            read,
            write,
            opening,
        } = *self.parts;
        let mut io = None;
        let mut write = write.0.map(|transport| {
            let (read, write) = transport.split();
            io = Some(read);
            Some(write)
        });
        write.input_blocked = true;
        let shared = Arc::new(Shared::new(write, opening, peer_addr));
        let sender = Sender {
            shared: Arc::clone(&shared),
        };
        let reading = Some(ReadEnd { read, io });
        (sender, Receiver { shared, reading })
    }
}

impl<T: Split> Receiver<T> {
    /// Joins the halves into one connection again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both halves if they belong to different connections.
    pub fn reunite(mut self, sender: Sender<T>) -> Result<WebSocket<T>, Box<ReuniteError<T>>> {
        if !Arc::ptr_eq(&self.shared, &sender.shared) {
            return Err(Box::new(ReuniteError(sender, self)));
        }
        let Some(ReadEnd { read, io }) = self.reading.take() else {
            return Err(Box::new(ReuniteError(sender, self)));
        };
        drop(sender);
        let shared = Arc::clone(&self.shared);
        drop(self);
        let Some(shared) = Arc::into_inner(shared) else {
            unreachable!("the two halves held the only other references and were dropped")
        };
        let (state, opening) = shared.into_inner();
        let write = state.write.map(|write| T::reunite(io?, write));
        Ok(WebSocket {
            parts: Box::new(Parts {
                read,
                write: Outbox(write),
                opening,
            }),
        })
    }
}

impl<T: Split> fmt::Debug for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReuniteError(..)")
    }
}
