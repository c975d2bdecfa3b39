//! The description of two messages that differ.

/// The number of bytes that are shown on each side of the first difference.
const AROUND: usize = 8;

/// A message: `true` if it is binary, and its bytes.
pub(crate) type Content<'a> = (bool, &'a [u8]);

/// Returns a sentence about a message, such as an echo, that differs from the one that was sent.
pub(crate) fn differs(what: &str, sent: Content<'_>, received: Content<'_>) -> String {
    let difference = difference(sent, received);
    format!("{what} differs from what was sent: {difference}.")
}

/// Describes a message that differs from the expected one: its type if that is wrong, both lengths,
/// and the first byte that differs, with those around it. Reports have only the first bytes of a
/// message, so nothing else in them may show the difference.
pub(crate) fn difference(expected: Content<'_>, received: Content<'_>) -> String {
    let kind = |binary| if binary { "binary" } else { "text" };
    let mut parts = Vec::new();
    if expected.0 != received.0 {
        let (received, expected) = (kind(received.0), kind(expected.0));
        parts.push(format!("received {received}, expected {expected}"));
    }
    let (expected, received) = (expected.1, received.1);
    parts.push(match (received.len(), expected.len()) {
        (got, wanted) if got == wanted => format!("both have {}", bytes(got)),
        (got, wanted) => format!("received {}, expected {wanted}", bytes(got)),
    });
    parts.push(content(expected, received));
    parts.join("; ")
}

/// Returns a number of bytes in words.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}

fn content(expected: &[u8], received: &[u8]) -> String {
    let mut both = expected.iter().zip(received);
    match both.position(|(expected, received)| expected != received) {
        Some(at) => {
            let (received, expected) = shown(at, received, expected);
            format!(
                "the first difference is at byte {at}, counted from 0: received {received}, \
                 expected {expected}"
            )
        }
        None if expected.len() == received.len() => "the bytes are equal".to_owned(),
        None => "the shorter one is the beginning of the longer one".to_owned(),
    }
}

/// Returns the bytes around this place in both messages: as text if all of them are printable ASCII
/// characters, else in hexadecimal.
fn shown(at: usize, one: &[u8], other: &[u8]) -> (String, String) {
    let start = at.saturating_sub(AROUND);
    let excerpt = |bytes: &[u8]| bytes[start..bytes.len().min(at + AROUND + 1)].to_vec();
    let is_text = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let as_text = is_text(&excerpt(one)) && is_text(&excerpt(other));
    let shown = |bytes: &[u8]| {
        let excerpt = excerpt(bytes);
        let digits = |byte: &u8| format!("{byte:02x}");
        let text = match as_text {
            true => format!("`{}`", String::from_utf8_lossy(&excerpt)),
            false => excerpt.iter().map(digits).collect::<Vec<_>>().join(" "),
        };
        let before = if start > 0 { "..." } else { "" };
        let after = match start + excerpt.len() < bytes.len() {
            true => "...",
            false => "",
        };
        format!("{before}{text}{after}")
    };
    (shown(one), shown(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_texts(expected: &str, received: &str) -> String {
        difference((false, expected.as_bytes()), (false, received.as_bytes()))
    }

    #[test]
    fn the_place_of_a_difference_deep_in_a_long_message_is_shown() {
        let expected = "*".repeat(5_000_000);
        let mut received = expected.clone();
        received.replace_range(4_500_000..4_500_001, "+");
        assert_eq!(
            of_texts(&expected, &received),
            "both have 5000000 bytes; the first difference is at byte 4500000, counted from 0: \
             received ...`********+********`..., expected ...`*****************`..."
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_in_hexadecimal() {
        assert_eq!(
            difference((true, b"ab\xffd"), (true, b"ab\xfed")),
            "both have 4 bytes; the first difference is at byte 2, counted from 0: received 61 62 \
             fe 64, expected 61 62 ff 64"
        );
    }

    #[test]
    fn a_wrong_length_is_named_and_a_part_is_called_a_part() {
        assert_eq!(
            of_texts("abcdef", "abc"),
            "received 3 bytes, expected 6; the shorter one is the beginning of the longer one"
        );
        assert_eq!(
            of_texts("abc", "axcd"),
            "received 4 bytes, expected 3; the first difference is at byte 1, counted from 0: \
             received `axcd`, expected `abc`"
        );
    }

    #[test]
    fn a_wrong_type_comes_first() {
        assert_eq!(
            differs("The echo", (false, b"abc"), (true, b"abc")),
            "The echo differs from what was sent: received binary, expected text; both have 3 \
             bytes; the bytes are equal."
        );
    }
}
