//! A message that is passed on piece by piece instead of being put together.

use super::{Found, Next, ReceiveSide};
use crate::config::MAX_FRAGMENTS;
use crate::error::{LimitError, ReceiveError};
use crate::message::MessageKind;
use crate::utf8::Utf8Stream;

/// Whether messages are put together or passed on.
#[derive(Default)]
pub(super) enum Stream {
    /// Put together.
    #[default]
    Off,
    /// The next message is to be passed on.
    Wanted,
    /// Inside a message that is passed on.
    On(Streaming),
}

pub(super) struct Streaming {
    kind: MessageKind,
    utf8: Utf8Stream,
    /// Nothing of the frame's payload has been seen.
    frame_is_empty: bool,
    /// Frames without payload in a row.
    empty_frames: u32,
    /// What had been put together before is to be passed on first.
    pub(super) has_prefix: bool,
}

impl Streaming {
    fn new(kind: MessageKind, utf8: Utf8Stream, has_prefix: bool) -> Self {
        Streaming {
            kind,
            utf8,
            frame_is_empty: true,
            empty_frames: 0,
            has_prefix,
        }
    }
}

impl ReceiveSide {
    /// Whether a message is being passed on.
    pub(super) fn is_streaming(&self) -> bool {
        matches!(self.stream, Stream::On(_))
    }

    /// Whether what had been put together before is still to be passed on.
    pub(super) fn has_prefix(&self) -> bool {
        matches!(&self.stream, Stream::On(stream) if stream.has_prefix)
    }

    /// Passes the next message on, or the rest of the one that is being put together: then its kind is known already.
    pub(super) fn want_stream(&mut self) -> Option<MessageKind> {
        if let Some((kind, utf8)) = self.assembly.hand_over() {
            let has_prefix = !self.assembly.octets().is_empty();
            self.stream = Stream::On(Streaming::new(kind, utf8, has_prefix));
            return Some(kind);
        }
        self.stream = Stream::Wanted;
        None
    }

    /// A frame begins in a message that is passed on or is to be. Says so at the first.
    pub(super) fn enter_stream(&mut self, kind: Option<MessageKind>, header_len: usize) -> Next {
        match (&mut self.stream, kind) {
            (Stream::On(stream), _) => {
                stream.frame_is_empty = true;
                Next::Continue(header_len)
            }
            (stream, Some(kind)) => {
                *stream = Stream::On(Streaming::new(kind, Utf8Stream::default(), false));
                Next::Stop(header_len, Found::Started(kind))
            }
            // The header rules let no continuation begin a message.
            (_, None) => Next::Continue(header_len),
        }
    }

    /// Inside a frame of a message that is passed on.
    pub(super) fn stream_frame(&mut self, input: &mut [u8]) -> Result<Next, ReceiveError> {
        if self.is_compressed() {
            return self.inflate_stream(input);
        }
        let (Stream::On(stream), Some(frame)) = (&mut self.stream, &mut self.frame) else {
            return Ok(Next::Stop(0, Found::Nothing));
        };
        let len = usize::try_from(frame.remaining)
            .unwrap_or(usize::MAX)
            .min(input.len());
        if len > 0 {
            let payload = input.get_mut(..len).unwrap_or_default();
            if let Some(key) = &mut frame.key {
                key.apply(payload);
                *key = key.after(len);
            }
            if stream.kind == MessageKind::Text {
                stream.utf8.push(payload)?;
            }
            frame.remaining = frame.remaining.saturating_sub(len as u64);
            stream.frame_is_empty = false;
            stream.empty_frames = 0;
            return Ok(Next::Stop(len, Found::Data { start: 0, len }));
        }
        if frame.remaining > 0 {
            return Ok(Next::Stop(0, Found::Nothing));
        }
        if frame.fin {
            return self.end_stream(0);
        }
        self.end_stream_frame(0)
    }

    /// What came out of a compressed frame of a message that is passed on.
    #[cfg(feature = "deflate")]
    pub(super) fn check_streamed(&mut self) -> Result<(), ReceiveError> {
        if let (Stream::On(stream), Some(inflation)) = (&mut self.stream, &self.inflation) {
            if stream.kind == MessageKind::Text {
                stream.utf8.push(inflation.piece())?;
            }
            stream.frame_is_empty = false;
            stream.empty_frames = 0;
        }
        Ok(())
    }

    /// The message that is passed on is whole; `used` octets of input went into its end.
    pub(super) fn end_stream(&mut self, used: usize) -> Result<Next, ReceiveError> {
        if let Stream::On(stream) = &self.stream {
            stream.utf8.finish()?;
        }
        self.frame = None;
        self.stream = Stream::Off;
        Ok(Next::Stop(used, Found::StreamEnd))
    }

    /// A frame of the message that is passed on has ended, and others follow.
    pub(super) fn end_stream_frame(&mut self, used: usize) -> Result<Next, ReceiveError> {
        let Stream::On(stream) = &mut self.stream else {
            return Ok(Next::Stop(used, Found::Nothing));
        };
        if stream.frame_is_empty {
            stream.empty_frames = stream.empty_frames.saturating_add(1);
            if stream.empty_frames > MAX_FRAGMENTS {
                return Err(LimitError::TooManyFragments.into());
            }
        }
        self.frame = None;
        Ok(Next::Continue(used))
    }
}
