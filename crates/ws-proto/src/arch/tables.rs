//! The tables of the UTF-8 check (RFC 3629 §3, §4), computed at compile time.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "an error here is a compile error"
)]

/// The length in bytes of a vector, and of a table that fills one.
pub(super) const LINE_LEN: usize = 64;

pub(super) type Line = [u8; LINE_LEN];

/// A class of pairs of bytes that must not follow each other. A class consists of three sets of
/// nibbles: one for the high nibble of the first byte, one for its low nibble, and one for the high
/// nibble of the second byte. Each class is one bit in the tables.
type Pair = [u16; 3];

const PAIRS: [Pair; 8] = [
    // A lead byte without a continuation.
    [from_to(0xc, 0xf), ANY, !CONTINUATION],
    // A continuation after ASCII.
    [from_to(0x0, 0x7), ANY, CONTINUATION],
    // Overlong: C0 and C1, and E0 80 to E0 9F.
    [only(0xc), from_to(0x0, 0x1), CONTINUATION],
    [only(0xe), only(0x0), from_to(0x8, 0x9)],
    // Overlong: F0, followed by 80 to 8F. Above U+10FFFF: F5 to FF, followed by 80 to 8F.
    [only(0xf), only(0x0) | from_to(0x5, 0xf), only(0x8)],
    // Above U+10FFFF: F4 to FF, followed by 90 to BF.
    [only(0xf), from_to(0x4, 0xf), from_to(0x9, 0xb)],
    // Surrogates: ED A0 to ED BF.
    [only(0xe), only(0xd), from_to(0xa, 0xb)],
    // Two continuations.
    [CONTINUATION, ANY, CONTINUATION],
];

/// The bit of the last class. Only this class is not always an error, because the third and the
/// fourth byte of a character follow a continuation.
pub(super) const TWO_CONTINUATIONS: u8 = 0x80;

const ANY: u16 = 0xffff;
const CONTINUATION: u16 = from_to(0x8, 0xb);

/// The possible classes for each high nibble of the first byte.
pub(super) const FIRST_HIGH: Line = table(0);
/// The possible classes for each low nibble of the first byte.
pub(super) const FIRST_LOW: Line = table(1);
/// The possible classes for each high nibble of the second byte.
pub(super) const SECOND_HIGH: Line = table(2);

/// The greatest byte that is allowed at each position of the last line of a text. At the last three
/// positions, the bytes from F0, E0 and C0 on, respectively, are too great, because too few bytes
/// follow them.
pub(super) const HIGHEST: Line = {
    let mut highest = [0xff; LINE_LEN];
    highest[LINE_LEN - 3] = 0xef;
    highest[LINE_LEN - 2] = 0xdf;
    highest[LINE_LEN - 1] = 0xbf;
    highest
};

/// The numbers of all positions in a line.
pub(super) const PLACES: Line = {
    let mut places = [0; LINE_LEN];
    let mut at = 0;
    while at < LINE_LEN {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// Computes a table. An entry has one bit for each class whose set at `index` contains the nibble.
/// The sixteen entries are repeated four times.
const fn table(index: usize) -> Line {
    let mut table = [0; LINE_LEN];
    let mut at = 0;
    while at < LINE_LEN {
        let mut bit = 0;
        while bit < PAIRS.len() {
            if PAIRS[bit][index] >> (at % 16) & 1 == 1 {
                table[at] |= 1 << bit;
            }
            bit += 1;
        }
        at += 1;
    }
    table
}

/// Returns the set of the nibbles `from` to `to`.
const fn from_to(from: u32, to: u32) -> u16 {
    (ANY << from) & (ANY >> (15 - to))
}

const fn only(half: u32) -> u16 {
    from_to(half, half)
}
