//! The data of the messages in groups 12 and 13.
//!
//! The original takes five files. No case depends on their content. Cases depend only on the number
//! of units and on the compression ratio. This data is generated, always the same, and has the same
//! numbers and ratios.

mod noise;
mod pictures;
mod texts;

use std::sync::LazyLock;

/// A kind of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataSet {
    /// A report in JSON: ASCII text that repeats itself often.
    Json,
    /// A picture of grey dots.
    Bitmap,
    /// Verses in German, sent as binary messages.
    Prose,
    /// A report in HTML: text with a few characters that are not ASCII.
    Html,
    /// A document that is mostly compressed already.
    Pdf,
}

/// A message cut out of a data set. At the end of the set, it continues with the beginning.
#[derive(Clone, Copy, Debug)]
pub struct Chunk([&'static [u8]; 2]);

impl DataSet {
    /// All kinds, in the order of the cases.
    pub const ALL: [Self; 5] = [Self::Json, Self::Bitmap, Self::Prose, Self::Html, Self::Pdf];

    /// Returns `true` if the data is sent as text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Html)
    }

    /// Describes the data in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Bitmap => "bitmap",
            Self::Prose => "prose",
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }

    /// Returns all bytes.
    pub fn bytes(self) -> &'static [u8] {
        &self.units().bytes
    }

    /// Returns message number `number`, from 0. The messages have `len` units each: characters of a
    /// text, else bytes. They follow each other up to the end of the data, then repeat.
    pub fn message(self, number: usize, len: usize) -> Chunk {
        let units = self.units();
        let first = number % self.round(len) * len;
        let last = first + len;
        Chunk(match last.checked_sub(units.count()) {
            None => [units.range(first, last), &[]],
            Some(last) => [units.range(first, units.count()), units.range(0, last)],
        })
    }

    /// Returns the number of messages of `len` units after which they repeat.
    pub(crate) fn round(self, len: usize) -> usize {
        self.units().count().div_ceil(len.max(1))
    }

    fn units(self) -> &'static Units {
        static ALL: [LazyLock<Units>; 5] = [
            LazyLock::new(|| Units::characters(texts::json())),
            LazyLock::new(|| Units::bytes(pictures::bitmap())),
            LazyLock::new(|| Units::bytes(texts::prose().into_bytes())),
            LazyLock::new(|| Units::characters(texts::html())),
            LazyLock::new(|| Units::bytes(pictures::pdf())),
        ];
        &ALL[self as usize]
    }
}

/// Bytes and their units.
struct Units {
    bytes: Vec<u8>,
    /// The start of each unit; empty if each byte is a unit.
    starts: Vec<usize>,
}

impl Units {
    fn bytes(bytes: Vec<u8>) -> Self {
        let starts = Vec::new();
        Self { bytes, starts }
    }

    fn characters(text: String) -> Self {
        let starts = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().map(|(start, _)| start).collect(),
        };
        let bytes = text.into_bytes();
        Self { bytes, starts }
    }

    fn count(&self) -> usize {
        match self.starts.len() {
            0 => self.bytes.len(),
            count => count,
        }
    }

    fn range(&self, first: usize, last: usize) -> &[u8] {
        match &*self.starts {
            [] => &self.bytes[first..last],
            starts => {
                let start = |unit: usize| starts.get(unit).copied().unwrap_or(self.bytes.len());
                &self.bytes[start(first)..start(last)]
            }
        }
    }
}

impl Chunk {
    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.0.map(<[u8]>::len).iter().sum()
    }

    /// Returns `true` if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Returns `true` if the message consists of these bytes.
    pub fn is(&self, bytes: &[u8]) -> bool {
        let [first, second] = self.0;
        bytes
            .split_at_checked(first.len())
            .is_some_and(|(start, rest)| start == first && rest == second)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
