//! Syntax that many header fields share: tokens, lists, single values (RFC 9110 §5.6).

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Returns `true` if `byte` may be part of a token (RFC 9110 §5.6.2).
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

/// Returns `true` if `bytes` is a token: at least one byte, and only token bytes.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// Returns `true` if `byte` is optional white space: a space or a tab (RFC 9110 §5.6.3).
pub(crate) const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Removes white space from both ends.
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

/// Returns the trimmed elements of a comma-separated list.
///
/// Empty elements are skipped, because a recipient must tolerate them (RFC 9110 §5.6.1.2). Use this
/// only for elements that cannot contain a quoted comma.
pub(crate) fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim_ows)
        .filter(|element| !element.is_empty())
}

/// Returns `true` if one of the field lines lists `wanted`. Upper and lower case are equal.
///
/// This is the rule for `Upgrade` and `Connection` (RFC 6455 §4.1 and §4.2.1). The whole element
/// must match: neither `websocketx` nor `websocket/13` is `websocket`.
pub(crate) fn lists_token<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
    wanted: &str,
) -> bool {
    lines.into_iter().any(|line| {
        list_elements(line.as_bytes())
            .any(|element| element.eq_ignore_ascii_case(wanted.as_bytes()))
    })
}

/// Returns the trimmed value of a field that must occur exactly once.
pub(crate) fn single<'a, E>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    missing: E,
    duplicate: E,
) -> Result<&'a [u8], E> {
    let mut lines = headers.get_all(name).into_iter();
    let value = lines.next().ok_or(missing)?;
    match lines.next() {
        None => Ok(trim_ows(value.as_bytes())),
        Some(_) => Err(duplicate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_bytes_are_those_of_rfc_9110() {
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
    fn a_token_is_found_in_any_line_as_a_whole_element() {
        let lines = ["keep-alive, upgraded", "x,\tUpGrAdE "].map(HeaderValue::from_static);
        assert!(lists_token(&lines, "upgrade"));
        assert!(!lists_token(&lines[..1], "upgrade"));
    }
}
