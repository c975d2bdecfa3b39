//! The lines that requests and responses have in common.

use crate::http2;

/// The first line and the headers, as they are written. Nothing in them is checked.
///
/// A head of HTTP/2 has no first line. Its first headers are the pseudo-header fields.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(super) first: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Head {
    pub(super) fn new(first: String, headers: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            first,
            headers: headers.iter().map(owned).collect(),
        }
    }

    /// Creates a head of HTTP/2.
    pub(super) fn of_http2(fields: &[(&str, &str)]) -> Self {
        Self::new(String::new(), fields)
    }

    /// Returns `true` for a head of HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        self.first.is_empty()
    }

    /// Removes the headers of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    /// Replaces the headers of this name by one, in the same place or at the end.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        let mut named = self.headers.iter_mut();
        match named.find(|(header, _)| header.eq_ignore_ascii_case(name)) {
            Some(header) => *header = (name.to_owned(), value.to_owned()),
            None => return self.add(name, value),
        }
        self
    }

    /// Adds a header at the end.
    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the first line.
    pub(crate) fn first_line(mut self, line: impl Into<String>) -> Self {
        self.first = line.into();
        self
    }

    pub(crate) fn with_method(self, method: &str) -> Self {
        let rest = self.first.split_once(' ').map_or("", |(_, rest)| rest);
        let line = format!("{method} {rest}");
        self.first_line(line)
    }

    pub(crate) fn with_version(self, version: &str) -> Self {
        let rest = self.first.rsplit_once(' ').map_or("", |(rest, _)| rest);
        let line = format!("{rest} {version}");
        self.first_line(line)
    }

    /// Removes spaces at the end of the first line.
    pub(crate) fn trimmed(self) -> Self {
        let line = self.first.trim_end().to_owned();
        self.first_line(line)
    }

    /// Appends a suffix to the target.
    pub(crate) fn with_suffix(self, suffix: &str) -> Self {
        let line = self.first.replacen(" HTTP/", &format!("{suffix} HTTP/"), 1);
        self.first_line(line)
    }

    /// Replaces the path and query by the whole URL.
    pub(crate) fn with_absolute_target(self) -> Self {
        let host = self.value("Host").unwrap_or_default();
        let line = self.first.replacen(" /", &format!(" http://{host}/"), 1);
        self.first_line(line)
    }

    /// Returns the fields of a head of HTTP/2.
    pub(crate) fn fields(self) -> http2::Fields {
        let headers = self.headers.into_iter();
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect()
    }

    /// Returns the values of all headers of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter();
        let named = headers.filter(move |(header, _)| header.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Returns the value of the first header of this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let named = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }

    /// Returns all bytes, up to the empty line. A head of HTTP/2 is a line for each field, which
    /// the transport compresses. Names are in lower case there (RFC 9113 §8.2.1).
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let headers = self.headers.iter();
        if self.is_http2() {
            let lines =
                headers.map(|(name, value)| format!("{}: {value}\r\n", name.to_lowercase()));
            return (lines.collect::<String>() + "\r\n").into_bytes();
        }
        let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines: String = lines.collect();
        format!("{}\r\n{lines}\r\n", self.first).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_changed_in_place() {
        let head = Head::new(
            "GET / HTTP/1.1".to_owned(),
            &[("A", "1"), ("B", "2"), ("C", "3")],
        );
        let head = head
            .set("a", "x")
            .without("B")
            .add("C ", "\t4")
            .set("D", "5");
        let expected = "GET / HTTP/1.1\r\na: x\r\nC: 3\r\nC : \t4\r\nD: 5\r\n\r\n";
        assert_eq!(String::from_utf8(head.bytes()).unwrap(), expected);
        assert_eq!(head.value("d"), Some("5"));
    }

    #[test]
    fn the_first_line_is_changed_in_parts() {
        let head = || Head::new("GET /a HTTP/1.1".to_owned(), &[("Host", "b:1")]);
        assert_eq!(head().with_method("POST").first, "POST /a HTTP/1.1");
        assert_eq!(head().with_version("HTTP/1.0").first, "GET /a HTTP/1.0");
        assert_eq!(head().with_suffix("#x").first, "GET /a#x HTTP/1.1");
        assert_eq!(
            head().with_absolute_target().first,
            "GET http://b:1/a HTTP/1.1"
        );
    }
}
