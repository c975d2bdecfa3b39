//! The headers of a request or response.

/// Names and values, in order.
#[derive(Clone, Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a head of HTTP/2, which has a line for each field. Returns `None` for other heads.
    pub(super) fn of_http2(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        text.starts_with(':').then_some(())?;
        let lines = text.split("\r\n").filter(|line| !line.is_empty());
        let field = |line: &str| {
            let (name, value) = line[1..].split_once(':')?;
            Some((format!("{}{name}", &line[..1]), value.trim().to_owned()))
        };
        lines.map(field).collect::<Option<_>>().map(Self)
    }

    pub(super) fn new(headers: &[httparse::Header<'_>]) -> Self {
        let field = |header: &httparse::Header<'_>| {
            let value = String::from_utf8_lossy(header.value);
            (header.name.to_owned(), value.trim().to_owned())
        };
        Self(headers.iter().map(field).collect())
    }

    /// Returns the values of the headers of this name.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter();
        named
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Returns the value of the only header of this name.
    pub(super) fn only(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Returns `true` if a list header of this name has this token.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        let items = self.items(name);
        items.iter().any(|item| item.eq_ignore_ascii_case(token))
    }

    /// Returns the items of all list headers of this name.
    pub(super) fn items(&self, name: &str) -> Vec<String> {
        let values = self.all(name).into_iter();
        values
            .flat_map(|value| value.split(','))
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    }
}
