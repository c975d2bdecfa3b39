//! Header fields that the application adds to a request or an answer.
//!
//! Checked when they are set, so that neither a value from elsewhere can add lines of its own to
//! a head (response splitting, RFC 9110 §5.5 and §17), nor the handshake be contradicted.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Fields in the order in which they were added, the names as they were given. `None` is a value that is not one.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, Option<HeaderValue>)>);

/// Which field can't be sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldFault {
    /// Not a token.
    InvalidName(String),
    /// CR, LF, NUL or another control byte.
    InvalidValue(HeaderName),
    /// The handshake sets this one itself.
    Reserved(HeaderName),
}

impl Fields {
    pub(crate) fn push(&mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) {
        self.0
            .push((name.as_ref().to_owned(), value.try_into().ok()));
    }

    pub(crate) fn extend(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            self.push(name, value);
        }
    }

    /// The fields, checked: the name as it was given, and both parts in their types.
    pub(crate) fn checked(
        &self,
    ) -> impl Iterator<Item = Result<(&str, HeaderName, &HeaderValue), FieldFault>> {
        self.0.iter().map(|(given, value)| {
            let name = HeaderName::from_bytes(given.as_bytes())
                .map_err(|_| FieldFault::InvalidName(given.clone()))?;
            if is_reserved(&name) {
                return Err(FieldFault::Reserved(name));
            }
            match value {
                Some(value) => Ok((given.as_str(), name, value)),
                None => Err(FieldFault::InvalidValue(name)),
            }
        })
    }
}

/// Prints names only: values may be credentials.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Fields that make up the handshake (RFC 6455 §4) or frame the message (RFC 9112 §6). With
/// one of them changed, the two ends could disagree about where the frames begin.
fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 7] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    RESERVED.contains(name) || name.as_str().starts_with("sec-websocket-")
}

/// Appends `name: value` and the line end.
pub(crate) fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    write_line(out, spelling(name), value);
}

/// Appends a field whose name is written as given.
pub(crate) fn write_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The names of the handshake as RFC 6455 writes them, for peers that compare names with regard
/// to case, against RFC 9110 §5.1; all others in lower case.
fn spelling(name: &HeaderName) -> &str {
    match name.as_str() {
        "connection" => "Connection",
        "content-length" => "Content-Length",
        "host" => "Host",
        "sec-websocket-accept" => "Sec-WebSocket-Accept",
        "sec-websocket-extensions" => "Sec-WebSocket-Extensions",
        "sec-websocket-key" => "Sec-WebSocket-Key",
        "sec-websocket-protocol" => "Sec-WebSocket-Protocol",
        "sec-websocket-version" => "Sec-WebSocket-Version",
        "upgrade" => "Upgrade",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &[u8]) -> Result<(), FieldFault> {
        let mut fields = Fields::default();
        fields.push(name, value);
        fields.checked().try_for_each(|field| field.map(|_| ()))
    }

    #[test]
    fn names_have_to_be_tokens() {
        for name in ["", "a b", "a:", "a\r\nb", "\u{e4}"] {
            assert_eq!(
                check(name, b"x"),
                Err(FieldFault::InvalidName(name.to_owned()))
            );
        }
    }

    #[test]
    fn values_can_not_add_lines() {
        let name = HeaderName::from_static("x");
        for value in [
            &b"a\r\nb: c"[..],
            b"a\rb",
            b"a\nb",
            b"a\0b",
            b"\x7f",
            b"\x01",
        ] {
            assert_eq!(
                check("x", value),
                Err(FieldFault::InvalidValue(name.clone()))
            );
        }
        assert_eq!(check("x", b"\t caf\xe9 "), Ok(()));
    }

    #[test]
    fn reserved_names_are_found_in_any_case() {
        for name in [
            "Host",
            "CONNECTION",
            "upgrade",
            "Sec-WebSocket-Key",
            "sec-websocket-anything",
            "Content-Length",
            "Transfer-Encoding",
            "TE",
            "Trailer",
        ] {
            let reserved = HeaderName::from_bytes(name.as_bytes()).unwrap();
            assert_eq!(check(name, b"x"), Err(FieldFault::Reserved(reserved)));
        }
        assert_eq!(check("Origin", b"https://example.com"), Ok(()));
    }
}
