//! [`Stream`] and [`Sink`], by the methods.

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

/// As [`WebSocket::recv`]: after an abnormal end one error, then the end of the stream.
impl<T: Transport> Stream for WebSocket<T> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(Result::transpose)
    }
}

/// As [`Receiver::recv`].
impl<T: Split> Stream for Receiver<T> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(Result::transpose)
    }
}

/// As [`WebSocket::feed`] and [`WebSocket::flush`], but these read nothing while they wait: another task may wait for
/// the same bytes by the [`Stream`], and would not be woken. Poll the stream for Pings to be answered.
///
/// Closing queues a Close with [`CloseCode::NORMAL`], writes everything and flushes. It discards nothing: receive what
/// the peer still sends, up to the end.
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
        // Refused only if the connection is closing already.
        let _ = ws.start_close(CloseCode::NORMAL, "");
        ws.parts.write.poll_flush(cx)
    }
}

/// As [`Sender::feed`] and [`Sender::flush`]. Closing is [`Sender::close`] with [`CloseCode::NORMAL`] and no reason: it
/// returns when the Close was written.
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
        // Refused only if the connection is closing already.
        let _ = sender.start_close(CloseCode::NORMAL, "");
        sender.poll_close(cx)
    }
}
