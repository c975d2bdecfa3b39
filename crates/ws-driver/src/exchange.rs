//! The shortest way from one message to the next: one write sends the answers, and one read brings
//! the next message, or the connection waits for it.
//!
//! The general path does the same step by step, for a connection in any state. It has many
//! conditions, and few of them matter for a connection that receives and sends plain messages.

use std::task::{Context, Poll};

use crate::pool;
use crate::read_state::{ReadState, Wire};

impl ReadState {
    /// Writes everything that is queued, reads once, and goes to the next message if the input
    /// begins with the whole of it.
    ///
    /// Returns `None` if anything else is to be done. All progress is kept, and the general path
    /// continues from it.
    #[inline(never)]
    pub(crate) fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Option<Poll<()>> {
        if self.has_read_much() {
            return None;
        }
        let mut idle = self.recv.lending().idle()?;
        if !wire.write_state().poll_answers(cx) {
            return None;
        }
        if let Some(len) = idle.wants_block() {
            pool::lend_block(len, |block| idle.lend(block));
        }
        match wire.poll_next_read(cx, idle.spare()) {
            Poll::Ready(read) => {
                self.take_read(read, wire);
                wire.write_state().reclaim_buffer();
                self.next_plain().then_some(Poll::Ready(()))
            }
            Poll::Pending => {
                let write = wire.write_state();
                let block = idle.park(&mut write.send);
                pool::give_both(block, write.send.lending().reclaim());
                self.publish(write);
                // The general path reads again before it acts, because input may have arrived.
                if write.send.is_timed() && self.is_due(cx, wire) {
                    return None;
                }
                self.forget_reads();
                Some(Poll::Pending)
            }
        }
    }

    /// Returns `true` if there is something to do besides waiting for input. Otherwise the task is
    /// woken as soon as there is.
    #[inline(never)]
    fn is_due(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> bool {
        self.meter_wait(wire);
        wire.write_state().is_due(cx)
    }
}
