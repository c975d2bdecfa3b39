//! Implementations of [`Stream`] and [`Sink`].

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use ws_proto::{CloseCode, Message};

use crate::error::Error;
use crate::sending::Sending;
use crate::split::{Receiver, Sender};
use crate::transport::{Split, Transport};
use crate::websocket::WebSocket;

/// Receives messages as [`WebSocket::recv`] does. After an abnormal end, one error comes before the
/// end of the stream.
impl<T: Transport> Stream for WebSocket<T> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(Result::transpose)
    }
}

/// Receives messages as [`Receiver::recv`] does. After an abnormal end, one error comes before the
/// end of the stream.
impl<T: Split> Stream for Receiver<T> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(Result::transpose)
    }
}

/// Sends messages as [`WebSocket::feed`] and [`WebSocket::flush`] do, but reads nothing while it
/// waits.
///
/// Another task may be waiting for the same input through the [`Stream`]. If the sink read that
/// input, the other task would not be woken. So Pings are answered only while the stream is polled.
///
/// Closing the sink queues a Close with [`CloseCode::NORMAL`], writes everything that is queued,
/// and flushes. It discards no messages. Receive until the end, because the peer may still send
/// messages.
impl<T: Transport> Sink<Message> for WebSocket<T> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().parts.write.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.get_mut().write_state().queue(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().parts.write.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ws = self.get_mut();
        // This fails only if the connection is closing already.
        let _ = ws.start_close(CloseCode::NORMAL, "");
        ws.parts.write.poll_flush(cx)
    }
}

/// Sends messages as [`Sender::feed`] and [`Sender::flush`] do.
///
/// Closing the sink does the same as [`Sender::close`] with [`CloseCode::NORMAL`] and an empty
/// reason. It is done when the Close has been written. If the [`Receiver`] was dropped, it is done
/// when the connection has ended.
impl<T: Split> Sink<Message> for Sender<T> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.get_mut().write_state().queue(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let sender = self.get_mut();
        // This fails only if the connection is closing already.
        let _ = sender.start_close(CloseCode::NORMAL, "");
        sender.poll_close(cx)
    }
}
