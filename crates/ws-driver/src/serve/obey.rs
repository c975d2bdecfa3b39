//! The reaction of a connection to its registry.

use std::task::Context;

use ws_proto::{CloseCode, CloseFrame, CloseReason};

use super::seat::Order;
use crate::clock::Direction;
use crate::error::Timeout;
use crate::state::Cause;
use crate::transport::Timer;
use crate::write_state::WriteState;

impl<W, M: Timer> WriteState<W, M> {
    /// Carries out the order of the registry, if there is one. Returns `true` if it has ended the
    /// connection.
    ///
    /// If the caller is about to wait in `direction`, it is woken by the next order.
    #[inline(never)]
    pub(crate) fn obey(&mut self, cx: &Context<'_>, direction: Option<Direction>) -> bool {
        let order = match direction {
            Some(direction) => self.await_order(cx, direction),
            None => self.send.order(),
        };
        match order {
            None => false,
            Some(Order::Close(close)) => {
                self.queue_order(cx, close);
                false
            }
            Some(Order::Fail) => {
                self.shed(cx);
                false
            }
            Some(Order::Cut) => {
                self.end(Cause::Timeout(Timeout::Shutdown));
                true
            }
        }
    }

    /// Returns the order of the registry that is still to be carried out, and counts the memory.
    /// The caller is about to wait in `direction`, and is woken by the next order.
    pub(crate) fn await_order(&mut self, cx: &Context<'_>, direction: Direction) -> Option<Order> {
        let order = self.send.wait(cx, direction);
        self.meter_wait(cx);
        order
    }

    /// Queues a Close for the registry. Wakes the task, because the operation that is waiting may
    /// now end: nothing but the Close can be sent any more.
    fn queue_order(&mut self, cx: &Context<'_>, close: CloseFrame) {
        // This cannot fail: the connection is open, and the registry has checked the Close.
        let _ = self.send.start_close(close);
        self.news = true;
        cx.waker().wake_by_ref();
    }

    /// Closes the connection because of its age.
    #[cold]
    pub(crate) fn retire(&mut self, cx: &Context<'_>) {
        let reason = CloseReason::truncated("maximum age");
        self.queue_order(cx, CloseFrame::new(CloseCode::GOING_AWAY, reason));
    }
}
