//! The contents of the messages. They are generated from fixed seeds, so that every run sends the
//! same messages.

use std::fmt::Write;

use clap::ValueEnum;

/// The shortest JSON text that [`Content::message`] can make, in bytes.
pub const SHORTEST_JSON: usize = 64;

/// The kind of data in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Content {
    /// Text of one-byte characters
    Ascii,
    /// Text of two- to four-byte characters
    NonAscii,
    /// Bytes of all values, in a binary message
    Binary,
    /// JSON text with records that resemble those of a web service and compress about as well
    Json,
}

impl Content {
    /// Returns `true` if the message is a text, and `false` if it is binary.
    #[must_use]
    pub fn is_text(self) -> bool {
        self != Self::Binary
    }

    /// Returns message number `index`, of exactly `len` bytes. Messages with different numbers
    /// differ. For JSON, `len` must be at least [`SHORTEST_JSON`].
    #[must_use]
    pub fn message(self, index: usize, len: usize) -> Vec<u8> {
        let mut dice = Dice::new(index as u64 + 1);
        match self {
            Self::Binary => (0..len).map(|_| dice.roll() as u8).collect(),
            Self::Ascii => (0..len).map(|_| b' ' + dice.below(95) as u8).collect(),
            Self::NonAscii => non_ascii(&mut dice, len),
            Self::Json => json(&mut dice, len),
        }
    }
}

/// A generator of pseudo-random numbers (splitmix64). The numbers are the same in each run.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD605_1F5B_4C2A_9E37))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

fn non_ascii(dice: &mut Dice, len: usize) -> Vec<u8> {
    const CHARACTERS: [char; 8] = ['ä', 'ß', 'Ж', 'λ', '語', '界', '€', '😀'];
    let mut text = String::with_capacity(len);
    while text.len() + 4 <= len {
        text.push(CHARACTERS[dice.below(8) as usize]);
    }
    text.extend((text.len()..len).map(|_| '.'));
    text.into_bytes()
}

/// Makes a JSON object of `len` bytes: a list of records, and a last member that pads the object.
fn json(dice: &mut Dice, len: usize) -> Vec<u8> {
    const TAIL: &str = "],\"cursor\":\"\"}";
    let mut text = format!("{{\"page\":{},\"items\":[", dice.below(1000));
    loop {
        let record = record(dice);
        if text.len() + 1 + record.len() + TAIL.len() > len {
            break;
        }
        if !text.ends_with('[') {
            text.push(',');
        }
        text.push_str(&record);
    }
    let (middle, end) = TAIL.split_at(TAIL.len() - 2);
    text.push_str(middle);
    while text.len() + end.len() < len {
        let digit = dice.below(36) as u32;
        text.push(char::from_digit(digit, 36).expect("the digit is less than 36"));
    }
    text.push_str(end);
    text.into_bytes()
}

fn record(dice: &mut Dice) -> String {
    const NAMES: [&str; 8] = [
        "Alma", "Björn", "Chen", "Dario", "Edith", "Fatima", "Goran", "Hana",
    ];
    const STATES: [&str; 4] = ["open", "shipped", "returned", "cancelled"];
    const WORDS: [&str; 16] = [
        "the", "order", "was", "late", "please", "call", "before", "delivery", "left", "at",
        "door", "invoice", "missing", "second", "item", "thanks",
    ];
    let mut note = String::new();
    for _ in 0..3 + dice.below(8) {
        note.push_str(dice.choose(&WORDS));
        note.push(' ');
    }
    let mut record = String::new();
    write!(
        record,
        "{{\"id\":\"{:016x}\",\"customer\":\"{}\",\"state\":\"{}\",\"amount\":{}.{:02},\
         \"created\":\"2026-{:02}-{:02}T{:02}:{:02}:{:02}Z\",\"paid\":{},\"note\":\"{}\"}}",
        dice.roll(),
        dice.choose(&NAMES),
        dice.choose(&STATES),
        dice.below(5000),
        dice.below(100),
        1 + dice.below(12),
        1 + dice.below(28),
        dice.below(24),
        dice.below(60),
        dice.below(60),
        dice.below(2) == 0,
        note.trim_end(),
    )
    .expect("writing to a string cannot fail");
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_requested_length_and_differ() {
        for content in Content::value_variants() {
            for len in [SHORTEST_JSON, 1024, 65_536] {
                let (one, other) = (content.message(0, len), content.message(1, len));
                assert_eq!((one.len(), other.len()), (len, len), "{content:?}");
                assert_ne!(one, other, "{content:?} {len}");
                assert_eq!(one, content.message(0, len), "{content:?} {len}");
            }
        }
    }

    #[test]
    fn texts_are_valid_utf8() {
        for content in [Content::Ascii, Content::NonAscii, Content::Json] {
            assert!(
                String::from_utf8(content.message(3, 1023)).is_ok(),
                "{content:?}"
            );
        }
        assert!(Content::Ascii.message(3, 1000).is_ascii());
    }

    #[test]
    fn json_is_valid() {
        for len in [1024, 65_536] {
            let parsed: serde_json::Value =
                serde_json::from_slice(&Content::Json.message(7, len)).unwrap();
            assert!(parsed["items"].as_array().unwrap().len() >= len / 300);
        }
    }
}
