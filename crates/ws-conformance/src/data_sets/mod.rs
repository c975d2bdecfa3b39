//! What the messages of groups 12 and 13 are made of.
//!
//! The original takes five files. No case depends on what is in them, only on how many units they
//! have and on how well they compress: these are made up, always the same, and alike in both.

mod noise;
mod pictures;
mod texts;

use std::sync::LazyLock;

/// A kind of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataSet {
    /// A report in JSON: text, all ASCII, says nearly the same again and again.
    Json,
    /// A picture of grey dots.
    Bitmap,
    /// Verses in German, sent as binary messages.
    Prose,
    /// A report in HTML: text with a few characters that are not ASCII.
    Html,
    /// A document: much of it is compressed already.
    Pdf,
}

/// A message cut out of a data set, whose beginning follows its end.
#[derive(Clone, Copy, Debug)]
pub struct Chunk([&'static [u8]; 2]);

impl DataSet {
    /// Every kind, in the order of the cases.
    pub const ALL: [Self; 5] = [Self::Json, Self::Bitmap, Self::Prose, Self::Html, Self::Pdf];

    /// Whether it is sent as text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Html)
    }

    /// What it is, in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Bitmap => "bitmap",
            Self::Prose => "prose",
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }

    /// All its bytes.
    pub fn bytes(self) -> &'static [u8] {
        &self.units().bytes
    }

    /// Message number `number`, from 0, of many that follow each other and have `len` units each:
    /// characters of a text, else bytes.
    pub fn message(self, number: usize, len: usize) -> Chunk {
        let units = self.units();
        let first = number * len % units.count();
        let last = first + len;
        Chunk(match last.checked_sub(units.count()) {
            None => [units.range(first, last), &[]],
            Some(last) => [units.range(first, units.count()), units.range(0, last)],
        })
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

/// Bytes and what a message is cut into.
struct Units {
    bytes: Vec<u8>,
    /// Where each unit begins, if they are not all bytes.
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
    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.map(<[u8]>::len).iter().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Whether these are its bytes.
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
