//! Messages piece by piece, in both directions, in bounded memory.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use ws_proto::{Chunk, MessageKind, SendHalf};

use crate::error::Error;
use crate::sending::{self, Sending};
use crate::split::{Receiver, Sender};
use crate::transport::{Split, Transport};
use crate::websocket::WebSocket;

/// A connection or its receiving half.
pub(crate) trait Receiving {
    /// The beginning of the next message; `None` at the end of the connection.
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>>;

    /// A piece, or the end of the message; `None` at the end of the connection.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>>;

    /// The piece.
    fn chunk(&self) -> &[u8];
}

/// Reads one message piece by piece, however long it is. See [`WebSocket::recv_stream`].
///
/// Dropped before the end of the message, the next receive skips the rest, and still finds violations in it.
pub struct MessageReader<'a, C> {
    connection: &'a mut C,
    kind: MessageKind,
    is_whole: bool,
}

#[expect(
    private_bounds,
    reason = "implemented for the types here, by nobody else"
)]
impl<'a, C: Receiving> MessageReader<'a, C> {
    /// Waits for the next message.
    pub(crate) async fn next(connection: &'a mut C) -> Result<Option<Self>, Error> {
        let kind = poll_fn(|cx| connection.poll_start(cx)).await?;
        Ok(kind.map(|kind| MessageReader {
            connection,
            kind,
            is_whole: false,
        }))
    }

    /// Tells text from binary data.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Receives the next piece, which lies in the connection's read block: never empty, unmasked, of any size. `None`
    /// at the end of the message.
    ///
    /// Text is validated on the way; a piece may end inside a character.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::recv`], and [`Error::Unfinished`] if the peer closed the connection inside the message.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn chunk(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.is_whole {
            return Ok(None);
        }
        match poll_fn(|cx| self.connection.poll_chunk(cx)).await? {
            Some(Chunk::Data) => Ok(Some(self.connection.chunk())),
            Some(Chunk::End) => {
                self.is_whole = true;
                Ok(None)
            }
            None => Err(Error::Unfinished),
        }
    }
}

impl<C> fmt::Debug for MessageReader<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader")
            .field("kind", &self.kind)
            .field("is_whole", &self.is_whole)
            .finish_non_exhaustive()
    }
}

/// Sends one message piece by piece, without its length being known before. See [`WebSocket::writer`].
///
/// Dropped after the first piece, the message is unfinished: other messages are refused until it is resumed
/// ([`WebSocket::resume_writer`]) and finished, or the connection is closed.
pub struct MessageWriter<'a, C> {
    connection: &'a mut C,
}

#[expect(
    private_bounds,
    reason = "implemented for the types here, by nobody else"
)]
impl<'a, C: Sending> MessageWriter<'a, C> {
    /// Begins a message.
    pub(crate) fn begin(connection: &'a mut C, kind: MessageKind) -> Result<Self, Error> {
        connection.write_state().queue_by(|send| send.begin(kind))?;
        Ok(MessageWriter { connection })
    }

    /// Goes on with the unfinished message.
    pub(crate) fn resume(connection: &'a mut C) -> Option<Self> {
        connection.write_state().send.unfinished()?;
        Some(MessageWriter { connection })
    }

    /// Leaves the message uncompressed, also where compression was agreed. Without effect once a piece was queued.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        self.connection.write_state().send.leave_uncompressed();
        self
    }

    /// Queues a piece as a frame of its own, after waiting for room. Text may be cut inside a character. The rules
    /// of waiting are those of [`WebSocket::send`], or of [`Sender::send`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`]; [`Error::Send`] if it cannot continue the text: nothing was queued, and the message
    /// can go on.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returned: the piece is not sent.
    pub async fn write(&mut self, piece: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::ready(self.connection).await?;
        let piece = piece.as_ref();
        self.connection
            .write_state()
            .queue_by(|send| send.write(piece))
    }

    /// Ends the message, and returns when the transport has taken all of it and was flushed.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`]; [`Error::Send`] if text ends inside a character: the message is still unfinished.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room: the message is still unfinished. Dropped later: it is sent.
    pub async fn finish(self) -> Result<(), Error> {
        sending::ready(self.connection).await?;
        self.connection.write_state().queue_by(SendHalf::finish)?;
        sending::flush(self.connection).await
    }
}

impl<C> fmt::Debug for MessageWriter<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").finish_non_exhaustive()
    }
}

impl<T: Transport> WebSocket<T> {
    /// Receives the next message, to read piece by piece. `None` at the end of the connection.
    ///
    /// Nothing is put together, so the limits on messages and frames do not apply. If a future of
    /// [`recv`](Self::recv) was dropped inside a message, this goes on with that message.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_stream(&mut self) -> Result<Option<MessageReader<'_, Self>>, Error> {
        MessageReader::next(self).await
    }

    /// Begins a message that is sent piece by piece.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection is closing, [`Error::Send`] if another message was begun and not finished.
    pub fn writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, Self>, Error> {
        MessageWriter::begin(self, kind)
    }

    /// Goes on with the message whose writer was dropped before its end. `None` if there is none.
    pub fn resume_writer(&mut self) -> Option<MessageWriter<'_, Self>> {
        MessageWriter::resume(self)
    }
}

impl<T: Split> Receiver<T> {
    /// Receives the next message, to read piece by piece. See [`WebSocket::recv_stream`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::recv`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_stream(&mut self) -> Result<Option<MessageReader<'_, Self>>, Error> {
        MessageReader::next(self).await
    }
}

impl<T: Split> Sender<T> {
    /// Begins a message that is sent piece by piece. See [`WebSocket::writer`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::writer`].
    pub fn writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, Self>, Error> {
        MessageWriter::begin(self, kind)
    }

    /// Goes on with the message whose writer was dropped before its end. `None` if there is none.
    pub fn resume_writer(&mut self) -> Option<MessageWriter<'_, Self>> {
        MessageWriter::resume(self)
    }
}
