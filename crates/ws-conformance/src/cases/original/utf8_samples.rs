//! The sequences of 6.5 to 6.23, computed rather than listed.

/// A valid string of characters of two and three bytes.
pub(super) const KOSME: &str = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}";

/// A family of sequences: case `n` of the family sends the `n`th one.
pub(crate) struct Family {
    pub(crate) title: &'static str,
    pub(crate) sequences: Vec<Vec<u8>>,
}

/// Returns the families from 6.5 on.
pub(in crate::cases) fn families() -> Vec<Family> {
    let family = |title, sequences| Family { title, sequences };
    vec![
        family("UTF-8: valid samples", samples()),
        family("UTF-8: every prefix of a valid string", prefixes()),
        family(
            "UTF-8: lowest code point per length 1-4",
            (1..=4).map(lowest).collect(),
        ),
        family(
            "UTF-8: lowest sequence of length 5 and 6",
            (5..=6).map(lowest).collect(),
        ),
        family(
            "UTF-8: highest code point per length 1-4",
            each([0x7f, 0x7ff, 0xffff, 0x10_ffff]),
        ),
        family(
            "UTF-8: highest sequence of length 4, 5, 6",
            (4..=6).map(highest).collect(),
        ),
        family(
            "UTF-8: boundaries around surrogates and U+10FFFF",
            each([0xd7ff, 0xe000, 0xfffd, 0x10_ffff, 0x11_0000]),
        ),
        family("UTF-8: stray continuation bytes", stray_continuations()),
        family("UTF-8: lead bytes followed by a space", lonely_leads()),
        family("UTF-8: last byte of a sequence missing", truncated()),
        family(
            "UTF-8: truncated sequences joined",
            vec![truncated().concat()],
        ),
        family(
            "UTF-8: bytes FE and FF",
            vec![vec![0xfe], vec![0xff], vec![0xfe, 0xfe, 0xff, 0xff]],
        ),
        family("UTF-8: overlong slash", overlong(|_| 0x2f)),
        family(
            "UTF-8: largest overlong per length",
            overlong(|len| limit(len - 1)),
        ),
        family("UTF-8: overlong NUL", overlong(|_| 0)),
        family(
            "UTF-8: lone surrogates",
            each([0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff]),
        ),
        family("UTF-8: surrogate pairs", surrogate_pairs()),
        family("UTF-8: noncharacters (valid)", noncharacters()),
        family("UTF-8: specials block (valid)", each(0xfff9..=0xffff)),
    ]
}

/// Encodes `code_point` in `len` bytes by the original scheme of UTF-8. The scheme has up to six
/// bytes and allows surrogates and overlong forms.
fn encode(code_point: u32, len: usize) -> Vec<u8> {
    if len == 1 {
        return vec![code_point as u8];
    }
    let six_bits = |n: usize| (code_point >> (6 * n)) as u8 & 0x3f;
    let marker = 0xff_u8 << (8 - len);
    let lead = marker | (code_point >> (6 * (len - 1))) as u8;
    let rest = (0..len - 1).rev().map(|n| 0x80 | six_bits(n));
    std::iter::once(lead).chain(rest).collect()
}

/// Returns the highest number that a sequence of `len` bytes can hold.
fn limit(len: usize) -> u32 {
    let bits = if len == 1 { 7 } else { 5 * len + 1 };
    (1 << bits) - 1
}

fn shortest(code_point: u32) -> Vec<u8> {
    let fits = |len: &usize| code_point <= limit(*len);
    encode(code_point, (1..=6).find(fits).unwrap_or(6))
}

fn each(code_points: impl IntoIterator<Item = u32>) -> Vec<Vec<u8>> {
    code_points.into_iter().map(shortest).collect()
}

fn lowest(len: usize) -> Vec<u8> {
    let code_point = if len == 1 { 0 } else { limit(len - 1) + 1 };
    encode(code_point, len)
}

fn highest(len: usize) -> Vec<u8> {
    encode(limit(len), len)
}

fn overlong(code_point: impl Fn(usize) -> u32) -> Vec<Vec<u8>> {
    (2..=6).map(|len| encode(code_point(len), len)).collect()
}

fn samples() -> Vec<Vec<u8>> {
    let between = |c: char| format!("hello{c}world").into_bytes();
    let mut samples: Vec<_> = ['$', '\u{a2}', '\u{20ac}', '\u{24b62}'].map(between).into();
    samples.push(KOSME.into());
    samples
}

fn prefixes() -> Vec<Vec<u8>> {
    let whole = KOSME.as_bytes();
    (1..=whole.len()).map(|len| whole[..len].to_vec()).collect()
}

fn stray_continuations() -> Vec<Vec<u8>> {
    let alternating = |len| [0x80, 0xbf].into_iter().cycle().take(len).collect();
    let mut strays = vec![vec![0x80], vec![0xbf]];
    strays.extend((2..=6).map(alternating));
    // The sequences stop one before the last continuation byte, as in the original. The leads below
    // do, too.
    strays.push((0x80..0xbf).collect());
    strays
}

fn lonely_leads() -> Vec<Vec<u8>> {
    let ranges = [
        0xc0..0xdf_u8,
        0xe0..0xef,
        0xf0..0xf7,
        0xf8..0xfb,
        0xfc..0xfd,
    ];
    let spaced = |leads: std::ops::Range<u8>| leads.flat_map(|lead| [lead, b' ']).collect();
    ranges.map(spaced).into()
}

fn truncated() -> Vec<Vec<u8>> {
    let zeros = (2..=6).map(|len| encode(0, len));
    let mut sequences: Vec<_> = zeros.chain((2..=6).map(highest)).collect();
    for sequence in &mut sequences {
        sequence.pop();
    }
    sequences
}

fn surrogate_pairs() -> Vec<Vec<u8>> {
    let high = [0xd800, 0xdb7f, 0xdb80, 0xdbff];
    let pairs = high
        .into_iter()
        .flat_map(|high| [[high, 0xdc00], [high, 0xdfff]]);
    pairs.map(|pair| each(pair).concat()).collect()
}

fn noncharacters() -> Vec<Vec<u8>> {
    let planes = 0..=16_u32;
    each(planes.flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_char_can_hold_is_encoded_as_by_the_standard_library() {
        for c in [
            '\0',
            '\u{7f}',
            '\u{80}',
            '\u{7ff}',
            '\u{800}',
            '\u{ffff}',
            '\u{10ffff}',
        ] {
            assert_eq!(shortest(c.into()), c.to_string().into_bytes());
        }
    }

    #[test]
    fn sequences_that_utf8_excludes_can_be_made() {
        assert_eq!(encode(0x2f, 2), [0xc0, 0xaf]);
        assert_eq!(encode(0, 6), [0xfc, 0x80, 0x80, 0x80, 0x80, 0x80]);
        assert_eq!(highest(6), [0xfd, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf]);
        assert_eq!(shortest(0xd800), [0xed, 0xa0, 0x80]);
    }
}
