//! Receiving and sending messages piece by piece, in bounded memory.

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
    /// Goes to the beginning of the next message. `None` at the end of the connection.
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>>;

    /// Goes to the next piece, or to the end of the message. `None` at the end of the connection.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>>;

    /// Returns the current piece.
    fn chunk(&self) -> &[u8];
}

/// A reader that receives one message of any length piece by piece. See [`WebSocket::recv_stream`].
///
/// If the reader is dropped before the end of the message, the next receive skips the rest of the
/// message. A violation in the skipped rest is still reported.
pub struct MessageReader<'a, C> {
    connection: &'a mut C,
    kind: MessageKind,
    is_whole: bool,
}

#[expect(
    private_bounds,
    reason = "the trait is implemented for the types of this crate only"
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

    /// Returns the kind of the message: text or binary.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Receives the next piece. `None` at the end of the message.
    ///
    /// A piece is never empty and may have any length. Its mask has been removed. A piece is
    /// borrowed from the connection's read block. Text is validated as it arrives, and a piece of
    /// text may end inside a character.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::recv`], and [`Error::Unfinished`] if the peer closed the
    /// connection inside the message.
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

/// A writer that sends one message piece by piece. The length of the message need not be known in
/// advance. See [`WebSocket::writer`].
///
/// If the writer is dropped after the first piece that is not empty, the message is unfinished.
/// Other messages are refused until the unfinished message is resumed with
/// [`WebSocket::resume_writer`] and finished, or until the connection is closed. If the writer is
/// dropped before that piece, nothing was sent, and another message may be sent.
pub struct MessageWriter<'a, C> {
    connection: &'a mut C,
}

#[expect(
    private_bounds,
    reason = "the trait is implemented for the types of this crate only"
)]
impl<'a, C: Sending> MessageWriter<'a, C> {
    /// Starts a message.
    pub(crate) fn begin(connection: &'a mut C, kind: MessageKind) -> Result<Self, Error> {
        connection.write_state().queue_by(|send| send.begin(kind))?;
        Ok(MessageWriter { connection })
    }

    /// Resumes the message of which pieces have been queued, but not the end. `None` if no such
    /// message exists.
    pub(crate) fn resume(connection: &'a mut C) -> Option<Self> {
        connection.write_state().send.unfinished()?;
        Some(MessageWriter { connection })
    }

    /// Leaves the message uncompressed, even if both ends agreed on compression. This has no effect
    /// once a piece has been queued.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        self.connection.write_state().send.leave_uncompressed();
        self
    }

    /// Waits for room and queues a piece. Text may be cut inside a character.
    ///
    /// Each piece becomes one frame of any length:
    /// [`Config::fragment_len`](crate::Config::fragment_len) does not apply. An empty piece queues
    /// nothing.
    ///
    /// While this waits, it handles input as [`WebSocket::send`] does. The writer of a [`Sender`]
    /// reads nothing while it waits.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::send`], but [`Error::Send`] only if the piece is not a valid
    /// continuation of the text. In that case, nothing was queued, and the message can be
    /// continued.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it returned, the piece is not sent.
    pub async fn write(&mut self, piece: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::ready(self.connection).await?;
        let piece = piece.as_ref();
        self.connection
            .write_state()
            .queue_by(|send| send.write(piece))
    }

    /// Ends the message. Returns when all of it has been written to the transport and flushed.
    ///
    /// While this waits, it handles input as [`write`](Self::write) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::send`], but [`Error::Send`] only if the text ends inside a
    /// character. In that case, the message is still unfinished.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for room, the message is still unfinished. If it is
    /// dropped later, the end of the message stays queued, and the next call that waits sends it.
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
    /// Waits for the next message and returns a reader that receives it piece by piece. `None` at
    /// the end of the connection.
    ///
    /// The message is not assembled, so the limits on messages and frames do not apply. If a future
    /// of [`recv`](Self::recv) was dropped inside a message, the reader continues with that
    /// message.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut peer, mut ws) = ws_tokio::testing::pair(Default::default());
    /// # peer.send(vec![7; 1000]).await?;
    /// let mut message = ws.recv_stream().await?.expect("a message");
    /// let mut len = 0;
    /// while let Some(piece) = message.chunk().await? {
    ///     len += piece.len();
    /// }
    /// # assert_eq!(len, 1000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_stream(&mut self) -> Result<Option<MessageReader<'_, Self>>, Error> {
        MessageReader::next(self).await
    }

    /// Starts a message that is sent piece by piece.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut ws, mut peer) = ws_tokio::testing::pair(Default::default());
    /// use ws_tokio::MessageKind;
    ///
    /// let mut message = ws.writer(MessageKind::Binary)?;
    /// for piece in [b"one ", b"two "] {
    ///     message.write(piece).await?;
    /// }
    /// message.finish().await?;
    /// # assert_eq!(peer.recv().await?, Some((*b"one two ").into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection is closing or has ended. [`Error::Io`] if the transport
    /// failed. [`Error::Send`] if pieces of another message have been queued, but not its end.
    pub fn writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, Self>, Error> {
        MessageWriter::begin(self, kind)
    }

    /// Resumes the message whose writer was dropped before the end of the message. `None` if no
    /// piece of such a message has been queued.
    pub fn resume_writer(&mut self) -> Option<MessageWriter<'_, Self>> {
        MessageWriter::resume(self)
    }
}

impl<T: Split> Receiver<T> {
    /// Waits for the next message and returns a reader that receives it piece by piece. `None` at
    /// the end of the connection. See [`WebSocket::recv_stream`].
    pub async fn recv_stream(&mut self) -> Result<Option<MessageReader<'_, Self>>, Error> {
        MessageReader::next(self).await
    }
}

impl<T: Split> Sender<T> {
    /// Starts a message that is sent piece by piece. See [`WebSocket::writer`].
    pub fn writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, Self>, Error> {
        MessageWriter::begin(self, kind)
    }

    /// Resumes the message whose writer was dropped before the end of the message. `None` if no
    /// piece of such a message has been queued.
    pub fn resume_writer(&mut self) -> Option<MessageWriter<'_, Self>> {
        MessageWriter::resume(self)
    }
}
