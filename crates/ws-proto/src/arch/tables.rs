//! Tables for the UTF-8 check (RFC 3629 §3, §4), made as the crate is compiled.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "What is wrong here does not compile"
)]

/// Bytes of a vector, and of a table in one.
pub(super) const LINE_LEN: usize = 64;

pub(super) type Line = [u8; LINE_LEN];

/// Two bytes that are wrong behind each other, as sets of half bytes: the upper and the lower half of the first, and
/// the upper half of the second. One bit in the tables.
type Pair = [u16; 3];

const PAIRS: [Pair; 8] = [
    // A lead byte that nothing continues.
    [from_to(0xc, 0xf), ANY, !CONTINUATION],
    // ASCII that is continued.
    [from_to(0x0, 0x7), ANY, CONTINUATION],
    // Overlong: C0 and C1; E0 80 to E0 9F.
    [only(0xc), from_to(0x0, 0x1), CONTINUATION],
    [only(0xe), only(0x0), from_to(0x8, 0x9)],
    // Overlong: F0 80 to F0 8F. Above U+10FFFF: F5 80 to F5 8F, up to FF.
    [only(0xf), only(0x0) | from_to(0x5, 0xf), only(0x8)],
    // Above U+10FFFF: F4 90 to F4 BF, up to FF.
    [only(0xf), from_to(0x4, 0xf), from_to(0x9, 0xb)],
    // Surrogates: ED A0 to ED BF.
    [only(0xe), only(0xd), from_to(0xa, 0xb)],
    // Two continuations.
    [CONTINUATION, ANY, CONTINUATION],
];

/// The last bit, which alone is not always wrong: the third and fourth bytes of a character follow a continuation.
pub(super) const TWO_CONTINUATIONS: u8 = 0x80;

const ANY: u16 = 0xffff;
const CONTINUATION: u16 = from_to(0x8, 0xb);

/// By the upper half of the first byte, the pairs that it can belong to.
pub(super) const FIRST_HIGH: Line = table(0);
/// By the lower half of the first byte.
pub(super) const FIRST_LOW: Line = table(1);
/// By the upper half of the second byte.
pub(super) const SECOND_HIGH: Line = table(2);

/// The highest bytes that may stand at the end of text: F0, E0 and C0 call for more bytes than are left there.
pub(super) const HIGHEST: Line = {
    let mut highest = [0xff; LINE_LEN];
    highest[LINE_LEN - 3] = 0xef;
    highest[LINE_LEN - 2] = 0xdf;
    highest[LINE_LEN - 1] = 0xbf;
    highest
};

/// Every place in a line.
pub(super) const PLACES: Line = {
    let mut places = [0; LINE_LEN];
    let mut at = 0;
    while at < LINE_LEN {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// One bit for each pair whose set of this index has the half byte: sixteen entries, four times.
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

/// The set of these half bytes and all between.
const fn from_to(from: u32, to: u32) -> u16 {
    (ANY << from) & (ANY >> (15 - to))
}

const fn only(half: u32) -> u16 {
    from_to(half, half)
}
