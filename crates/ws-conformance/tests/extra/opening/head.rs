//! Requests and responses as lines, without a judgment of them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

/// The first line and the headers of a request or a response. Each character is one byte.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    /// The names and values. A line without a colon is a name without a value.
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn new(first: String, fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            first,
            fields: fields.iter().map(owned).collect(),
        }
    }

    /// Reads bytes up to an empty line.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let field = |line: &str| match line.split_once(':') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (line.to_owned(), String::new()),
        };
        Self {
            first,
            fields: lines.map(field).collect(),
        }
    }

    /// The bytes, with the empty line.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let fields = self.fields.iter();
        let lines = fields.map(|(name, value)| format!("{name}: {value}\r\n"));
        let text = format!("{}\r\n{}\r\n", self.first, lines.collect::<String>());
        text.chars().map(|letter| letter as u8).collect()
    }

    /// The parts of the first line.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.first.splitn(3, ' ').collect()
    }

    /// The values of the headers of this name, without spaces around them.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter();
        let named = named.filter(|(field, _)| field.trim().eq_ignore_ascii_case(name));
        named.map(|(_, value)| trim(value)).collect()
    }

    /// The value of the only header of this name.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        <[&str; 1]>::try_from(self.all(name)).ok().map(|[one]| one)
    }

    /// The items of all headers of this name.
    pub(crate) fn items(&self, name: &str) -> Vec<&str> {
        let values = self.all(name).into_iter();
        let items = values.flat_map(|value| value.split(',')).map(trim);
        items.filter(|item| !item.is_empty()).collect()
    }

    /// `true` if a list header has this token, in any case.
    pub(crate) fn lists(&self, name: &str, token: &str) -> bool {
        let mut items = self.items(name).into_iter();
        items.any(|item| item.eq_ignore_ascii_case(token))
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.fields
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.add(name, value);
    }
}

/// Removes optional white space (RFC 9110 §5.6.3).
fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// `true` if these are one or more characters of a token (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let is_allowed =
        |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    !text.is_empty() && text.chars().all(is_allowed)
}

/// Replaces the line breaks within folded headers (RFC 9112 §5.2).
pub(crate) fn unfolded(head: Vec<u8>) -> Vec<u8> {
    replaced(&replaced(&head, "\r\n ", " "), "\r\n\t", " ")
}

/// Replaces a text, each character of which is one byte.
pub(crate) fn replaced(head: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text: String = head.iter().map(|&byte| char::from(byte)).collect();
    let text = text.replace(from, to);
    text.chars().map(|letter| letter as u8).collect()
}

/// The answer to a key (RFC 6455 §4.2.2).
pub(crate) fn accept(key: &str) -> String {
    let joined = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(Sha1::digest(joined))
}
