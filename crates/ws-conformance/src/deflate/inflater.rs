//! Inflates the messages of a testee (RFC 7692 §7.2.2), piece by piece.

use std::fmt;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::encoder::MAX_WINDOW;
use super::reach::{Reach, TooFar};
use super::{Coding, TAIL};

/// The size of the buffer: the window and the output of one call.
const BUFFER: usize = 8 * MAX_WINDOW;
/// The least room after the window. With less, the window is moved to the beginning of the buffer.
const ROOM: usize = 2 * MAX_WINDOW;

/// Inflates the messages of one direction of a connection.
pub(crate) struct Inflater {
    coding: Coding,
    core: Box<DecompressorOxide>,
    buffer: Vec<u8>,
    /// The end of the inflated bytes. The window lies before it.
    end: usize,
    /// `true` if the final block was read. As in the original, the bytes after it inflate to
    /// nothing.
    ended: bool,
    /// `true` if a final block ends neither a message nor the stream of messages.
    new_streams: bool,
    references: Option<References>,
}

/// The check of a window that is smaller than the largest one.
struct References {
    reach: Reach,
    /// The compressed bytes of the message.
    compressed: Vec<u8>,
}

/// A compressed message that cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// The bytes violate RFC 1951, or refer to bytes before the stream.
    Malformed,
    /// A reference to bytes before the window.
    Forgotten { distance: usize, window: usize },
}

/// A reference beyond the window whose bytes the decoder still has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BeyondWindow {
    pub(crate) distance: usize,
    pub(crate) window: usize,
}

impl Inflater {
    pub(crate) fn new(coding: Coding) -> Self {
        Self {
            coding,
            core: Box::default(),
            buffer: vec![0; BUFFER],
            end: 0,
            ended: false,
            new_streams: false,
            references: References::needed_for(coding),
        }
    }

    /// Inflates the blocks after a final block, unlike the original: in the same message (RFC 7692
    /// §7.2.1) and in the next one (§7.2.3.4). The window stays.
    pub(crate) fn with_new_streams(self) -> Self {
        let new_streams = true;
        Self {
            new_streams,
            ..self
        }
    }

    /// Begins a compressed message.
    pub(crate) fn begin(&mut self) {
        if !self.coding.context_takeover {
            self.core.init();
            self.end = 0;
            self.ended = false;
            self.references = References::needed_for(self.coding);
        }
        if let Some(references) = &mut self.references {
            references.compressed.clear();
        }
    }

    /// Inflates a piece of the message and appends the result to `out`, up to a length of `limit`.
    pub(crate) fn push(
        &mut self,
        mut piece: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Undecodable> {
        const FLAGS: u32 = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        if let Some(references) = &mut self.references {
            references.collect(piece, limit);
        }
        while out.len() < limit {
            if self.ended && self.new_streams && !piece.is_empty() {
                self.core.init();
                self.ended = false;
            }
            if self.ended {
                break;
            }
            self.make_room();
            let place = self.end;
            let (status, read, written) =
                decompress(&mut self.core, piece, &mut self.buffer, place, FLAGS);
            piece = &piece[read..];
            self.end += written;
            out.extend_from_slice(&self.buffer[place..self.end]);
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => break,
                TINFLStatus::Done => self.ended = true,
                _ => return Err(Undecodable::Malformed),
            }
        }
        Ok(())
    }

