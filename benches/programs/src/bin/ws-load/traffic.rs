//! The data that every connection sends: a ring of messages. The ring is prepared once and sent
//! repeatedly.

use crate::deflate;
use ws_bench_programs::content::Content;

/// The longest ring of prepared messages, in bytes of payload. A longer message is alone in its
/// ring.
const RING_LEN: usize = 2 << 20;

/// The largest number of messages in a ring.
const RING_MESSAGES: usize = 64;

/// The opcode of a Ping.
const PING: u8 = 9;

/// The content and the length of the messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) content: Content,
    pub(crate) len: usize,
}

/// The compression of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Off,
    On {
        /// `true` if a message may refer to the messages before it.
        takeover: bool,
    },
}

/// A ring of prepared messages. Position `n` is byte number `n` of the endless repetition of the
/// ring.
pub(crate) struct Traffic {
    /// The payloads before compression.
    messages: Vec<Vec<u8>>,
    /// The frames of the ring, followed by a copy of its first `ahead` frames. So the `ahead`
    /// frames that begin at any frame of the ring are contiguous.
    bytes: Vec<u8>,
    /// The position of each frame in the ring, followed by the length of the ring in bytes.
    starts: Vec<usize>,
}

impl Traffic {
    /// Prepares the messages. Up to `ahead` messages can be written at once.
    pub(crate) fn new(kind: Kind, compression: Compression, ahead: usize) -> Self {
        let count = (RING_LEN / kind.len.max(1)).clamp(1, RING_MESSAGES);
        let messages: Vec<_> = (0..count)
            .map(|index| kind.content.message(index, kind.len))
            .collect();
        let payloads = match compression {
            Compression::Off => messages.clone(),
            Compression::On { takeover } => deflate::compress(&messages, takeover),
        };
        let frames = payloads.iter().enumerate().map(|(index, payload)| {
            let compressed = compression != Compression::Off;
            let mut frame = Vec::new();
            push_frame(
                &mut frame,
                kind.content.is_text(),
                compressed,
                index as u32,
                payload,
            );
            frame
        });
        Self::of_frames(frames, messages, ahead)
    }

    /// Prepares a ring of one text, which follows `pings` Pings.
    pub(crate) fn of_pings(pings: usize, ahead: usize) -> Self {
        let text = Content::Ascii.message(0, 20);
        let mut frames = Vec::new();
        for index in 0..pings {
            push_masked(&mut frames, PING, false, index as u32, &text);
        }
        push_frame(&mut frames, true, false, 0, &text);
        Self::of_frames([frames].into_iter(), vec![text], ahead)
    }

    fn of_frames(
        frames: impl Iterator<Item = Vec<u8>>,
        messages: Vec<Vec<u8>>,
        ahead: usize,
    ) -> Self {
        let mut bytes = Vec::new();
        let mut starts = vec![0];
        for frame in frames {
            bytes.extend(frame);
            starts.push(bytes.len());
        }
        let count = messages.len();
        for at in 0..ahead {
            let from = starts[at % count];
            bytes.extend_from_within(from..starts[at % count + 1]);
        }
        Self {
            messages,
            bytes,
            starts,
        }
    }

    /// Returns the uncompressed payload of message number `index`.
    pub(crate) fn message(&self, index: usize) -> &[u8] {
        &self.messages[index % self.messages.len()]
    }

    /// Returns the number of messages in the ring.
    pub(crate) fn ring_messages(&self) -> usize {
        self.messages.len()
    }

    /// Returns the position after the first `messages` messages.
    pub(crate) fn position_after(&self, messages: u64) -> u64 {
        let ring = self.messages.len() as u64;
        let rest = (messages % ring) as usize;
        messages / ring * self.ring_len() + self.starts[rest] as u64
    }

    /// Returns the bytes from `position` to `end`, or as many of them as are contiguous in memory.
    pub(crate) fn slice(&self, position: u64, end: u64) -> &[u8] {
        let from = (position % self.ring_len()) as usize;
        let wanted = usize::try_from(end - position).unwrap_or(usize::MAX);
        let len = wanted.min(self.bytes.len() - from);
        &self.bytes[from..from + len]
    }

    /// Returns the number of messages in the first `bytes` bytes, with a part of the last one.
    pub(crate) fn messages_in(&self, bytes: u64) -> f64 {
        bytes as f64 / self.ring_len() as f64 * self.messages.len() as f64
    }

