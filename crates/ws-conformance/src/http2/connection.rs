//! A connection: frames over another transport.

use std::io;

use loona_hpack::Decoder;

use super::fields::{self, Fields};
use super::frame::{Frame, flag, kind};
use super::{PREFACE, settings};
use crate::transport::Transport;

/// The most bytes of a head that is read.
const MAX_HEAD: usize = 64 * 1024;
/// The longest frame that is read. A longer one is a violation, which a case can report only if
/// the frame is read.
const MAX_FRAME: usize = 1 << 20;

/// The frames of a connection, both ways. It answers nothing by itself.
pub(crate) struct Connection {
    pub(super) inner: Box<dyn Transport>,
    input: Vec<u8>,
    /// Bytes that the transport has not accepted.
    output: Vec<u8>,
    decoder: Decoder<'static>,
    /// The stream, the flags and the block of a head without END_HEADERS.
    head: Option<(u32, u8, Vec<u8>)>,
}

/// A part of what the other side sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// HEADERS and the CONTINUATION frames after it.
    Head {
        stream: u32,
        fields: Fields,
        /// `true` if END_STREAM is set.
        ends: bool,
    },
    /// Any other frame.
    Frame(Frame),
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(inner: Box<dyn Transport>) -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(settings::HEADER_TABLE);
        Self {
            inner,
            input: Vec::new(),
            output: Vec::new(),
            decoder,
            head: None,
        }
    }

    /// Queues a frame.
    pub(crate) fn queue(&mut self, frame: &Frame) {
        self.queue_bytes(&frame.encode());
    }

    /// Queues bytes that need not be a frame.
    pub(crate) fn queue_bytes(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Queues the acknowledgement of SETTINGS and of PING.
    pub(crate) fn acknowledge(&mut self, frame: &Frame) {
        if matches!(frame.kind, kind::SETTINGS | kind::PING) && !frame.has(flag::ACK) {
            let payload = match frame.kind {
                kind::PING => frame.payload.clone(),
                _ => Vec::new(),
            };
            self.queue(&Frame::new(frame.kind, 0, payload).with(flag::ACK));
        }
    }

    /// Writes the queued bytes as far as there is room. Fails with `WouldBlock` if some are left.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.inner.write(&self.output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.inner.flush()
    }

    /// Reads the preface of a client.
    pub(super) fn receive_preface(&mut self) -> io::Result<()> {
        loop {
            let len = self.input.len().min(PREFACE.len());
            if self.input[..len] != PREFACE[..len] {
                return violation("the client does not begin with the preface of HTTP/2");
            }
            if len == PREFACE.len() {
                self.input.drain(..len);
                return Ok(());
            }
            self.read()?;
        }
    }

    /// Returns the next part. Fails with `WouldBlock` if there is none yet, with `UnexpectedEof` at
    /// the end of the transport, and with `InvalidData` if a rule about the form of frames is
    /// broken.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        loop {
            while let Some((frame, len)) = Frame::read(&self.input) {
                self.input.drain(..len);
                if let Some(received) = self.assemble(frame)? {
                    return Ok(received);
                }
            }
            if self.input.len() > MAX_FRAME {
                return violation("a frame is longer than SETTINGS_MAX_FRAME_SIZE");
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.inner.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.input.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    /// Joins the frames of a head (RFC 9113 §6.10).
    fn assemble(&mut self, frame: Frame) -> io::Result<Option<Received>> {
        let (stream, flags, mut block) = match (self.head.take(), frame.kind) {
            (None, kind::HEADERS) => match frame.content() {
                Some(content) => (frame.stream, frame.flags, content.to_vec()),
                None => return violation("HEADERS has more padding than payload"),
            },
            (Some((stream, flags, mut block)), kind::CONTINUATION) if stream == frame.stream => {
                block.extend(&frame.payload);
                (stream, flags | frame.flags & flag::END_HEADERS, block)
            }
            (None, kind::CONTINUATION) => return violation("CONTINUATION follows no HEADERS"),
            (None, _) => return Ok(Some(Received::Frame(frame))),
            (Some(_), _) => return violation("another frame stands between those of a head"),
        };
        if block.len() > MAX_HEAD {
            return violation("a head has no end");
        }
        if flags & flag::END_HEADERS == 0 {
            self.head = Some((stream, flags, std::mem::take(&mut block)));
            return Ok(None);
        }
        match fields::decode(&mut self.decoder, &block) {
            None => violation("a head cannot be decoded"),
            Some(fields) => Ok(Some(Received::Head {
                stream,
                fields,
                ends: flags & flag::END_STREAM != 0,
            })),
        }
    }
}

/// Fails because the other side breaks a rule.
pub(super) fn violation<T>(sentence: &'static str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, sentence))
}
