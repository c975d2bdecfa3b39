//! The send side of the core, with memory from the pool.

use ws_proto::{CloseFrame, ControlPayload, Outgoing, SendError, SendHalf};

use crate::error::{Error, TrySendError};
use crate::pool;

/// The send side of the core, with memory from the pool. What is queued leaves when its owner writes.
#[derive(Debug)]
pub(crate) struct SendQueue {
    pub(crate) side: SendHalf,
}

impl SendQueue {
    pub(crate) fn new(side: SendHalf) -> Self {
        SendQueue { side }
    }

    /// Whether something is queued, or is to be when it has been compressed.
    pub(crate) fn has_work(&self) -> bool {
        self.side.queued() > 0 || self.side.is_busy()
    }

    /// Lends the send side memory to encode into, if it has none and will need some.
    #[inline]
    pub(crate) fn lend_buffer(&mut self) {
        if self.side.wants_buffer() && !self.side.has_ended() {
            self.side.lend(pool::take_buffer());
        }
        if self.side.wants_compressor() {
            pool::lend_compressor(&mut self.side);
        }
    }

    /// Gives memory back of which little or nothing is in use.
    pub(crate) fn reclaim_buffer(&mut self) {
        if let Some(buffer) = self.side.reclaim() {
            pool::give_buffer(buffer);
        }
        if let Some(memory) = self.side.reclaim_compressor() {
            pool::give_compressor(memory);
        }
    }

    /// Queues a message, whatever is queued already.
    #[inline]
    pub(crate) fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        Ok(self.message(message.into())?)
    }

    /// As [`feed`](Self::feed), of the reason alone.
    #[inline]
    pub(crate) fn message(&mut self, message: Outgoing<'_>) -> Result<(), SendError> {
        self.lend_buffer();
        self.side.message(message)
    }

    /// Queues a message, or gives it back if too much is queued already or the connection is closing.
    pub(crate) fn try_feed<'m, M: Into<Outgoing<'m>>>(
        &mut self,
        message: M,
    ) -> Result<(), TrySendError<M>> {
        if !self.side.is_open() {
            return Err(TrySendError::Closing(message));
        }
        if self.side.unfinished().is_some() {
            return Err(TrySendError::Unfinished(message));
        }
        if !self.side.has_room() {
            return Err(TrySendError::Full(message));
        }
        self.lend_buffer();
        // The connection is open and no message under way, which is all that queuing asks for.
        let _ = self.side.message(message);
        Ok(())
    }

    pub(crate) fn start_close(&mut self, close: Option<CloseFrame>) -> Result<(), Error> {
        self.lend_buffer();
        Ok(self.side.start_close(close)?)
    }

    /// Queues a Ping.
    pub(crate) fn ping(&mut self, payload: &ControlPayload) -> Result<(), Error> {
        self.lend_buffer();
        Ok(self.side.ping(payload)?)
    }

    /// Queues a Pong that nobody asked for.
    pub(crate) fn pong(&mut self, payload: &ControlPayload) -> Result<(), Error> {
        self.lend_buffer();
        Ok(self.side.pong(payload)?)
    }
}

impl Drop for SendQueue {
    /// The buffer returns to the pool of the thread that drops the connection.
    fn drop(&mut self) {
        self.side.output_lost();
        self.reclaim_buffer();
    }
}