    fn ring_len(&self) -> u64 {
        self.starts[self.messages.len()] as u64
    }
}

/// Appends one message as one masked frame (RFC 6455 §5.2).
pub(crate) fn push_frame(
    out: &mut Vec<u8>,
    is_text: bool,
    compressed: bool,
    index: u32,
    payload: &[u8],
) {
    push_masked(out, data_opcode(is_text), compressed, index, payload);
}

fn push_masked(out: &mut Vec<u8>, opcode: u8, compressed: bool, index: u32, payload: &[u8]) {
    push_header(out, opcode, compressed, true, payload.len());
    // The masking keys differ, but need not be unpredictable in a benchmark.
    let key = index
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9)
        .to_be_bytes();
    out.extend(key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// Returns one message as a server sends it: in one frame, without a mask.
pub(crate) fn unmasked_frame(is_text: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    push_header(
        &mut frame,
        data_opcode(is_text),
        false,
        false,
        payload.len(),
    );
    frame.extend(payload);
    frame
}

fn data_opcode(is_text: bool) -> u8 {
    if is_text { 1 } else { 2 }
}

fn push_header(out: &mut Vec<u8>, opcode: u8, compressed: bool, masked: bool, len: usize) {
    const FIN: u8 = 0x80;
    const RSV1: u8 = 0x40;
    const MASKED: u8 = 0x80;
    let rsv1 = if compressed { RSV1 } else { 0 };
    let mask = if masked { MASKED } else { 0 };
    out.push(FIN | rsv1 | opcode);
    match len {
        ..126 => out.push(mask | len as u8),
        126..65_536 => {
            out.push(mask | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(len: usize, ahead: usize) -> Traffic {
        let kind = Kind {
            content: Content::Ascii,
            len,
        };
        Traffic::new(kind, Compression::Off, ahead)
    }

    #[test]
    fn a_position_counts_the_bytes_of_all_frames() {
        let traffic = traffic(20, 64);
        assert_eq!(traffic.ring_messages(), 64);
        for messages in [0, 1, 63, 64, 65, 1_000_003] {
            assert_eq!(traffic.position_after(messages), messages * 26);
        }
    }

    #[test]
    fn messages_ahead_are_contiguous_from_any_message() {
        let traffic = traffic(20, 64);
        for first in [0, 1, 63, 64, 100] {
            let (from, to) = (
                traffic.position_after(first),
                traffic.position_after(first + 64),
            );
            let slice = traffic.slice(from, to);
            assert_eq!(slice.len(), 64 * 26);
            assert_eq!(slice[..2], [0x81, 0x80 | 20]);
        }
    }

    #[test]
    fn the_ring_repeats() {
        let traffic = traffic(1024, 3);
        let (first, end) = (traffic.position_after(0), traffic.position_after(1));
        let (again, again_end) = (traffic.position_after(64), traffic.position_after(65));
        assert_eq!(traffic.slice(first, end), traffic.slice(again, again_end));
        let next = traffic.slice(end, traffic.position_after(2));
        assert_ne!(traffic.slice(first, end), next);
    }

    #[test]
    fn a_ring_of_long_messages_has_fewer_messages() {
        assert_eq!(traffic(65_536, 4).ring_messages(), 32);
        assert_eq!(traffic(5 << 20, 1).ring_messages(), 1);
    }

    #[test]
    fn pings_and_a_text_are_one_message() {
        let traffic = Traffic::of_pings(3, 2);
        assert_eq!(traffic.ring_messages(), 1);
        let batch = traffic.slice(0, traffic.position_after(1));
        let opcodes: Vec<_> = batch.chunks(26).map(|frame| frame[0] & 0x0F).collect();
        assert_eq!(opcodes, [PING, PING, PING, 1]);
        assert_eq!(traffic.messages_in(batch.len() as u64 * 5 / 2), 2.5);
    }

    #[test]
    fn frames_have_the_shortest_length_form() {
        for (len, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut frame = Vec::new();
            push_frame(&mut frame, false, true, 1, &vec![0; len]);
            assert_eq!(frame.len(), header + 4 + len);
            assert_eq!(frame[0], 0xC2);
            assert_eq!(frame[header..header + 4], frame[header + 4..header + 8]);

            let unmasked = unmasked_frame(true, &vec![7; len]);
            assert_eq!(unmasked.len(), header + len);
            assert_eq!((unmasked[0], unmasked[1] & 0x80), (0x81, 0));
        }
    }
}
