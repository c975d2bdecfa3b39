//! The syntax of `Sec-WebSocket-Extensions` (RFC 6455 §9.1).
//!
//! Each extension defines the meaning of its parameters. The module `deflate` does this for
//! permessage-deflate. This crate implements no other extension.

use std::borrow::Cow;
use std::fmt;

use http::header::{HeaderMap, SEC_WEBSOCKET_EXTENSIONS};

use crate::token::{is_ows, is_token, is_token_byte};

/// An extension with its parameters, in an offer or in an answer (RFC 6455 §9.1).
///
/// ```
/// use ws_handshake::Extension;
///
/// let offer = Extension::new("permessage-deflate")?
///     .param("client_max_window_bits", None)?
///     .param("server_max_window_bits", Some("10"))?;
/// let text = "permessage-deflate; client_max_window_bits; server_max_window_bits=10";
/// assert_eq!(offer.to_string(), text);
/// assert_eq!(Extension::parse_list(text.as_bytes())?, [offer]);
/// # Ok::<(), ws_handshake::ExtensionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// The name is a token.
    name: Name,
    /// Names and values are tokens. A name may occur twice, because each extension defines if a
    /// repeated name is an error. For permessage-deflate, it is an error (RFC 7692 §7.1).
    params: Vec<(Name, Option<String>)>,
}

/// The name of an extension or parameter. Names that this crate writes itself are borrowed, so they
/// take no memory per connection.
pub(crate) type Name = Cow<'static, str>;

impl Extension {
    /// Creates an extension without parameters.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::InvalidName`] if the name is not a token (RFC 9110 §5.6.2).
    pub fn new(name: impl Into<String>) -> Result<Self, ExtensionError> {
        let name = name.into();
        if !is_token(name.as_bytes()) {
            return Err(ExtensionError::InvalidName);
        }
        Ok(Self {
            name: name.into(),
            params: Vec::new(),
        })
    }

    /// Creates an extension without checks. All parts must be tokens.
    pub(crate) fn of_tokens(name: &'static str, params: Vec<(Name, Option<String>)>) -> Self {
        Self {
            name: name.into(),
            params,
        }
    }

    /// Appends a parameter.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::InvalidParameter`] if the name is not a token, and
    /// [`ExtensionError::InvalidValue`] if a value is given and is not a token.
    pub fn param(
        mut self,
        name: impl Into<String>,
        value: Option<&str>,
    ) -> Result<Self, ExtensionError> {
        let name = name.into();
        if !is_token(name.as_bytes()) {
            return Err(ExtensionError::InvalidParameter);
        }
        if value.is_some_and(|value| !is_token(value.as_bytes())) {
            return Err(ExtensionError::InvalidValue);
        }
        self.params.push((name.into(), value.map(str::to_owned)));
        Ok(self)
    }

    /// Returns the name in its original spelling.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the parameters in their order, including repeated parameters. Quoted values are
    /// returned without quotes.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.params
            .iter()
            .map(|(name, value)| (&**name, value.as_deref()))
    }

    /// Parses the value of one `Sec-WebSocket-Extensions` line.
    ///
    /// Empty elements between commas are tolerated, as RFC 9110 §5.6.1.2 requires of a recipient.
    /// So a line without elements is an empty list. A semicolon without a parameter is tolerated
    /// too (RFC 9110 §5.6.6). Spaces and tabs are allowed between any two parts, because RFC 6455
    /// uses the grammar of RFC 2616 (§2.1, implied LWS). The content of a quoted value must be a
    /// token after it is unescaped.
    ///
    /// # Errors
    ///
    /// [`ExtensionError`] for the first malformed part. One malformed extension makes the whole
    /// line invalid.
    pub fn parse_list(value: &[u8]) -> Result<Vec<Self>, ExtensionError> {
        let mut rest = Cursor(value);
        let mut list = Vec::new();
        loop {
            rest.skip_ows();
            match rest.peek() {
                None => return Ok(list),
                Some(b',') => rest.advance(),
                Some(_) => list.push(rest.extension()?),
            }
        }
    }

    /// Parses all `Sec-WebSocket-Extensions` lines of a head, which together are one list (RFC 9110
    /// §5.3).
    pub(crate) fn parse_lines(headers: &HeaderMap) -> Result<Vec<Self>, ExtensionError> {
        let mut list = Vec::new();
        for line in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
            list.append(&mut Self::parse_list(line.as_bytes())?);
        }
        Ok(list)
    }
}

