//! Octet classes and list syntax that many header fields share (RFC 9110 §5.6).

/// Whether `octet` may be part of a token (RFC 9110 §5.6.2).
pub(crate) const fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
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

/// Whether `octets` is a token: at least one octet, all of them from the token class.
pub(crate) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().copied().all(is_token_octet)
}

/// Whether `octet` is optional white space (RFC 9110 §5.6.3): a space or a tab.
pub(crate) const fn is_ows(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// `octets` without white space at both ends.
pub(crate) fn trim_ows(mut octets: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = octets {
        if !is_ows(*first) {
            break;
        }
        octets = rest;
    }
    while let [rest @ .., last] = octets {
        if !is_ows(*last) {
            break;
        }
        octets = rest;
    }
    octets
}

/// The elements of a comma-separated list, trimmed, without the empty ones.
///
/// A recipient has to tolerate empty elements (RFC 9110 §5.6.1.2). Only for lists whose elements
/// can't contain a quoted comma.
pub(crate) fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|octet| *octet == b',')
        .map(trim_ows)
        .filter(|element| !element.is_empty())
}

/// Whether any of the field lines lists `wanted`, compared without regard to ASCII case.
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
        for octet in 0..=u8::MAX {
            let expected = (0x21..=0x7e).contains(&octet) && !separators.contains(&octet);
            assert_eq!(is_token_octet(octet), expected, "octet {octet:#04x}");
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
