//! `Sec-WebSocket-Key`, and the `Sec-WebSocket-Accept` that belongs to it (RFC 6455 §1.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use sha1::{Digest as _, Sha1};

use crate::server_rules::KeyRule;

/// The string that is appended to the key before the key is hashed (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Returns the key that a client sends for its nonce (RFC 6455 §4.1, item 7).
pub(crate) fn encode_nonce(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// Returns the accept value for a key (RFC 6455 §4.2.2, item 5.4). The text of the key is hashed,
/// not the bytes that the text encodes.
pub(crate) fn accept_for(key: &[u8]) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

/// Returns `true` if `key` is the base64 form of 16 bytes (RFC 6455 §4.2.1, item 5), or of as many
/// bytes as the rule allows: characters of the standard alphabet, and padding up to a multiple of
/// four characters.
///
/// Some bits of the last character are unused. A decoder may reject other values than zero (RFC
/// 4648 §3.5). But the key is an opaque challenge that is not decoded, so all values of these bits
/// are accepted.
pub(crate) fn is_valid_key(key: &[u8], rule: KeyRule) -> bool {
    let digits = key
        .iter()
        .take_while(|byte| is_base64_digit(**byte))
        .count();
    let padding = key.get(digits..).unwrap_or_default();
    let is_base64 = key.len().is_multiple_of(4) && matches!(padding, b"" | b"=" | b"==");
    match rule {
        KeyRule::SixteenBytes => is_base64 && digits == 22,
        KeyRule::AnyLength => is_base64 && digits > 0,
    }
}

const fn is_base64_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Returns the result of [`accept_for`] as a header value.
pub(crate) fn accept_value(key: &[u8]) -> HeaderValue {
    // The conversion cannot fail, because base64 is visible US-ASCII.
    HeaderValue::from_str(&accept_for(key)).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_matches_the_example_of_the_rfc() {
        assert_eq!(
            accept_for(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            accept_value(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn nonces_become_valid_keys() {
        assert_eq!(
            encode_nonce(*b"the sample nonce"),
            "dGhlIHNhbXBsZSBub25jZQ=="
        );
        let key = encode_nonce([0xff; 16]);
        assert!(is_valid_key(key.as_bytes(), KeyRule::SixteenBytes));
    }

    #[test]
    fn keys_of_another_length_or_alphabet_are_invalid() {
        assert!(is_valid_key(
            b"dGhlIHNhbXBsZSBub25jZR==",
            KeyRule::SixteenBytes
        ));
        for key in [
            "",
            "==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25jZTEy",
            "dGhlIHNhbXBsZSBub25jZ_==",
            "dGhlIHNhbXBsZSBub25jZ-==",
            "dGhlIHNhbXBsZSBub25j ===",
            "dGhlIHNhbXBsZSBub25jZQ===",
        ] {
            assert!(
                !is_valid_key(key.as_bytes(), KeyRule::SixteenBytes),
                "{key:?}"
            );
        }
    }

    #[test]
    fn keys_of_any_length_are_base64_all_the_same() {
        for len in 1..40 {
            let key = STANDARD.encode(vec![7; len]);
            assert!(is_valid_key(key.as_bytes(), KeyRule::AnyLength), "{key:?}");
            assert_eq!(
                is_valid_key(key.as_bytes(), KeyRule::SixteenBytes),
                len == 16
            );
        }
        for key in [
            "", "=", "==", "====", "a", "ab", "abc", "a===", "abcde", "ab=c", "ab-_",
        ] {
            assert!(!is_valid_key(key.as_bytes(), KeyRule::AnyLength), "{key:?}");
        }
    }
}
