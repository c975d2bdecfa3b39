//! The symbols and extra bits of lengths and distances (RFC 1951 §3.2.5).

/// The shortest and the longest match.
pub(super) const MIN_MATCH: usize = 3;
pub(super) const MAX_MATCH: usize = 258;
/// The symbol of the end of a block. The symbols of lengths follow it.
pub(super) const END_OF_BLOCK: usize = 256;
/// The numbers of symbols for literals and lengths, and for distances.
pub(super) const LITERALS: usize = 286;
pub(super) const DISTANCES: usize = 30;
/// The order in which the lengths of the codes for code lengths are written (§3.2.7).
pub(super) const LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// A symbol and its extra bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) symbol: usize,
    pub(super) extra_bits: u32,
    pub(super) extra: u32,
}

/// Returns the symbol of a length of 3 to 258.
pub(super) fn of_length(len: usize) -> Symbol {
    match len {
        MAX_MATCH => symbol(28, 0, 0),
        _ => grouped(len - MIN_MATCH, 2),
    }
    .above(END_OF_BLOCK + 1)
}

/// Returns the symbol of a distance of 1 to 32768.
pub(super) fn of_distance(distance: usize) -> Symbol {
    grouped(distance - 1, 1)
}

/// Returns the smallest length of a symbol from 257 on, and its number of extra bits.
pub(super) fn length(symbol: usize) -> Option<(usize, u32)> {
    match symbol.checked_sub(END_OF_BLOCK + 1)? {
        28 => Some((MAX_MATCH, 0)),
        index @ 0..28 => Some(ungrouped(index, 2)).map(|(base, bits)| (base + MIN_MATCH, bits)),
        _ => None,
    }
}

/// Returns the smallest distance of a symbol, and its number of extra bits.
pub(super) fn distance(symbol: usize) -> Option<(usize, u32)> {
    (symbol < DISTANCES)
        .then(|| ungrouped(symbol, 1))
        .map(|(base, bits)| (base + 1, bits))
}

/// Returns the symbol of a value. The groups of values that share a symbol grow: after the first 2
/// · 2ⁿ symbols, each group of 2ⁿ symbols has one more extra bit.
fn grouped(value: usize, n: u32) -> Symbol {
    let magnitude = value.checked_ilog2().unwrap_or(0);
    if magnitude <= n {
        return symbol(value, 0, 0);
    }
    let extra_bits = magnitude - n;
    let group = (extra_bits as usize) << n;
    let extra = value & ((1 << extra_bits) - 1);
    symbol(group + (value >> extra_bits), extra_bits, extra as u32)
}

fn ungrouped(symbol: usize, n: u32) -> (usize, u32) {
    let group = symbol >> n;
    match group.checked_sub(1) {
        None | Some(0) => (symbol, 0),
        Some(bits) => {
            let place = symbol & ((1 << n) - 1);
            (((1 << n) + place) << bits, bits as u32)
        }
    }
}

fn symbol(symbol: usize, extra_bits: u32, extra: u32) -> Symbol {
    Symbol {
        symbol,
        extra_bits,
        extra,
    }
}

impl Symbol {
    fn above(mut self, first: usize) -> Self {
        self.symbol += first;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_those_of_the_standard() {
        let length = |len| {
            let Symbol {
                symbol, extra_bits, ..
            } = of_length(len);
            (symbol, extra_bits)
        };
        for (len, expected) in [
            (3, (257, 0)),
            (10, (264, 0)),
            (11, (265, 1)),
            (18, (268, 1)),
            (19, (269, 2)),
            (257, (284, 5)),
            (258, (285, 0)),
        ] {
            assert_eq!(length(len), expected, "{len}");
        }
        assert_eq!(of_distance(4), symbol(3, 0, 0));
        assert_eq!(of_distance(6), symbol(4, 1, 1));
        assert_eq!(of_distance(24_577), symbol(29, 13, 0));
        assert_eq!(of_distance(32_768), symbol(29, 13, 8191));
    }

    #[test]
    fn every_value_is_found_again() {
        let value = |(base, bits): (usize, u32), found: Symbol| {
            assert_eq!(bits, found.extra_bits);
            base + found.extra as usize
        };
        for len in MIN_MATCH..=MAX_MATCH {
            let found = of_length(len);
            assert_eq!(value(length(found.symbol).unwrap(), found), len);
        }
        for far in 1..=32_768 {
            let found = of_distance(far);
            assert_eq!(value(distance(found.symbol).unwrap(), found), far);
        }
        assert_eq!((length(286), distance(30)), (None, None));
    }
}
