//! Blocks (RFC 1951 §3.2.3 to §3.2.7), each in its shortest form.

use std::sync::LazyLock;

use super::bits::BitWriter;
use super::huffman::{Codes, MAX_BITS, code_lengths};
use super::symbols::{
    DISTANCES, END_OF_BLOCK, LENGTH_ORDER, LITERALS, Symbol, of_distance, of_length,
};

/// The longest code for the length of a code.
const MAX_LENGTH_BITS: usize = 7;
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;
/// The longest stored block.
const MAX_STORED: usize = 65_535;

/// A byte, or a reference to earlier bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Literal(u8),
    Match { len: u16, distance: u16 },
}

impl Token {
    /// Creates a reference to `len` bytes, `distance` bytes back. The field stores the distance
    /// minus one.
    pub(super) fn again(len: usize, distance: usize) -> Self {
        Self::Match {
            len: len as u16,
            distance: (distance - 1) as u16,
        }
    }

    /// Returns the symbol of a literal or length, and that of a distance.
    fn symbols(self) -> (Symbol, Option<Symbol>) {
        match self {
            Self::Literal(byte) => {
                let literal = Symbol {
                    symbol: byte.into(),
                    extra_bits: 0,
                    extra: 0,
                };
                (literal, None)
            }
            Self::Match { len, distance } => (
                of_length(len.into()),
                Some(of_distance(usize::from(distance) + 1)),
            ),
        }
    }
}

/// The codes of a block.
struct Tables {
    literals: Codes,
    distances: Codes,
}

/// The codes of §3.2.6.
static FIXED_TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let lengths = |symbol: usize| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    };
    let literals: Vec<u8> = (0..288).map(lengths).collect();
    Tables {
        literals: Codes::new(&literals),
        distances: Codes::new(&[5; DISTANCES]),
    }
});

/// Writes the tokens of the bytes `raw` as a non-final block.
pub(super) fn write_block(tokens: &[Token], raw: &[u8], out: &mut BitWriter) {
    let usage = Usage::of(tokens);
    let header = Header::for_usage(&usage);
    let dynamic = 3 + header.bits() + usage.bits(&header.tables);
    let fixed = 3 + usage.bits(&FIXED_TABLES);
    let stored = 3 + u64::from(out.padding_after(3)) + 32 + 8 * raw.len() as u64;
    if raw.len() <= MAX_STORED && stored < dynamic.min(fixed) {
        write_stored(raw, out);
    } else if fixed <= dynamic {
        out.put(FIXED << 1, 3);
        write_tokens(tokens, &FIXED_TABLES, out);
    } else {
        out.put(DYNAMIC << 1, 3);
        header.write(out);
        write_tokens(tokens, &header.tables, out);
    }
}

fn write_stored(raw: &[u8], out: &mut BitWriter) {
    write_stored_header(out);
    let len = raw.len() as u16;
    out.put_bytes(&len.to_le_bytes());
    out.put_bytes(&(!len).to_le_bytes());
    out.put_bytes(raw);
}

/// Writes the part of an empty stored block that is sent (RFC 7692 §7.2.1).
pub(super) fn write_stored_header(out: &mut BitWriter) {
    out.put(STORED << 1, 3);
    out.align();
}

fn write_tokens(tokens: &[Token], tables: &Tables, out: &mut BitWriter) {
    for token in tokens {
        let (literal, distance) = token.symbols();
        tables.literals.write(literal.symbol, out);
        out.put(literal.extra, literal.extra_bits);
        if let Some(distance) = distance {
            tables.distances.write(distance.symbol, out);
            out.put(distance.extra, distance.extra_bits);
        }
    }
    tables.literals.write(END_OF_BLOCK, out);
}

/// The frequency of each symbol in a block.
struct Usage {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
    extra_bits: u64,
}

impl Usage {
    fn of(tokens: &[Token]) -> Self {
        let mut usage = Self {
            literals: [0; LITERALS],
            distances: [0; DISTANCES],
            extra_bits: 0,
        };
        for token in tokens {
            let (literal, distance) = token.symbols();
            usage.literals[literal.symbol] += 1;
            usage.extra_bits += u64::from(literal.extra_bits);
            if let Some(distance) = distance {
                usage.distances[distance.symbol] += 1;
                usage.extra_bits += u64::from(distance.extra_bits);
            }
        }
        usage.literals[END_OF_BLOCK] = 1;
        usage
    }

    /// Returns the number of bits of the tokens.
    fn bits(&self, tables: &Tables) -> u64 {
        let sum = |counts: &[u32], codes: &Codes| {
            let each = counts.iter().enumerate();
            each.map(|(symbol, &count)| u64::from(count) * u64::from(codes.len(symbol)))
                .sum::<u64>()
        };
        self.extra_bits
            + sum(&self.literals, &tables.literals)
            + sum(&self.distances, &tables.distances)
    }
}

