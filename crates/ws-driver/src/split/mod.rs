//! A connection as two halves that any two tasks can own.
//!
//! The part that both touch lies in one cell behind a lock that is held within a poll and never across an await: the
//! state of sending, with its direction of the transport. The receiver alone owns what receiving needs.
//!
//! A half is woken in three ways. The transport and the timer wake both halves, and so does a half that gives others a
//! turn (see [`wakers`]). A turn wakes the other half if its step left news: the connection began to close or to drain,
//! or ended; writing failed; a stalled queue moved; a Pong came that somebody waits for. What either half queues
//! without a turn wakes the other if it is the first in the queue, or a Close (see [`shared::Queueing`]).

mod receiver;
mod sender;
mod shared;
pub(crate) mod wakers;

pub use receiver::Receiver;
pub use sender::Sender;

use std::fmt;
use std::sync::Arc;

use crate::outbox::Outbox;
use crate::transport::Split;
use crate::websocket::{Parts, WebSocket};
use shared::{ReadEnd, Shared};

/// The halves of two connections, which come back.
#[derive(thiserror::Error)]
#[error("the halves belong to two connections: join each with its own")]
pub struct ReuniteError<T: Split>(
    /// The sending half.
    pub Sender<T>,
    /// The receiving half.
    pub Receiver<T>,
);

impl<T: Split> WebSocket<T> {
    /// Takes the connection apart, for two tasks: one sends while the other receives.
    ///
    /// No task is spawned and no channel is used. The [`Receiver`] has to be polled for Pings to be answered and the
    /// connection to end in order. A receiver that was dropped leaves that to [`Sender::close`] and [`Sender::closed`].
    ///
    /// `StreamExt::split` of the futures crate makes halves of any `Stream` and `Sink`, too. Its sink keeps one message
    /// back. If a Close arrives directly behind the message that is answered, that answer is lost. These halves keep
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
        write.is_deaf = true;
        let shared = Arc::new(Shared::new(write, opening, peer_addr));
        let sender = Sender {
            shared: Arc::clone(&shared),
        };
        let reading = Some(ReadEnd { read, io });
        (sender, Receiver { shared, reading })
    }
}

impl<T: Split> Receiver<T> {
    /// Joins the halves again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both if they are of two connections.
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
        // These were the only two.
        let Some(shared) = Arc::into_inner(shared) else {
            unreachable!("each half has one reference, and nobody else has any")
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
