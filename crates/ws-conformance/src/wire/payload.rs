//! Bytes to send or to expect.

use std::borrow::Cow;
use std::fmt;

/// A payload: its bytes, or a unit that is repeated and cut to a length.
#[derive(Clone)]
pub enum Payload {
    /// These bytes.
    Bytes(Cow<'static, [u8]>),
    /// A unit that is repeated up to `len` bytes.
    Repeated {
        /// At least one byte.
        unit: &'static [u8],
        /// The length of the payload.
        len: usize,
    },
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Self = Self::Bytes(Cow::Borrowed(&[]));

    /// Creates a payload from a text.
    pub const fn text(text: &'static str) -> Self {
        Self::Bytes(Cow::Borrowed(text.as_bytes()))
    }

    /// Creates a payload from bytes.
    pub const fn bytes(bytes: &'static [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }

    /// Creates a payload from a unit that is repeated up to `len` bytes.
    pub const fn repeated(unit: &'static [u8], len: usize) -> Self {
        assert!(!unit.is_empty(), "a unit has at least one byte");
        Self::Repeated { unit, len }
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Repeated { len, .. } => *len,
        }
    }

    /// Returns `true` if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the bytes of `range` to `out`. The range must lie within the payload.
    pub fn append_range(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => out.extend_from_slice(&bytes[range]),
            Self::Repeated { unit, .. } => {
                let unit_start = range.start % unit.len();
                let first = out.len();
                out.extend(&unit[unit_start..]);
                out.extend(&unit[..unit_start]);
                // The output ends with whole units. Double them until there are enough.
                let end = first + range.len();
                while out.len() < end {
                    out.extend_from_within(first..);
                }
                out.truncate(end);
            }
        }
    }

    /// Returns all bytes, borrowed if possible.
    pub(crate) fn as_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Repeated { .. } => Cow::Owned(self.to_vec()),
        }
    }

    /// Copies all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.append_range(0..self.len(), &mut out);
        out
    }

    /// Returns the first bytes, at most `count`.
    pub fn head(&self, count: usize) -> Vec<u8> {
        let mut out = Vec::new();
        self.append_range(0..self.len().min(count), &mut out);
        out
    }

    /// Returns the first place at which `bytes` differ from this payload. If one is a beginning of
    /// the other, this is the end of the shorter one.
    pub fn first_difference(&self, bytes: &[u8]) -> Option<usize> {
        let common = self.len().min(bytes.len());
        let differs = match self {
            Self::Bytes(own) => first_difference(own, bytes),
            Self::Repeated { unit, .. } => bytes[..common]
                .chunks(unit.len())
                .position(|chunk| chunk != &unit[..chunk.len()])
                .map(|n| {
                    let start = n * unit.len();
                    let chunk = &bytes[start..common];
                    start + first_difference(unit, chunk).unwrap_or(0)
                }),
        };
        differs.or((self.len() != bytes.len()).then_some(common))
    }
}

fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a != b)
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for Payload {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<[u8; N]> for Payload {
    fn from(bytes: [u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.first_difference(&other.as_bytes()).is_none()
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head(64);
        write!(f, "{} bytes: {}", self.len(), head.escape_ascii())?;
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
        assert_eq!(*payload.as_bytes(), *b"abcabca");
        let mut middle = b"x".to_vec();
        payload.append_range(2..6, &mut middle);
        assert_eq!(middle, b"xcabc");
        assert_eq!(payload.head(2), b"ab");
    }

    #[test]
    fn a_payload_without_bytes_is_empty() {
        assert!(Payload::EMPTY.is_empty() && Payload::repeated(b"abc", 0).is_empty());
        assert!(!Payload::text("a").is_empty() && !Payload::repeated(b"abc", 1).is_empty());
    }

    #[test]
    fn payloads_are_equal_if_their_bytes_are() {
        let repeated = Payload::repeated(b"ab", 5);
        assert_eq!(repeated, Payload::text("ababa"));
        assert_eq!(Payload::text("ababa"), repeated);
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
