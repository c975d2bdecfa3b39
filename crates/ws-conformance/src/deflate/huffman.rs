//! Huffman codes (RFC 1951 §3.2.2) for writing and reading.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bits::{BitReader, BitWriter};

/// The longest code.
pub(super) const MAX_BITS: usize = 15;

/// Returns the length of each symbol's code. Frequent symbols have short codes, and no code is
/// longer than `limit`. Symbols that do not occur have no code. There are always two codes, because
/// some decoders refuse fewer.
pub(super) fn code_lengths(frequencies: &[u32], limit: usize) -> Vec<u8> {
    let mut frequencies = frequencies.to_vec();
    for symbol in 0..2 {
        if frequencies.iter().filter(|&&count| count > 0).count() < 2 {
            frequencies[symbol] = frequencies[symbol].max(1);
        }
    }
    loop {
        let lengths = depths(&frequencies);
        if lengths.iter().all(|&len| usize::from(len) <= limit) {
            return lengths;
        }
        // Flatter frequencies result in a flatter tree.
        for count in frequencies.iter_mut().filter(|count| **count > 0) {
            *count = *count / 2 + 1;
        }
    }
}

/// Returns the depth of each symbol in the Huffman tree, which joins the two rarest nodes
/// repeatedly.
fn depths(frequencies: &[u32]) -> Vec<u8> {
    let symbols = frequencies.iter().enumerate();
    let used = symbols.filter(|(_, count)| **count > 0);
    let mut rarest: BinaryHeap<_> = used.map(|(node, &count)| Reverse((count, node))).collect();
    // The nodes after the symbols are inner nodes. A parent comes after its children.
    let mut parents = vec![0; frequencies.len()];
    while let (Some(Reverse((a, left))), Some(Reverse((b, right)))) = (rarest.pop(), rarest.pop()) {
        let joint = parents.len();
        parents.push(0);
        parents[left] = joint;
        parents[right] = joint;
        rarest.push(Reverse((a + b, joint)));
        if rarest.len() == 1 {
            break;
        }
    }
    let mut depths = vec![0_u8; parents.len()];
    for node in (0..parents.len() - 1).rev() {
        if parents[node] > 0 {
            depths[node] = depths[parents[node]] + 1;
        }
    }
    depths.truncate(frequencies.len());
    depths
}

/// The codes of these lengths, for writing.
#[derive(Clone, Debug)]
pub(super) struct Codes(Vec<(u16, u8)>);

impl Codes {
    pub(super) fn new(lengths: &[u8]) -> Self {
        let mut next = first_codes(&counts(lengths));
        let code = |&len: &u8| {
            let next = &mut next[usize::from(len)];
            let code = *next;
            *next += 1;
            // Codes are written from their highest bit on.
            let reversed = code.reverse_bits().checked_shr(16 - u32::from(len));
            (reversed.unwrap_or(0), len)
        };
        Self(lengths.iter().map(code).collect())
    }

    pub(super) fn write(&self, symbol: usize, out: &mut BitWriter) {
        let (code, len) = self.0[symbol];
        out.put(code.into(), len.into());
    }

    /// Returns the length of a code in bits.
    pub(super) fn len(&self, symbol: usize) -> u32 {
        self.0[symbol].1.into()
    }
}

/// The codes of these lengths, for reading.
#[derive(Debug)]
pub(super) struct Decoder {
    counts: [u16; MAX_BITS + 1],
    /// The symbols in order of their codes.
    symbols: Vec<u16>,
}

impl Decoder {
    /// Builds the codes. Returns `None` if there are more codes than their lengths allow.
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let counts = counts(lengths);
        let mut left = 1_i32;
        for &count in &counts[1..] {
            left = left * 2 - i32::from(count);
            if left < 0 {
                return None;
            }
        }
        let mut symbols: Vec<u16> = (0..lengths.len() as u16).collect();
        symbols.retain(|&symbol| lengths[usize::from(symbol)] > 0);
        symbols.sort_by_key(|&symbol| lengths[usize::from(symbol)]);
        Some(Self { counts, symbols })
    }

    /// Reads the next symbol, bit by bit. The codes of one length are consecutive numbers.
    pub(super) fn read(&self, bits: &mut BitReader<'_>) -> Option<usize> {
        let mut ahead = bits.peek();
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for len in 1..=MAX_BITS {
            let count = u32::from(self.counts[len]);
            code |= ahead & 1;
            ahead >>= 1;
            if code < first + count {
                bits.skip(len as u32)?;
                return Some(self.symbols[(index + code - first) as usize].into());
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// Returns the number of codes of each length, without length 0.
fn counts(lengths: &[u8]) -> [u16; MAX_BITS + 1] {
    let mut counts = [0; MAX_BITS + 1];
    for &len in lengths.iter().filter(|len| **len > 0) {
        counts[usize::from(len)] += 1;
    }
    counts
}

fn first_codes(counts: &[u16; MAX_BITS + 1]) -> [u16; MAX_BITS + 1] {
    let mut first = [0; MAX_BITS + 1];
    for len in 1..=MAX_BITS {
        first[len] = (first[len - 1] + counts[len - 1]) << 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(frequencies: &[u32], limit: usize) {
        let lengths = code_lengths(frequencies, limit);
        assert!(lengths.iter().all(|&len| usize::from(len) <= limit));
        let codes = Codes::new(&lengths);
        let decoder = Decoder::new(&lengths).unwrap();
        let symbols = || (0..frequencies.len()).filter(|&symbol| frequencies[symbol] > 0);
        let mut writer = BitWriter::default();
        symbols().for_each(|symbol| codes.write(symbol, &mut writer));
        let bytes = writer.into_bytes();
        let mut reader = BitReader::new(&bytes);
        for symbol in symbols() {
            assert_eq!(decoder.read(&mut reader), Some(symbol));
        }
    }

    #[test]
    fn symbols_are_read_as_they_are_written() {
        round_trip(&[5, 1, 0, 7, 1, 1], 15);
        round_trip(&[1; 286], 15);
        round_trip(&[0, 0, 9], 7);
    }

    #[test]
    fn no_code_is_longer_than_the_limit() {
        let steep: Vec<u32> = (0..25).map(|n| 1 << n).collect();
        assert!(depths(&steep).contains(&24));
        round_trip(&steep, 15);
        round_trip(&steep[..19], 7);
        let unused = [&steep[..], &[0]].concat();
        assert_eq!(code_lengths(&unused, 15).last(), Some(&0));
    }

    #[test]
    fn there_are_always_two_codes() {
        assert_eq!(code_lengths(&[0; 30], 15)[..3], [1, 1, 0]);
        assert_eq!(code_lengths(&[4, 0], 15), [1, 1]);
        assert_eq!(code_lengths(&[0, 0, 4, 4], 15), [0, 0, 1, 1]);
    }

    #[test]
    fn too_many_codes_are_refused() {
        assert!(Decoder::new(&[1, 1, 1]).is_none());
        assert!(Decoder::new(&[1, 2, 2]).is_some());
    }
}
