//! The percent-encoding of the part of a URL before the `@` (RFC 3986 §2.1).

use crate::host::is_host_byte;

/// Decodes a user name or a password of a URL. Returns `None` if it has a character that must be
/// percent-encoded (RFC 3986 §3.2.1), an incomplete encoding, or bytes that are not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return String::from_utf8(decoded).ok(),
            [b'%', high, low, rest @ ..] => {
                decoded.push(hex(*high)? << 4 | hex(*low)?);
                rest
            }
            [byte, rest @ ..] if is_host_byte(*byte) || *byte == b':' => {
                decoded.push(*byte);
                rest
            }
            _ => return None,
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_bytes_are_decoded_as_utf_8() {
        for (text, decoded) in [
            ("", Some("")),
            ("user", Some("user")),
            ("a:b", Some("a:b")),
            ("p%40ss%2fw%25", Some("p@ss/w%")),
            ("%C3%A9%c3%a9", Some("\u{e9}\u{e9}")),
            ("%00%0d%0a", Some("\0\r\n")),
            ("-._~!$&'()*+,;=", Some("-._~!$&'()*+,;=")),
            ("%", None),
            ("%4", None),
            ("%4g", None),
            ("%+4", None),
            ("%ff", None),
            ("a b", None),
            ("a@b", None),
            ("a#b", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text:?}");
        }
    }
}
