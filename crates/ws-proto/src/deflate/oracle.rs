//! A reference decompressor for tests (RFC 1951). It shares no code with the codec, and records
//! distances and block types.

use alloc::vec::Vec;

/// The output of a series of DEFLATE blocks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Inflated {
    /// The decompressed bytes, without the given window.
    pub(super) output: Vec<u8>,
    pub(super) max_distance: usize,
    /// The type of every block.
    pub(super) blocks: Vec<u8>,
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<usize> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Some(bit.into())
    }

    fn bits(&mut self, count: usize) -> Option<usize> {
        (0..count).try_fold(0, |value, shift| Some(value | self.bit()? << shift))
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// A canonical Huffman code (RFC 1951 §3.2.2).
struct Code {
    /// The number of codes of each length.
    counts: [usize; 16],
    /// The symbols in the order of their codes.
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        for &length in lengths {
            counts[length] += usize::from(length > 0);
        }
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|&s| lengths[s] > 0).collect();
        symbols.sort_by_key(|&s| lengths[s]);
        Self { counts, symbols }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &self.counts[1..] {
            code |= bits.bit()?;
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

const LENGTH_BASE: [usize; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const LENGTH_BITS: [usize; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];

/// Decompresses complete DEFLATE blocks. References may reach into `window`. Returns `None` if the
/// blocks are malformed or incomplete.
pub(super) fn inflate(bytes: &[u8], window: &[u8]) -> Option<Inflated> {
    let mut bits = Bits { bytes, at: 0 };
    let mut inflated = Inflated {
        output: window.to_vec(),
        ..Inflated::default()
    };
    while bits.at.div_ceil(8) < bytes.len() {
        let last = bits.bit()?;
        let kind = bits.bits(2)?;
        inflated.blocks.push(kind as u8);
        match kind {
            0 => stored(&mut bits, &mut inflated.output)?,
            1 => {
                let (symbols, distances) = fixed();
                compressed(&mut bits, &symbols, &distances, &mut inflated)?;
            }
            2 => {
                let (symbols, distances) = dynamic(&mut bits)?;
                compressed(&mut bits, &symbols, &distances, &mut inflated)?;
            }
            _ => return None,
        }
        if last == 1 {
            bits.align();
        }
    }
    inflated.output.drain(..window.len());
    Some(inflated)
}

fn stored(bits: &mut Bits<'_>, output: &mut Vec<u8>) -> Option<()> {
    bits.align();
    let len = bits.bits(16)?;
    if bits.bits(16)? != len ^ 0xffff {
        return None;
    }
    let start = bits.at / 8;
    output.extend_from_slice(bits.bytes.get(start..start + len)?);
    bits.at += len * 8;
    Some(())
}

fn fixed() -> (Code, Code) {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    (Code::new(&lengths), Code::new(&[5; 30]))
}

fn dynamic(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let symbols = bits.bits(5)? + 257;
    let distances = bits.bits(5)? + 1;
    let count = bits.bits(4)? + 4;
    let mut lengths = [0; 19];
    for &place in &ORDER[..count] {
        lengths[place] = bits.bits(3)?;
    }
    let code = Code::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < symbols + distances {
        let (value, times) = match code.symbol(bits)? {
            16 => (*lengths.last()?, 3 + bits.bits(2)?),
            17 => (0, 3 + bits.bits(3)?),
            18 => (0, 11 + bits.bits(7)?),
            length => (length, 1),
        };
        lengths.extend(core::iter::repeat_n(value, times));
    }
    let (symbols, distances) = lengths.split_at(symbols);
    Some((Code::new(symbols), Code::new(distances)))
}

fn compressed(
    bits: &mut Bits<'_>,
    symbols: &Code,
    distances: &Code,
    inflated: &mut Inflated,
) -> Option<()> {
    loop {
        match symbols.symbol(bits)? {
            symbol @ 0..256 => inflated.output.push(symbol as u8),
            256 => return Some(()),
            symbol => {
                let length =
                    LENGTH_BASE.get(symbol - 257)? + bits.bits(LENGTH_BITS[symbol - 257])?;
                let distance = distance(bits, distances)?;
                inflated.max_distance = inflated.max_distance.max(distance);
                for _ in 0..length {
                    let from = inflated.output.len().checked_sub(distance)?;
                    inflated.output.push(inflated.output[from]);
                }
            }
        }
    }
}

fn distance(bits: &mut Bits<'_>, code: &Code) -> Option<usize> {
    let symbol = code.symbol(bits)?;
    let extra = (symbol / 2).saturating_sub(1);
    let base = if symbol < 2 {
        symbol
    } else {
        (2 + symbol % 2) << extra
    };
    Some(1 + base + bits.bits(extra)?)
}
