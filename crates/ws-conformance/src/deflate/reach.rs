//! The distances of references in compressed bytes, without inflating them.

use super::bits::BitReader;
use super::huffman::Decoder;
use super::symbols::{DISTANCES, END_OF_BLOCK, LENGTH_ORDER, LITERALS, distance, length};

/// The reach of the references of a stream.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    window: usize,
    /// The number of bytes of the stream before the message.
    before: usize,
    /// The number of bytes of the message so far.
    len: usize,
    /// `true` if the final block of the stream was read. Bytes after it are ignored.
    ended: bool,
}

/// A reference beyond the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooFar {
    /// A decoder that keeps only the window no longer has the bytes.
    Forgotten { distance: usize },
    /// The decoder still has the bytes.
    StillThere { distance: usize },
}

/// The bytes violate RFC 1951.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Reach {
    pub(super) fn new(window: usize) -> Self {
        Self {
            window,
            before: 0,
            len: 0,
            ended: false,
        }
    }

    /// Returns the worst reference of a complete message, which includes its [`TAIL`](super::TAIL).
    /// With `new_streams`, blocks after a final block are read.
    pub(super) fn of_message(
        &mut self,
        bytes: &[u8],
        new_streams: bool,
    ) -> Result<Option<TooFar>, Malformed> {
        self.before += std::mem::take(&mut self.len);
        let mut bits = BitReader::new(bytes);
        let mut worst = None;
        while !self.ended
            && let Some(last) = bits.take(1)
        {
            self.ended = last == 1 && !new_streams;
            match bits.take(2).ok_or(Malformed)? {
                0 => self.stored(&mut bits)?,
                1 => {
                    let literals: Vec<u8> = (0..288).map(fixed_length).collect();
                    self.block(&mut bits, &literals, &[5; DISTANCES], &mut worst)?;
                }
                2 => {
                    let (literals, distances) = code_lengths(&mut bits).ok_or(Malformed)?;
                    self.block(&mut bits, &literals, &distances, &mut worst)?;
                }
                _ => return Err(Malformed),
            }
            if last == 1 {
                bits.align();
            }
        }
        Ok(worst)
    }

    fn stored(&mut self, bits: &mut BitReader<'_>) -> Result<(), Malformed> {
        bits.align();
        let len = bits.take(16).ok_or(Malformed)?;
        bits.take(16).ok_or(Malformed)?;
        for _ in 0..len {
            bits.take(8).ok_or(Malformed)?;
        }
        self.len += len as usize;
        Ok(())
    }

    fn block(
        &mut self,
        bits: &mut BitReader<'_>,
        literals: &[u8],
        distances: &[u8],
        worst: &mut Option<TooFar>,
    ) -> Result<(), Malformed> {
        let literals = Decoder::new(literals).ok_or(Malformed)?;
        let distances = Decoder::new(distances).ok_or(Malformed)?;
        loop {
            let symbol = literals.read(bits).ok_or(Malformed)?;
            match symbol {
                0..END_OF_BLOCK => self.len += 1,
                END_OF_BLOCK => return Ok(()),
                _ => {
                    let (len, extra) = length(symbol).ok_or(Malformed)?;
                    let len = len + bits.take(extra).ok_or(Malformed)? as usize;
                    let symbol = distances.read(bits).ok_or(Malformed)?;
                    let (base, extra) = distance(symbol).ok_or(Malformed)?;
                    let distance = base + bits.take(extra).ok_or(Malformed)? as usize;
                    *worst = (*worst).max(self.judge(distance));
                    self.len += len;
                }
            }
        }
    }

    /// Judges a distance as the original does. The decoder of the original keeps the window, and
    /// the bytes that it has written since its last call. Each call has room for as much as all
    /// earlier calls for the message had, and for 16 KiB at first.
    fn judge(&self, distance: usize) -> Option<TooFar> {
        const FIRST_CALL: usize = 16 * 1024;
        if distance <= self.window {
            return None;
        }
        let called_at = match self.len / FIRST_CALL {
            0 => 0,
            calls => FIRST_CALL << calls.ilog2(),
        };
        let kept = self.window.min(self.before + called_at);
        Some(match distance > self.len - called_at + kept {
            true => TooFar::Forgotten { distance },
            false => TooFar::StillThere { distance },
        })
    }
}

impl TooFar {
    fn rank(self) -> (bool, usize) {
        match self {
            Self::Forgotten { distance } => (true, distance),
            Self::StillThere { distance } => (false, distance),
        }
    }
}

