//! The octets that every connection sends: some messages, prepared once, over and over again.

use crate::content::Content;
use crate::deflate;

/// The longest ring of prepared messages, in octets of payload, unless one message is longer.
const RING_LEN: usize = 2 << 20;

/// The most messages in a ring.
const RING_MESSAGES: usize = 64;

/// What the messages are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) content: Content,
    pub(crate) len: usize,
}

/// How messages are compressed, if they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Off,
    /// With context takeover, or each message for itself.
    On {
        takeover: bool,
    },
}

/// A ring of prepared messages. Position `n` is octet number `n` of the endless repetition of the
/// ring.
pub(crate) struct Traffic {
    messages: Vec<Vec<u8>>,
    /// The ring, and its beginning once more: from any message on, `ahead` messages are in one piece.
    octets: Vec<u8>,
    /// Where each message of the ring begins, and behind the last one its length.
    starts: Vec<usize>,
}

impl Traffic {
    /// Up to `ahead` messages can be written at once.
    pub(crate) fn new(kind: Kind, compression: Compression, ahead: usize) -> Self {
        let count = (RING_LEN / kind.len.max(1)).clamp(1, RING_MESSAGES);
        let messages: Vec<_> = (0..count)
            .map(|index| kind.content.message(index, kind.len))
            .collect();
        let payloads = match compression {
            Compression::Off => messages.clone(),
            Compression::On { takeover } => deflate::compress(&messages, takeover),
        };
        let mut octets = Vec::new();
        let mut starts = vec![0];
        for (index, payload) in payloads.iter().enumerate() {
            let compressed = compression != Compression::Off;
            push_frame(
                &mut octets,
                kind.content.is_text(),
                compressed,
                index as u32,
                payload,
            );
            starts.push(octets.len());
        }
        let len = octets.len();
        for at in 0..ahead {
            let from = starts[at % count];
            octets.extend_from_within(from..starts[at % count + 1]);
        }
        debug_assert!(octets.len() >= len);
        Self {
            messages,
            octets,
            starts,
        }
    }

    /// What message number `index` says.
    pub(crate) fn message(&self, index: usize) -> &[u8] {
        &self.messages[index % self.messages.len()]
    }

    /// How many messages the ring has.
    pub(crate) fn ring_messages(&self) -> usize {
        self.messages.len()
    }

    /// The position behind the first `messages` messages.
    pub(crate) fn position_after(&self, messages: u64) -> u64 {
        let ring = self.messages.len() as u64;
        let rest = (messages % ring) as usize;
        messages / ring * self.ring_len() + self.starts[rest] as u64
    }

    /// The octets from `position` up to `end`, or the first part of them.
    pub(crate) fn slice(&self, position: u64, end: u64) -> &[u8] {
        let from = (position % self.ring_len()) as usize;
        let wanted = usize::try_from(end - position).unwrap_or(usize::MAX);
        let len = wanted.min(self.octets.len() - from);
        &self.octets[from..from + len]
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
    const FIN: u8 = 0x80;
    const RSV1: u8 = 0x40;
    const MASKED: u8 = 0x80;
    let rsv1 = if compressed { RSV1 } else { 0 };
    out.push(FIN | rsv1 | if is_text { 1 } else { 2 });
    match payload.len() {
        len @ ..126 => out.push(MASKED | len as u8),
        len @ ..65_536 => {
            out.push(MASKED | 126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(MASKED | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    // Keys are different, and no secret here.
    let key = index
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9)
        .to_be_bytes();
    out.extend(key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(octet, key)| octet ^ key),
    );
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
    fn positions_count_frames_of_the_endless_ring() {
        let traffic = traffic(20, 64);
        assert_eq!(traffic.ring_messages(), 64);
        for messages in [0, 1, 63, 64, 65, 1_000_003] {
            assert_eq!(traffic.position_after(messages), messages * 26);
        }
    }

    #[test]
    fn any_messages_ahead_are_in_one_piece() {
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
    fn the_ring_repeats_itself() {
        let traffic = traffic(1024, 3);
        let (first, end) = (traffic.position_after(0), traffic.position_after(1));
        let (again, again_end) = (traffic.position_after(64), traffic.position_after(65));
        assert_eq!(traffic.slice(first, end), traffic.slice(again, again_end));
        let next = traffic.slice(end, traffic.position_after(2));
        assert_ne!(traffic.slice(first, end), next);
    }

    #[test]
    fn long_messages_make_a_short_ring() {
        assert_eq!(traffic(65_536, 4).ring_messages(), 32);
        assert_eq!(traffic(5 << 20, 1).ring_messages(), 1);
    }

    #[test]
    fn frames_are_masked_and_have_the_shortest_length_form() {
        for (len, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut frame = Vec::new();
            push_frame(&mut frame, false, true, 1, &vec![0; len]);
            assert_eq!(frame.len(), header + 4 + len);
            assert_eq!(frame[0], 0xC2);
            assert_eq!(frame[header..header + 4], frame[header + 4..header + 8]);
        }
    }
}