impl fmt::Display for Extension {
    /// Writes the extension as the header contains it. Values need no quotes, because they are
    /// tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            match value {
                Some(value) => write!(f, "; {name}={value}")?,
                None => write!(f, "; {name}")?,
            }
        }
        Ok(())
    }
}

/// Returns `true` if the list has an extension with this name.
pub(crate) fn contains(list: &[Extension], name: &str) -> bool {
    list.iter().any(|extension| extension.name() == name)
}

/// Encodes the extensions as the value of one header line.
pub(crate) fn join(extensions: &[Extension]) -> String {
    let mut line = String::new();
    for extension in extensions {
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(&extension.to_string());
    }
    line
}

/// The unread rest of a header value.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn advance(&mut self) {
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    fn skip_ows(&mut self) {
        while self.peek().is_some_and(is_ows) {
            self.advance();
        }
    }

    /// Reads a token. The result is empty if the next byte is no token byte.
    fn token(&mut self) -> &'a str {
        let length = self
            .0
            .iter()
            .take_while(|byte| is_token_byte(**byte))
            .count();
        let (token, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        std::str::from_utf8(token).unwrap_or_default()
    }

    /// Reads `token *( ";" [ token [ "=" ( token / quoted-string ) ] ] )`, up to the next comma or
    /// the end.
    fn extension(&mut self) -> Result<Extension, ExtensionError> {
        let mut extension = Extension::new(self.token())?;
        loop {
            self.skip_ows();
            match self.peek() {
                None | Some(b',') => return Ok(extension),
                Some(b';') => {
                    self.advance();
                    self.skip_ows();
                    if matches!(self.peek(), None | Some(b',' | b';')) {
                        continue; // No parameter follows (RFC 9110 §5.6.6).
                    }
                    let name = self.token();
                    let value = self.value()?;
                    extension = extension.param(name, value.as_deref())?;
                }
                Some(_) => return Err(ExtensionError::UnexpectedByte),
            }
        }
    }

    /// Reads `[ "=" ( token / quoted-string ) ]`.
    fn value(&mut self) -> Result<Option<String>, ExtensionError> {
        self.skip_ows();
        if self.peek() != Some(b'=') {
            return Ok(None);
        }
        self.advance();
        self.skip_ows();
        if self.peek() == Some(b'"') {
            self.advance();
            return self.quoted().map(Some);
        }
        Ok(Some(self.token().to_owned()))
    }

    /// Reads and unescapes a quoted-string after its opening quote (RFC 9110 §5.6.4). The content
    /// must be a token, so a byte that no token may have is an error.
    fn quoted(&mut self) -> Result<String, ExtensionError> {
        let mut value = String::new();
        loop {
            let mut byte = self.peek().ok_or(ExtensionError::UnterminatedQuote)?;
            self.advance();
            if byte == b'"' {
                return Ok(value);
            }
            if byte == b'\\' {
                byte = self.peek().ok_or(ExtensionError::UnterminatedQuote)?;
                self.advance();
            }
            if !is_token_byte(byte) {
                return Err(ExtensionError::InvalidValue);
            }
            value.push(char::from(byte));
        }
    }
}