impl Ord for TooFar {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for TooFar {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns the length of a fixed code (RFC 1951 §3.2.6).
fn fixed_length(symbol: usize) -> u8 {
    match symbol {
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// Reads the code lengths of a dynamic block (RFC 1951 §3.2.7).
fn code_lengths(bits: &mut BitReader<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let mut run_lengths = [0; LENGTH_ORDER.len()];
    for &order in &LENGTH_ORDER[..bits.take(4)? as usize + 4] {
        run_lengths[order] = bits.take(3)? as u8;
    }
    let runs = Decoder::new(&run_lengths)?;
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (len, count) = match runs.read(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            len => (len as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(len, count as usize));
    }
    let fits = lengths.len() == literals + distances && literals <= LITERALS;
    let distances = lengths.split_off(literals);
    fits.then_some((lengths, distances))
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitWriter;
    use super::super::encoder::Encoder;
    use super::super::{Coding, TAIL};
    use super::*;

    /// Returns the worst references of messages that were compressed with a window of 15 bits.
    fn worst(window: usize, messages: &[&[u8]], context_takeover: bool) -> Vec<Option<TooFar>> {
        let mut encoder = Encoder::new(Coding {
            window_bits: 15,
            context_takeover,
        });
        let mut reach = Reach::new(window);
        let mut walk = |message: &&[u8]| {
            let bytes = [&*encoder.compress(message), &TAIL].concat();
            let worst = reach.of_message(&bytes, false).unwrap();
            assert_eq!(reach.len, message.len());
            worst
        };
        messages.iter().map(&mut walk).collect()
    }

    fn noise(len: usize, mut state: u32) -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn a_reference_beyond_the_window_is_seen() {
        let message = [noise(600, 1), noise(100, 1)].concat();
        assert_eq!(worst(1024, &[&message], true), [None]);
        let still = TooFar::StillThere { distance: 600 };
        assert_eq!(worst(512, &[&message], true), [Some(still)]);
    }

    #[test]
    fn a_reference_beyond_the_window_and_before_the_message_leads_nowhere() {
        let (first, filler) = (noise(100, 1), noise(500, 2));
        let messages: [&[u8]; 3] = [&first, &filler, &first];
        let forgotten = TooFar::Forgotten { distance: 600 };
        assert_eq!(worst(512, &messages, true), [None, None, Some(forgotten)]);
        assert_eq!(worst(512, &messages, false), [None; 3]);
    }

    #[test]
    fn a_long_message_is_inflated_in_several_calls() {
        let message = [noise(16 * 1024, 1), noise(16 * 1024, 1)].concat();
        let forgotten = TooFar::Forgotten {
            distance: 16 * 1024,
        };
        assert_eq!(worst(512, &[&message], true), [Some(forgotten)]);
    }

    #[test]
    fn what_is_kept_depends_on_the_calls_before() {
        const CALL: usize = 16 * 1024;
        // A message of noise whose end is that of its first bytes that are `distance` back.
        let again = |len: usize, distance: usize| {
            let noise = noise(len, 1);
            [&noise[..], &noise[len - distance..][..100]].concat()
        };
        for (len, distance, expected) in [
            (CALL + 100, 600, TooFar::StillThere { distance: 600 }),
            (CALL + 100, 700, TooFar::Forgotten { distance: 700 }),
            (2 * CALL + 2048, 8192, TooFar::Forgotten { distance: 8192 }),
        ] {
            assert_eq!(worst(512, &[&again(len, distance)], true), [Some(expected)]);
        }
        let first = noise(600, 1);
        let second = [&noise(200, 2)[..], &first[200..300]].concat();
        let still = TooFar::StillThere { distance: 600 };
        assert_eq!(worst(512, &[&first, &second], true), [None, Some(still)]);
    }

    /// A block that has just an end. `zeros` are the code lengths of zero behind the one of the
    /// end, and `literals` is how many more of them there are than 257.
    fn dynamic(literals: u32, zeros: Option<u32>) -> Vec<u8> {
        let mut out = BitWriter::default();
        out.put(1 | 2 << 1, 3);
        out.put(literals, 5);
        out.put(0, 5);
        out.put(14, 4);
        // The run of zeros, 18, has the code 1. The length 1 has the code 0.
        let order = &LENGTH_ORDER[..18];
        order
            .iter()
            .for_each(|&order| out.put(u32::from(matches!(order, 1 | 18)), 3));
        let run = |zeros: u32| (1 | (zeros - 11) << 1, 8);
        let lengths = [run(138), run(118), (0, 1)].into_iter();
        for (bits, count) in lengths.chain(zeros.map(run)).chain([(0, 1)]) {
            out.put(bits, count);
        }
        out.put(0, 1);
        out.into_bytes()
    }

    #[test]
    fn there_are_as_many_code_lengths_as_announced() {
        let walk = |bytes: &[u8]| Reach::new(512).of_message(bytes, false);
        assert_eq!(walk(&dynamic(0, None)), Ok(None));
        assert_eq!(walk(&dynamic(20, Some(20))), Ok(None));
        assert_eq!(walk(&dynamic(0, Some(11))), Err(Malformed));
        assert_eq!(walk(&dynamic(30, Some(30))), Err(Malformed));
    }

    #[test]
    fn garbage_is_malformed() {
        let walk = |bytes: &[u8]| Reach::new(512).of_message(bytes, false);
        assert_eq!(walk(b"\x06"), Err(Malformed));
        assert_eq!(walk(b"\x04\xff\xff\xff"), Err(Malformed));
        assert_eq!(walk(b"\xf2\x48"), Err(Malformed));
        assert_eq!(
            walk(b"\x03\x00\x06"),
            Ok(None),
            "nothing follows the last block"
        );
    }
}
