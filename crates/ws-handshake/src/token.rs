//! Byte classes and list syntax that many header fields share (RFC 9110 §5.6).

/// Tells whether `byte` may be part of a token (RFC 9110 §5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Tells whether `bytes` is a token: at least one byte, all of them from the token class.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// Tells whether `byte` is optional white space (RFC 9110 §5.6.3): a space or a tab.
pub(crate) const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `bytes` without white space at both ends.
pub(crate) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_ows(*first) {
            break;
        }
        bytes = rest;
    }
    while let [rest @ .., last] = bytes {
        if !is_ows(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, trimmed, without the empty ones.
///
/// A recipient has to tolerate empty elements (RFC 9110 §5.6.1.2). Only for lists whose elements
/// can't contain a quoted comma.
pub(crate) fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim_ows)
        .filter(|element| !element.is_empty())
}

/// Tells whether any of the field lines lists `wanted`, compared without regard to ASCII case.
///
/// Used for `Upgrade` and `Connection` (RFC 6455 §4.1 and §4.2.1): the whole element must match,
/// so neither `websocketx` nor `websocket/13` is `websocket`.
pub(crate) fn lists_token<'a>(
    lines: impl IntoIterator<Item = &'a http::HeaderValue>,
    wanted: &str,
) -> bool {
    lines.into_iter().any(|line| {
        list_elements(line.as_bytes())
            .any(|element| element.eq_ignore_ascii_case(wanted.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_class_is_the_one_of_rfc_9110() {
        let separators = b"\"(),/:;<=>?@[\\]{} \t";
        for byte in 0..=u8::MAX {
            let expected = (0x21..=0x7e).contains(&byte) && !separators.contains(&byte);
            assert_eq!(is_token_byte(byte), expected, "byte {byte:#04x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn trimming_removes_spaces_and_tabs_only() {
        assert_eq!(trim_ows(b" \t a b\t "), b"a b");
        assert_eq!(trim_ows(b" \t "), b"");
        assert_eq!(trim_ows(b"\x0ba"), b"\x0ba");
    }

    #[test]
    fn empty_list_elements_are_skipped() {
        assert_eq!(
            list_elements(b", a,, b\t,").collect::<Vec<_>>(),
            [b"a", b"b"]
        );
    }

    #[test]
    fn a_token_is_found_in_any_line_and_only_as_a_whole() {
        let lines = ["keep-alive, upgraded", "x,\tUpGrAdE "].map(http::HeaderValue::from_static);
        assert!(lists_token(&lines, "upgrade"));
        assert!(!lists_token(&lines[..1], "upgrade"));
    }
}