/// The reason why a list of extensions, or a part of an extension, is invalid (RFC 6455 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionError {
    /// An extension has no name, or its name is not a token.
    InvalidName,
    /// A parameter has no name, or its name is not a token.
    InvalidParameter,
    /// A value without its quotes is empty or not a token.
    InvalidValue,
    /// An extension or parameter is followed by a byte other than `;` and `,`.
    UnexpectedByte,
    /// A quoted value has no end.
    UnterminatedQuote,
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidName => "the name of an extension is not a token; use letters and '-'",
            Self::InvalidParameter => {
                "a parameter of an extension has no name, or its name is not a token; \
                 use letters and '_'"
            }
            Self::InvalidValue => {
                "the value of an extension parameter is empty or not a token; \
                 use letters and digits, or omit '='"
            }
            Self::UnexpectedByte => {
                "an extension or parameter is followed by a byte other than ';' and ','; \
                 separate parameters with ';' and extensions with ','"
            }
            Self::UnterminatedQuote => {
                "a quoted value of an extension parameter has no end; close the quotes"
            }
        })
    }
}

impl std::error::Error for ExtensionError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Vec<String> {
        let list = Extension::parse_list(value.as_bytes()).unwrap();
        list.iter().map(Extension::to_string).collect()
    }

    #[test]
    fn lists_keep_order_parameters_and_repetitions() {
        assert_eq!(shown("a"), ["a"]);
        assert_eq!(
            shown("a;b;c=1 , d;b;b=2,A"),
            ["a; b; c=1", "d; b; b=2", "A"]
        );
    }

    #[test]
    fn white_space_and_empty_elements_are_tolerated() {
        assert_eq!(shown(" ,a\t; b = 1 ,, c ,"), ["a; b=1", "c"]);
        assert!(shown("").is_empty() && shown(" ,\t,").is_empty());
    }

    #[test]
    fn a_semicolon_without_a_parameter_is_tolerated() {
        assert_eq!(shown("a;"), ["a"]);
        assert_eq!(shown("a; ;b; ; , c;\t;d=1;"), ["a; b", "c; d=1"]);
    }

    #[test]
    fn quoted_values_are_unquoted() {
        assert_eq!(shown(r#"a; b="10"; c="x\y\-z""#), ["a; b=10; c=xy-z"]);
    }

    #[test]
    fn malformed_lists_are_refused() {
        for (value, error) in [
            (";", ExtensionError::InvalidName),
            ("=a", ExtensionError::InvalidName),
            ("a, ;b", ExtensionError::InvalidName),
            ("\"a\"", ExtensionError::InvalidName),
            ("a; =1", ExtensionError::InvalidParameter),
            ("a; b=", ExtensionError::InvalidValue),
            ("a; b=, c", ExtensionError::InvalidValue),
            ("a; b=\"\"", ExtensionError::InvalidValue),
            ("a; b=\"c d\"", ExtensionError::InvalidValue),
            ("a; b=\"c,d\"", ExtensionError::InvalidValue),
            ("a; b=\"\\\"\"", ExtensionError::InvalidValue),
            ("a; b==c", ExtensionError::InvalidValue),
            ("a=1", ExtensionError::UnexpectedByte),
            ("a b", ExtensionError::UnexpectedByte),
            ("a; b c", ExtensionError::UnexpectedByte),
            ("a; b=c d", ExtensionError::UnexpectedByte),
            ("a; b=\"c\"d", ExtensionError::UnexpectedByte),
            ("a/b", ExtensionError::UnexpectedByte),
            ("a; b=\"", ExtensionError::UnterminatedQuote),
            ("a; b=\"c", ExtensionError::UnterminatedQuote),
            ("a; b=\"c\\", ExtensionError::UnterminatedQuote),
        ] {
            assert_eq!(
                Extension::parse_list(value.as_bytes()),
                Err(error),
                "{value:?}"
            );
        }
        assert_eq!(
            Extension::parse_list(b"a\xff"),
            Err(ExtensionError::UnexpectedByte)
        );
    }

    #[test]
    fn parts_are_checked_when_built() {
        assert_eq!(Extension::new("a b"), Err(ExtensionError::InvalidName));
        let extension = Extension::new("a").unwrap();
        let result = extension.clone().param("b\r\n", None);
        assert_eq!(result, Err(ExtensionError::InvalidParameter));
        assert_eq!(
            extension.param("b", Some("")),
            Err(ExtensionError::InvalidValue)
        );
    }
}
