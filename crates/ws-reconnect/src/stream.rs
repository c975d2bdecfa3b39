//! Implementations of [`Stream`] and [`Sink`].

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use ws_driver::transport::{Half, Runtime};
use ws_driver::{CloseCode, Message};

use crate::client::Reconnecting;
use crate::error::{Ended, GaveUp};
use crate::event::Event;
use crate::halves::{Receiver, Sender};
use crate::hook::OnOpen;
use crate::machine::Machine;

/// Nothing is pinned structurally: futures are in boxes.
impl<R: Runtime, O> Unpin for Reconnecting<R, O> {}

/// Returns the events of [`Reconnecting::next`]. If the client gives up, the error comes before the
/// end.
impl<R: Runtime, O: OnOpen<R>> Stream for Reconnecting<R, O> {
    type Item = Result<Event, Box<GaveUp>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_next_event(cx).map(Result::transpose)
    }
}

/// Returns the events of [`Receiver::next`].
impl<R: Runtime, O: OnOpen<R>> Stream for Receiver<R, O> {
    type Item = Result<Event, Box<GaveUp>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_next_event(cx).map(Result::transpose)
    }
}

/// Implements [`Sink`] by the method `turn`.
macro_rules! sink {
    ($name:ident, |$this:ident, $cx:ident, $poll:ident| $turn:expr) => {
        /// Sends messages as `feed` and `flush` do. If the queue is full, the sink waits, also with
        /// [`Queue::fail`](crate::Queue::fail).
        ///
        /// Closing the sink does the same as `close` with [`CloseCode::NORMAL`].
        impl<R: Runtime, O: OnOpen<R>> Sink<Message> for $name<R, O> {
            type Error = Ended;

            fn poll_ready(self: Pin<&mut Self>, $cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
                let $this = self.get_mut();
                let $poll = Machine::poll_ready;
                $turn
            }

            fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Ended> {
                let $this = self.get_mut();
                let $cx = &Context::from_waker(std::task::Waker::noop());
                let $poll = |machine: &mut Machine<R, O>, _: &mut Context<'_>| {
                    Poll::Ready(machine.start_send(message))
                };
                match $turn {
                    Poll::Ready(started) => started,
                    Poll::Pending => Ok(()),
                }
            }

            fn poll_flush(self: Pin<&mut Self>, $cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
                let $this = self.get_mut();
                let $poll = Machine::poll_flush;
                $turn
            }

            fn poll_close(self: Pin<&mut Self>, $cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
                let $this = self.get_mut();
                let $poll = |machine: &mut Machine<R, O>, cx: &mut Context<'_>| {
                    machine.poll_close(cx, CloseCode::NORMAL, "")
                };
                // The code is valid, so there is no error.
                $turn.map(|_| Ok(()))
            }
        }
    };
}

sink!(Reconnecting, |client, cx, poll| client.turn(
    Half::Sender,
    cx,
    poll
));
sink!(Sender, |sender, cx, poll| sender.turn(cx, poll));
