//! The bounds for the texts and the rate of a client.

use std::time::{Duration, Instant};

use crate::args::Bounds;

/// The longest name of a room, in characters.
pub const MAX_ROOM: usize = 32;

/// The longest identity of a message, in bytes.
const MAX_ID: usize = 64;

/// Returns the name of a room if it may be one: letters, digits, `-` and `_`.
#[must_use]
pub fn room(text: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let is_room = has_length(text, MAX_ROOM) && text.chars().all(is_allowed);
    is_room.then(|| text.to_lowercase())
}

/// Returns the name of a client without spaces around it, if it may be one.
#[must_use]
pub fn name(text: &str, bounds: &Bounds) -> Option<String> {
    let name = text.trim();
    let is_name = has_length(name, bounds.max_name.get()) && !name.contains(is_invisible);
    is_name.then(|| name.to_owned())
}

/// Returns the text of a message without spaces at its end, if it may be one.
#[must_use]
pub fn text<'t>(text: &'t str, bounds: &Bounds) -> Option<&'t str> {
    let text = text.trim_end();
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    let is_text = has_length(text, bounds.max_text.get()) && !text.contains(is_control);
    is_text.then_some(text)
}

/// Returns `true` if this may be the identity of a message.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_allowed)
}

fn has_length(text: &str, max: usize) -> bool {
    // No character has more than four bytes, so a huge text is not counted.
    !text.is_empty() && text.len() <= 4 * max && text.chars().count() <= max
}

/// Returns `true` for control characters, and for characters that would make two names look alike:
/// those without a width, those that look empty, and those that change the direction of the text.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(
            c,
            '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        )
}

/// The rate of one client: a bucket that fills steadily, and from which each message takes one.
#[derive(Debug)]
pub struct Bucket {
    per_second: f64,
    size: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// Makes a full bucket.
    #[must_use]
    pub fn new(bounds: &Bounds, now: Instant) -> Self {
        let size = f64::from(bounds.burst.get());
        Self {
            per_second: f64::from(bounds.rate.get()),
            size,
            level: size,
            filled: now,
        }
    }

    /// Takes one message.
    ///
    /// # Errors
    ///
    /// The time after which there is room for the message. Nothing was taken.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let time = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + time * self.per_second).min(self.size);
        self.filled = now;
        if self.level < 1.0 {
            let missing = 1.0 - self.level;
            return Err(Duration::from_secs_f64(missing / self.per_second));
        }
        self.level -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn bounds(options: &[&str]) -> Bounds {
        let args = ["chat", "serve"].iter().chain(options);
        match Args::try_parse_from(args).unwrap().command {
            Command::Serve(serve) => serve.limits,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_visible_and_short() {
        let bounds = bounds(&["--max-name", "5"]);
        assert_eq!(name(" Zoë ", &bounds).as_deref(), Some("Zoë"));
        for bad in [
            "",
            "  ",
            "sixsix",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}",
            "\u{feff}",
            "a\u{3164}",
            "\u{2800}",
        ] {
            assert_eq!(name(bad, &bounds), None, "{bad:?}");
        }
    }

    #[test]
    fn rooms_are_one_word() {
        assert_eq!(room("Küche-2").as_deref(), Some("küche-2"));
        for bad in ["", "a b", "a:b", "a/b", &"x".repeat(33)] {
            assert_eq!(room(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn texts_may_have_lines_but_no_other_control_characters() {
        let bounds = bounds(&["--max-text", "6"]);
        assert_eq!(text("a\n\tb \n", &bounds), Some("a\n\tb"));
        assert_eq!(text("äöüäöü", &bounds), Some("äöüäöü"));
        for bad in ["", " \n", "1234567", "\u{1b}[2J", "a\0b"] {
            assert_eq!(text(bad, &bounds), None, "{bad:?}");
        }
        assert!(is_id("0aZ-9") && !is_id("") && !is_id("a b") && !is_id(&"a".repeat(65)));
    }

    #[test]
    fn a_bucket_allows_a_burst_and_then_the_rate() {
        let start = Instant::now();
        let bounds = bounds(&["--rate", "2", "--burst", "3"]);
        let mut bucket = Bucket::new(&bounds, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        assert_eq!(bucket.take(start), Err(Duration::from_millis(500)));
        let later = start + Duration::from_millis(500);
        assert_eq!(bucket.take(later), Ok(()));
        assert!(bucket.take(later).is_err());
    }
}
