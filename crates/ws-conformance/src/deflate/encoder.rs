//! Compression of messages (RFC 7692 §7.2.1): LZ77 with hash chains, then blocks of Huffman codes.

use super::Coding;
use super::bits::BitWriter;
use super::block::{Token, write_block, write_stored_header};
use super::symbols::{MAX_MATCH, MIN_MATCH};

/// The largest window.
pub(super) const MAX_WINDOW: usize = 1 << 15;
/// The number of bytes that are kept before bytes outside of the window are dropped.
const KEPT: usize = 16 * MAX_WINDOW;
const HASH_BITS: u32 = 15;
/// The number of places with the same hash that are compared.
const CHAIN: usize = 24;
/// The length of a match that ends the search.
const GOOD_ENOUGH: usize = 64;
/// The longest distance of a match of three bytes. A longer distance has many extra bits, and the
/// match saves nothing.
const FAR: usize = 4096;
/// The most tokens of a block. The statistics of a longer block fit worse.
const BLOCK: usize = 16 * 1024;

/// Compresses the messages of one direction of a connection.
#[derive(Debug)]
pub(crate) struct Encoder {
    coding: Coding,
    /// The latest bytes, up to the end of the message.
    bytes: Vec<u8>,
    /// The place of the first of these bytes in the stream.
    base: usize,
    /// The first place to which a match may refer.
    floor: usize,
    /// The places before this one are in the chains.
    chained: usize,
    /// The latest place for each hash.
    latest: Vec<u32>,
    /// For each place of the largest window, the previous place with the same hash.
    earlier: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Match {
    len: usize,
    distance: usize,
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Self {
        // Places begin beyond the reach of place 0, which fills the tables.
        let base = MAX_WINDOW + 1;
        Self {
            coding,
            bytes: Vec::new(),
            base,
            floor: base,
            chained: base,
            latest: vec![0; 1 << HASH_BITS],
            earlier: vec![0; MAX_WINDOW],
        }
    }

    /// Compresses a message.
    pub(crate) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        self.forget();
        let start = self.end();
        if !self.coding.context_takeover {
            self.floor = start;
        }
        self.bytes.extend_from_slice(message);
        let mut out = BitWriter::default();
        let mut tokens = Tokens {
            list: Vec::with_capacity(BLOCK.min(message.len())),
            written: start,
            end: start,
        };
        self.tokenise(&mut tokens, &mut out);
        self.write(&mut tokens, &mut out);
        write_stored_header(&mut out);
        out.into_bytes()
    }

    /// Returns the place after the last byte.
    fn end(&self) -> usize {
        self.base + self.bytes.len()
    }

    fn forget(&mut self) {
        if self.bytes.len() > KEPT {
            let old = self.bytes.len() - MAX_WINDOW;
            self.bytes.drain(..old);
            self.base += old;
        }
    }

    /// Finds the tokens. A match is delayed by one byte, in case the next place has a longer one.
    fn tokenise(&mut self, tokens: &mut Tokens, out: &mut BitWriter) {
        let (mut place, end) = (tokens.end, self.end());
        let mut put_off: Option<Match> = None;
        while place < end {
            let so_far = put_off.map_or(MIN_MATCH - 1, |found| found.len);
            let found = self.longest_match(place, so_far);
            match (put_off, found) {
                (Some(before), None) => {
                    tokens.again(before);
                    place = tokens.end;
                    put_off = None;
                }
                (None, Some(_)) => {
                    put_off = found;
                    place += 1;
                }
                (Some(_), Some(_)) | (None, None) => {
                    tokens.literal(self.bytes[tokens.end - self.base]);
                    put_off = found;
                    place += 1;
                }
            }
            if tokens.list.len() >= BLOCK {
                self.write(tokens, out);
            }
        }
    }

    /// Writes the tokens as a block.
    fn write(&self, tokens: &mut Tokens, out: &mut BitWriter) {
        if !tokens.list.is_empty() {
            let raw = &self.bytes[tokens.written - self.base..tokens.end - self.base];
            write_block(&tokens.list, raw, out);
            tokens.list.clear();
            tokens.written = tokens.end;
        }
    }

    /// Finds a match for the bytes at `place` that is longer than `so_far`.
    fn longest_match(&mut self, place: usize, so_far: usize) -> Option<Match> {
        self.chain_up_to(place);
        let bytes = &self.bytes[place - self.base..];
        let bytes = &bytes[..bytes.len().min(MAX_MATCH)];
        if bytes.len() <= so_far || so_far >= GOOD_ENOUGH {
            return None;
        }
        let lowest = self.floor.max(place - self.coding.window());
        let mut candidate = self.latest[hash(bytes)] as usize;
        let mut longest = None;
        let mut best = so_far;
        for _ in 0..CHAIN {
            if candidate < lowest {
                break;
            }
            let other = &self.bytes[candidate - self.base..];
            if other[best] == bytes[best] {
                let (len, distance) = (common(bytes, other), place - candidate);
                if len > best && (len > MIN_MATCH || distance <= FAR) {
                    longest = Some(Match { len, distance });
                    best = len;
                    if len >= GOOD_ENOUGH || len == bytes.len() {
                        break;
                    }
                }
            }
            candidate = self.earlier[candidate % MAX_WINDOW] as usize;
        }
        longest
    }

    /// Enters the places before `place` into the chains, if their three bytes are present.
    fn chain_up_to(&mut self, place: usize) {
        let last = self.end().saturating_sub(MIN_MATCH - 1);
        for place in self.chained..place.min(last) {
            let latest = &mut self.latest[hash(&self.bytes[place - self.base..])];
            self.earlier[place % MAX_WINDOW] = *latest;
            *latest = place as u32;
        }
        self.chained = self.chained.max(place.min(last));
    }
}

/// The tokens of a block, and the places of their bytes.
struct Tokens {
    list: Vec<Token>,
    /// The end of the previous block.
    written: usize,
    end: usize,
}

impl Tokens {
    fn literal(&mut self, byte: u8) {
        self.list.push(Token::Literal(byte));
        self.end += 1;
    }

    fn again(&mut self, found: Match) {
        self.list.push(Token::again(found.len, found.distance));
        self.end += found.len;
    }
}

/// Returns the hash of the first three bytes.
fn hash(bytes: &[u8]) -> usize {
    let three = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (three.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// Returns the length of the common beginning.
fn common(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let (a_words, a_rest) = a.as_chunks::<8>();
    let (b_words, b_rest) = b.as_chunks::<8>();
    for (n, (a, b)) in a_words.iter().zip(b_words).enumerate() {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return n * 8 + differing.trailing_zeros() as usize / 8;
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    len - a_rest.len() + rest.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;
