//! The subprotocols that a client offers in `Sec-WebSocket-Protocol` (RFC 6455 §1.9, §11.3.4).

use std::collections::BTreeSet;

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;

use crate::token::{is_token, list_elements};

/// The reason why the subprotocols of a request are malformed (RFC 6455 §4.1, item 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolFault {
    Duplicate,
    Invalid,
}

/// Checks the subprotocols of a request.
///
/// Each name must be a token and occur once. A header without names counts as absent. Subprotocols
/// are case-sensitive.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ProtocolFault> {
    let mut seen = BTreeSet::new();
    for name in elements(headers) {
        if !is_token(name) {
            return Err(ProtocolFault::Invalid);
        }
        if !seen.insert(name) {
            return Err(ProtocolFault::Duplicate);
        }
    }
    Ok(())
}

/// Returns the offered names in their order. [`check`] must have accepted the headers.
pub(crate) fn names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    elements(headers).filter_map(|name| std::str::from_utf8(name).ok())
}

/// Returns the elements of all `Sec-WebSocket-Protocol` lines, which together are one list (RFC
/// 9110 §5.3).
pub(crate) fn elements(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .into_iter()
        .flat_map(|line| list_elements(line.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SEC_WEBSOCKET_PROTOCOL, http::HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn names_keep_their_order_over_several_lines() {
        let headers = headers(&["b, a", "", "B"]);
        assert_eq!(check(&headers), Ok(()));
        assert_eq!(names(&headers).collect::<Vec<_>>(), ["b", "a", "B"]);
    }

    #[test]
    fn a_list_without_names_counts_as_absent() {
        for lines in [&[][..], &[""], &[" , "], &["", ","]] {
            assert_eq!(check(&headers(lines)), Ok(()));
            assert_eq!(names(&headers(lines)).count(), 0);
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        assert_eq!(check(&headers(&["a b"])), Err(ProtocolFault::Invalid));
        assert_eq!(
            check(&headers(&["a, b", "a"])),
            Err(ProtocolFault::Duplicate)
        );
    }
}
