//! Header fields that the application adds to a request or an answer.
//!
//! These fields are checked before the head is built. So a value from an untrusted source cannot
//! add lines to the head (response splitting, RFC 9110 §5.5 and §17), and no field can contradict
//! the handshake.

use std::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Fields in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<Field>);

#[derive(Clone)]
struct Field {
    /// The name as given.
    name: String,
    /// `None` stands for an invalid value.
    value: Option<HeaderValue>,
    scope: Scope,
}

/// The servers that receive a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The server that the caller named.
    FirstOrigin,
    /// The servers of redirects, too.
    AnyOrigin,
}

/// The reason why a field cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldFault {
    /// The name is not a token.
    InvalidName(String),
    /// The value has CR, LF, NUL or another control byte.
    InvalidValue(HeaderName),
    /// The field is reserved for the handshake or for message framing.
    Reserved(HeaderName),
}

impl Fields {
    pub(crate) fn push(&mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) {
        self.push_in(Scope::FirstOrigin, name.as_ref(), value.try_into().ok());
    }

    /// Adds a field that [`for_other_origin`](Self::for_other_origin) keeps.
    pub(crate) fn push_for_any_origin(
        &mut self,
        name: impl AsRef<str>,
        value: impl TryInto<HeaderValue>,
    ) {
        self.push_in(Scope::AnyOrigin, name.as_ref(), value.try_into().ok());
    }

    fn push_in(&mut self, scope: Scope, name: &str, value: Option<HeaderValue>) {
        let name = name.to_owned();
        self.0.push(Field { name, value, scope });
    }

    pub(crate) fn extend(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            self.push(name, value);
        }
    }

    /// Returns the fields that any server may receive.
    pub(crate) fn for_other_origin(&self) -> Self {
        let marked = |field: &&Field| field.scope == Scope::AnyOrigin;
        Self(self.0.iter().filter(marked).cloned().collect())
    }

    /// Returns `true` if a field has this name, in upper or lower case.
    pub(crate) fn contains(&self, name: &HeaderName) -> bool {
        let mut names = self.0.iter().map(|field| &field.name);
        names.any(|given| given.eq_ignore_ascii_case(name.as_str()))
    }

    /// Checks the fields. For each valid field, yields the name as given, and then the name and the
    /// value in the types of `http`.
    pub(crate) fn checked(
        &self,
    ) -> impl Iterator<Item = Result<(&str, HeaderName, &HeaderValue), FieldFault>> {
        self.0.iter().map(|field| {
            let name = HeaderName::from_bytes(field.name.as_bytes())
                .map_err(|_| FieldFault::InvalidName(field.name.clone()))?;
            if is_reserved(&name) {
                return Err(FieldFault::Reserved(name));
            }
            match &field.value {
                Some(value) => Ok((field.name.as_str(), name, value)),
                None => Err(FieldFault::InvalidValue(name)),
            }
        })
    }
}

/// Prints the names without the values, which may be credentials.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|field| &field.name))
            .finish()
    }
}

/// Writes the text of an error about a name that is not a token.
pub(crate) fn write_invalid_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(
        f,
        "{name:?} is not a header name; use letters, digits and '-'"
    )
}

/// Writes the text of an error about a value with a control byte.
pub(crate) fn write_invalid_value(f: &mut fmt::Formatter<'_>, name: &HeaderName) -> fmt::Result {
    write!(
        f,
        "the value of the header {name} has a line end or another control byte; remove or encode it"
    )
}

/// Returns `true` for the fields of the handshake (RFC 6455 §4) and of message framing (RFC 9112
/// §6). If the application changed such a field, the two ends could disagree about where the frames
/// begin. `Proxy-Authorization` is for a proxy, and the server must not receive it (RFC 9110
/// §11.7.2).
fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 8] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    RESERVED.contains(name) || name.as_str().starts_with("sec-websocket-")
}

/// Appends a field line. The name is written in the form that [`spelling`] returns.
pub(crate) fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    write_line(out, spelling(name), value);
}

/// Appends a field line with the name as given.
pub(crate) fn write_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// Returns a name of the handshake or of a tunnel, or `Content-Length`, as the RFCs spell it.
/// Returns any other name in lower case.
///
/// Names are not case-sensitive (RFC 9110 §5.1), but some peers compare them case-sensitively.
fn spelling(name: &HeaderName) -> &str {
    match name.as_str() {
        "authorization" => "Authorization",
        "connection" => "Connection",
        "content-length" => "Content-Length",
        "host" => "Host",
        "proxy-authorization" => "Proxy-Authorization",
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
    fn names_that_are_not_tokens_are_invalid() {
        for name in ["", "a b", "a:", "a\r\nb", "\u{e4}"] {
            assert_eq!(
                check(name, b"x"),
                Err(FieldFault::InvalidName(name.to_owned()))
            );
        }
    }

    #[test]
    fn values_with_control_bytes_are_invalid() {
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