    /// Ends the message.
    pub(crate) fn end(
        &mut self,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Option<BeyondWindow>, Undecodable> {
        // Some senders leave out the empty block after a final block.
        if !self.ended {
            self.push(&TAIL, out, limit)?;
        }
        let Some(references) = &mut self.references else {
            return Ok(None);
        };
        let compressed = &references.compressed;
        let worst = references.reach.of_message(compressed, self.new_streams);
        let window = self.coding.window();
        match worst.map_err(|_| Undecodable::Malformed)? {
            None => Ok(None),
            Some(TooFar::StillThere { distance }) => Ok(Some(BeyondWindow { distance, window })),
            Some(TooFar::Forgotten { distance }) => {
                Err(Undecodable::Forgotten { distance, window })
            }
        }
    }

    fn make_room(&mut self) {
        if self.buffer.len() - self.end < ROOM {
            self.buffer.copy_within(self.end - MAX_WINDOW..self.end, 0);
            self.end = MAX_WINDOW;
        }
    }
}

impl References {
    /// Collects compressed bytes for the check. Bytes that inflate to nothing can be endless, so
    /// the number is limited. A message that is cut off here is malformed.
    fn collect(&mut self, piece: &[u8], limit: usize) {
        let room = limit - self.compressed.len().min(limit);
        self.compressed
            .extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn needed_for(coding: Coding) -> Option<Self> {
        // The decoder itself allows the largest window only.
        (coding.window() < MAX_WINDOW).then(|| Self {
            reach: Reach::new(coding.window()),
            compressed: Vec::new(),
        })
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Inflater");
        shown.field("coding", &self.coding).finish_non_exhaustive()
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str(
                "a compressed message cannot be inflated, or refers to bytes before the first one",
            ),
            Self::Forgotten { distance, window } => write!(
                f,
                "a compressed message refers {distance} bytes back, before its own beginning, \
                 but the agreed window has {window}"
            ),
        }
    }
}

impl fmt::Display for BeyondWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { distance, window } = self;
        write!(
            f,
            "a compressed message refers {distance} bytes back, but the agreed window has {window}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

    fn inflater(context_takeover: bool) -> Inflater {
        Inflater::new(Coding {
            window_bits: 15,
            context_takeover,
        })
    }

    fn inflate(inflater: &mut Inflater, bytes: &[u8]) -> Result<Vec<u8>, Undecodable> {
        let mut out = Vec::new();
        inflater.begin();
        for byte in bytes {
            inflater.push(&[*byte], &mut out, usize::MAX)?;
        }
        inflater.end(&mut out, usize::MAX)?;
        Ok(out)
    }

    /// The examples of RFC 7692 §7.2.3.
    #[test]
    fn messages_of_every_form_are_inflated() {
        for bytes in [
            HELLO,
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            assert_eq!(inflate(&mut inflater(true), bytes).unwrap(), b"Hello");
        }
        assert_eq!(inflate(&mut inflater(true), b"\x00").unwrap(), b"");
    }

    #[test]
    fn a_message_refers_to_the_one_before_if_it_may() {
        let again = b"\xf2\x00\x11\x00\x00";
        let mut kept = inflater(true);
        inflate(&mut kept, HELLO).unwrap();
        assert_eq!(inflate(&mut kept, again).unwrap(), b"Hello");
        let mut forgotten = inflater(false);
        inflate(&mut forgotten, HELLO).unwrap();
        assert_eq!(inflate(&mut forgotten, again), Err(Undecodable::Malformed));
    }

    #[test]
    fn nothing_follows_the_last_block_but_in_a_new_context() {
        let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
        for (context_takeover, second) in [(true, &b""[..]), (false, b"Hello")] {
            let mut inflater = inflater(context_takeover);
            inflate(&mut inflater, last).unwrap();
            assert_eq!(inflate(&mut inflater, HELLO).unwrap(), second);
        }
    }

    #[test]
    fn a_new_stream_keeps_the_window() {
        let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
        let again = b"\xf2\x00\x11\x00\x00";
        for window_bits in [9, 15] {
            let mut inflater = Inflater::new(Coding {
                window_bits,
                context_takeover: true,
            })
            .with_new_streams();
            assert_eq!(inflate(&mut inflater, last).unwrap(), b"Hello");
            assert_eq!(inflate(&mut inflater, again).unwrap(), b"Hello");
        }
    }

    #[test]
    fn blocks_behind_a_final_block_belong_to_the_message() {
        let last = &b"\xf3\x48\xcd\xc9\xc9\x07\x00"[..];
        let again = &b"\xf2\x00\x11\x00\x00"[..];
        for window_bits in [9, 15] {
            let coding = Coding {
                window_bits,
                context_takeover: true,
            };
            let mut inflater = Inflater::new(coding).with_new_streams();
            for message in [
                [last, HELLO].concat(),
                [last, again].concat(),
                [last, last, b"\x00"].concat(),
                [last, last].concat(),
            ] {
                assert_eq!(inflate(&mut inflater, &message).unwrap(), b"HelloHello");
            }
            assert_eq!(inflate(&mut inflater, HELLO).unwrap(), b"Hello");
        }
    }

    /// Each message refers to the one before, of which the buffer holds only some.
    #[test]
    fn the_window_moves_within_the_buffer() {
        let coding = Coding {
            window_bits: 15,
            context_takeover: true,
        };
        let mut random = fastrand::Rng::with_seed(7);
        let message: Vec<u8> = (0..30_000).map(|_| random.u8(..)).collect();
        let mut encoder = super::super::encoder::Encoder::new(coding);
        let mut inflater = Inflater::new(coding);
        for _ in 0..2 * BUFFER / message.len() {
            let compressed = encoder.compress(&message);
            let mut out = Vec::new();
            inflater.begin();
            inflater.push(&compressed, &mut out, usize::MAX).unwrap();
            assert_eq!(inflater.end(&mut out, usize::MAX), Ok(None));
            assert!(out == message);
        }
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(
            inflate(&mut inflater(true), b"\x06"),
            Err(Undecodable::Malformed)
        );
    }

    #[test]
    fn bytes_that_stand_for_nothing_do_not_fill_the_memory() {
        let mut inflater = Inflater::new(Coding {
            window_bits: 9,
            context_takeover: true,
        });
        let (mut out, empty_block) = (Vec::new(), [0, 0, 0, 0xff, 0xff]);
        inflater.begin();
        for _ in 0..100 {
            inflater.push(&empty_block, &mut out, 50).unwrap();
        }
        assert_eq!(inflater.references.as_ref().unwrap().compressed.len(), 50);
        assert!(out.is_empty());
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = super::super::encoder::Encoder::new(Coding {
            window_bits: 15,
            context_takeover: true,
        })
        .compress(&vec![0; 16 << 20]);
        let mut out = Vec::new();
        let mut inflater = inflater(true);
        inflater.begin();
        inflater.push(&zeros, &mut out, 1 << 20).unwrap();
        assert!(out.len() < 2 << 20, "{}", out.len());
    }
}