/// The description of the codes of a dynamic block (§3.2.7).
struct Header {
    tables: Tables,
    literals: usize,
    distances: usize,
    /// The code lengths: symbols of 0 to 18, with their extra bits.
    runs: Vec<Symbol>,
    /// The lengths of the codes for `runs`.
    run_lengths: Vec<u8>,
    /// The number of these lengths that are written.
    orders: usize,
}

impl Header {
    fn for_usage(usage: &Usage) -> Self {
        let mut literals = code_lengths(&usage.literals, MAX_BITS);
        let mut distances = code_lengths(&usage.distances, MAX_BITS);
        let tables = Tables {
            literals: Codes::new(&literals),
            distances: Codes::new(&distances),
        };
        cut_zeros(&mut literals, END_OF_BLOCK + 1);
        cut_zeros(&mut distances, 1);
        let runs = runs(&[&*literals, &distances].concat());
        let mut counts = [0; LENGTH_ORDER.len()];
        runs.iter().for_each(|run| counts[run.symbol] += 1);
        let run_lengths = code_lengths(&counts, MAX_LENGTH_BITS);
        let used = |&order: &usize| run_lengths[order] > 0;
        let orders = LENGTH_ORDER
            .iter()
            .rposition(used)
            .map_or(4, |last| last + 1);
        Self {
            tables,
            literals: literals.len(),
            distances: distances.len(),
            runs,
            orders: orders.max(4),
            run_lengths,
        }
    }

    /// Returns the number of bits of the description.
    fn bits(&self) -> u64 {
        let run =
            |run: &Symbol| u64::from(self.run_lengths[run.symbol]) + u64::from(run.extra_bits);
        14 + 3 * self.orders as u64 + self.runs.iter().map(run).sum::<u64>()
    }

    fn write(&self, out: &mut BitWriter) {
        out.put(self.literals as u32 - 257, 5);
        out.put(self.distances as u32 - 1, 5);
        out.put(self.orders as u32 - 4, 4);
        for &order in &LENGTH_ORDER[..self.orders] {
            out.put(self.run_lengths[order].into(), 3);
        }
        let codes = Codes::new(&self.run_lengths);
        for run in &self.runs {
            codes.write(run.symbol, out);
            out.put(run.extra, run.extra_bits);
        }
    }
}

fn cut_zeros(lengths: &mut Vec<u8>, at_least: usize) {
    let used = lengths.iter().rposition(|&len| len > 0);
    lengths.truncate(used.map_or(0, |last| last + 1).max(at_least));
}

/// Returns code lengths as runs: 16 repeats the previous length, 17 and 18 stand for zeros.
fn runs(lengths: &[u8]) -> Vec<Symbol> {
    let mut runs = Vec::new();
    for run in lengths.chunk_by(|a, b| a == b) {
        let len = usize::from(run[0]);
        let mut left = run.len();
        if len > 0 {
            runs.push(run_symbol(len, 0, 0));
            left -= 1;
        }
        while left > 0 {
            let (symbol, extra_bits, least, most) = match (len, left) {
                (0, 11..) => (18, 7, 11, 138),
                (0, 3..) => (17, 3, 3, 10),
                (_, 3..) => (16, 2, 3, 6),
                _ => (len, 0, 1, 1),
            };
            let taken = left.min(most);
            runs.push(run_symbol(symbol, extra_bits, taken - least));
            left -= taken;
        }
    }
    runs
}

fn run_symbol(symbol: usize, extra_bits: u32, extra: usize) -> Symbol {
    Symbol {
        symbol,
        extra_bits,
        extra: extra as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_bytes(tokens: &[Token], raw: &[u8]) -> Vec<u8> {
        let mut out = BitWriter::default();
        write_block(tokens, raw, &mut out);
        write_stored_header(&mut out);
        out.into_bytes()
    }

    fn literals(bytes: &[u8]) -> Vec<Token> {
        bytes.iter().map(|&byte| Token::Literal(byte)).collect()
    }

    /// The example of RFC 7692 §7.2.3.1.
    #[test]
    fn a_short_text_is_a_fixed_block() {
        let hello = first_bytes(&literals(b"Hello"), b"Hello");
        assert_eq!(hello, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    }

    #[test]
    fn the_shortest_form_is_taken() {
        let kind = |bytes: &[u8]| first_bytes(&literals(bytes), bytes)[0] >> 1 & 3;
        assert_eq!(kind(&[b'a'; 10]), FIXED as u8);
        assert_eq!(kind(&b"aaab".repeat(1000)), DYNAMIC as u8);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(kind(&all.repeat(4)), STORED as u8);
    }

    #[test]
    fn repeated_code_lengths_are_counted() {
        let symbols = |lengths: &[u8]| {
            let runs = runs(lengths).into_iter();
            runs.map(|run| (run.symbol, run.extra)).collect::<Vec<_>>()
        };
        assert_eq!(symbols(&[0; 150]), [(18, 127), (18, 1)]);
        assert_eq!(symbols(&[0; 10]), [(17, 7)]);
        assert_eq!(symbols(&[7; 9]), [(7, 0), (16, 3), (7, 0), (7, 0)]);
    }
}
