//! Octets to send or to expect.

use std::borrow::Cow;
use std::fmt;

/// A payload: given octet by octet, or as a unit that is repeated and cut to a length.
#[derive(Clone)]
pub enum Payload {
    /// These octets.
    Octets(Cow<'static, [u8]>),
    /// The unit again and again, `len` octets in all.
    Repeated {
        /// At least one octet.
        unit: &'static [u8],
        /// The length of the payload.
        len: usize,
    },
}

impl Payload {
    /// No octets at all.
    pub const EMPTY: Self = Self::Octets(Cow::Borrowed(&[]));

    /// The octets of a text.
    pub const fn text(text: &'static str) -> Self {
        Self::Octets(Cow::Borrowed(text.as_bytes()))
    }

    /// These octets.
    pub const fn octets(octets: &'static [u8]) -> Self {
        Self::Octets(Cow::Borrowed(octets))
    }

    /// The unit again and again, `len` octets in all.
    pub const fn repeated(unit: &'static [u8], len: usize) -> Self {
        assert!(!unit.is_empty(), "a unit has at least one octet");
        Self::Repeated { unit, len }
    }

    /// The number of octets.
    pub fn len(&self) -> usize {
        match self {
            Self::Octets(octets) => octets.len(),
            Self::Repeated { len, .. } => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets of `range`, which lies within the payload, appended to `out`.
    pub fn append_range(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        match self {
            Self::Octets(octets) => out.extend_from_slice(&octets[range]),
            Self::Repeated { unit, .. } => {
                let unit_start = range.start % unit.len();
                let first = out.len();
                out.extend(&unit[unit_start..]);
                out.extend(&unit[..unit_start]);
                // Whole units have been appended: double them until there are enough.
                let end = first + range.len();
                while out.len() < end {
                    out.extend_from_within(first..out.len().min(end - out.len() + first));
                }
                out.truncate(end);
            }
        }
    }

    /// All octets, borrowed if they are there.
    pub(crate) fn as_octets(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Octets(octets) => Cow::Borrowed(octets),
            Self::Repeated { .. } => Cow::Owned(self.to_vec()),
        }
    }

    /// All octets.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.append_range(0..self.len(), &mut out);
        out
    }

    /// The first octets, at most `count`.
    pub fn head(&self, count: usize) -> Vec<u8> {
        let mut out = Vec::new();
        self.append_range(0..self.len().min(count), &mut out);
        out
    }

    /// Where `octets` first differ from this payload, if they do; a length that differs counts as
    /// a difference where the shorter one ends.
    pub fn first_difference(&self, octets: &[u8]) -> Option<usize> {
        let common = self.len().min(octets.len());
        let differs = match self {
            Self::Octets(own) => first_difference(own, octets),
            Self::Repeated { unit, .. } => octets[..common]
                .chunks(unit.len())
                .position(|chunk| chunk != &unit[..chunk.len()])
                .map(|n| {
                    let start = n * unit.len();
                    let chunk = &octets[start..common];
                    start + first_difference(unit, chunk).unwrap_or(0)
                }),
        };
        differs.or((self.len() != octets.len()).then_some(common))
    }
}

fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a != b)
}

impl From<Vec<u8>> for Payload {
    fn from(octets: Vec<u8>) -> Self {
        Self::Octets(Cow::Owned(octets))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Octets(octets), any) | (any, Self::Octets(octets)) => {
                any.first_difference(octets).is_none()
            }
            _ => self.len() == other.len() && other.first_difference(&self.to_vec()).is_none(),
        }
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head(64);
        write!(f, "{} octets: {}", self.len(), head.escape_ascii())?;
        f.write_str(if self.len() > head.len() { " …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_repeated_and_cut() {
        let payload = Payload::repeated(b"abc", 7);
        assert_eq!(payload.len(), 7);
        assert_eq!(payload.to_vec(), b"abcabca");
        let mut middle = Vec::new();
        payload.append_range(2..6, &mut middle);
        assert_eq!(middle, b"cabc");
        assert_eq!(payload.head(2), b"ab");
    }

    #[test]
    fn payloads_are_equal_if_their_octets_are() {
        let repeated = Payload::repeated(b"ab", 5);
        assert_eq!(repeated, Payload::text("ababa"));
        assert_eq!(repeated, Payload::repeated(b"abab", 5));
        assert_ne!(repeated, Payload::text("ababb"));
        assert_ne!(repeated, Payload::text("abab"));
        assert_ne!(repeated, Payload::repeated(b"ab", 6));
    }

    #[test]
    fn the_first_difference_is_found() {
        let repeated = Payload::repeated(b"abc", 7);
        assert_eq!(repeated.first_difference(b"abcabca"), None);
        assert_eq!(repeated.first_difference(b"abcaXca"), Some(4));
        assert_eq!(repeated.first_difference(b"abcabcX"), Some(6));
        assert_eq!(repeated.first_difference(b"abca"), Some(4));
        assert_eq!(repeated.first_difference(b"abcabcab"), Some(7));
        assert_eq!(Payload::text("xy").first_difference(b"xz"), Some(1));
    }
}
