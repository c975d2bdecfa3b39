//! The servers that are reached without a proxy.

use std::net::IpAddr;

use crate::ip_range::IpRange;

/// A list in the form of the variable `NO_PROXY`.
#[derive(Clone, Debug, Default)]
pub(crate) struct NoProxy(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Every server.
    All,
    Range(IpRange),
    /// A name and all names below it, without a dot at the beginning or end.
    Name(String),
}

impl NoProxy {
    /// Adds the entries of a list.
    pub(crate) fn add(&mut self, list: &str) {
        // An asterisk with anything else, even a space, is a name for curl.
        if list == "*" {
            return self.0.push(Entry::All);
        }
        let is_separator = |character: char| character == ',' || character.is_ascii_whitespace();
        self.0
            .extend(list.split(is_separator).filter_map(Entry::parse));
    }

    /// Returns `true` if the list contains this host, which has no brackets.
    pub(crate) fn contains(&self, host: &str) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        let name = host.strip_suffix('.').unwrap_or(host);
        self.0.iter().any(|entry| match (entry, address) {
            (Entry::All, _) => true,
            (Entry::Range(range), Some(address)) => range.contains(address),
            (Entry::Name(domain), None) => is_below(name, domain),
            (Entry::Range(_), None) | (Entry::Name(_), Some(_)) => false,
        })
    }
}

impl Entry {
    fn parse(entry: &str) -> Option<Self> {
        if let Some(range) = range(entry) {
            return Some(Self::Range(range));
        }
        let name = entry.strip_suffix('.').unwrap_or(entry);
        let name = name.strip_prefix('.').unwrap_or(name);
        (!name.is_empty()).then(|| Self::Name(name.to_owned()))
    }
}

/// Parses an address or a range. An IPv6 address may have brackets.
fn range(entry: &str) -> Option<IpRange> {
    let range = match entry.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, rest)| {
            let is_ipv6 = address.contains(':');
            is_ipv6.then(|| format!("{address}{rest}"))
        })??,
        None => entry.to_owned(),
    };
    range.parse().ok()
}

/// Returns `true` if `name` is `domain`, or a name below it.
fn is_below(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.as_bytes(), domain.as_bytes());
    let Some(at) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let (below, tail) = name.split_at_checked(at).unwrap_or_default();
    tail.eq_ignore_ascii_case(domain) && matches!(below.last(), None | Some(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &str, host: &str) -> bool {
        let mut exceptions = NoProxy::default();
        exceptions.add(list);
        exceptions.contains(host)
    }

    #[test]
    fn hosts_are_compared_as_curl_does() {
        for (host, list, expected) in [
            (
                "www.example.com",
                "localhost,.example.com,.example.de",
                true,
            ),
            ("www.example.com.", "localhost,.example.com", true),
            ("example.com", "localhost,.example.com", true),
            ("example.com.", "localhost,example.com", true),
            ("www.example.com", "localhost,.example.com.,x", true),
            ("nexample.com", "localhost,example.com", false),
            ("example.com", "www.example.com", false),
            ("example.com.org", "example.com", false),
            ("EXAMPLE.com", "foo, eXample.COM", true),
            ("foobar", "barfoo", false),
            ("bar", "foo,,,,,              bar, ::1/64", true),
            ("a", "*", true),
            ("a", " * ", false),
            ("::1", "*", true),
            ("a", "b,*", false),
            ("a.example.com", "*.example.com", false),
            ("a", "", false),
            ("a", ".", false),
            ("a", "..", false),
            ("a", ",", false),
            // An entry with a port matches nothing.
            ("example.com", "example.com:80", false),
            ("127.0.0.1", "127.0.0.1:80", false),
        ] {
            assert_eq!(contains(list, host), expected, "{host} in {list:?}");
        }
    }

    #[test]
    fn addresses_are_compared_as_curl_does() {
        for (host, list, expected) in [
            ("127.0.0.1", "127.0.0.1,localhost", true),
            ("127.0.0.1", "localhost,127.0.0.1/8,", true),
            ("192.168.0.1", "192.168.0.0/16", true),
            ("192.168.0.1", "192.168.0.0/16 ", true),
            ("192.168.0.1", "192.168.0.0/16a", false),
            ("192.168.0.1", "192.168.0.0/ 16", false),
            ("192.168.0.1", "192.168.0.0/32", false),
            ("192.168.0.1", "192.168.0.1/33", false),
            ("192.168.0.1", "192.168.0.0", false),
            ("192.168.1.1", "foo, bar, 192.168.0.0/24", false),
            ("192.168.1.1", "foo, bar, 192.168.0.0/16", true),
            // An address has no names below it.
            ("127.0.0.1", ".0.0.1", false),
            ("127.0.0.1", "0.1", false),
            ("::1", "::1/64", true),
            ("::1", "0:0::1", true),
            ("::1", "::1/129", false),
            ("2001:db8::1", "2001:db8::/65", true),
            ("2001:db8:8000::1", "2001:db8::/33", false),
        ] {
            assert_eq!(contains(list, host), expected, "{host} in {list:?}");
        }
    }

    #[test]
    fn entries_that_curl_does_not_read() {
        for (host, list) in [
            ("www.example.com", "localhost .example.com"),
            ("b", "a\tb\nc"),
            ("::1", "[::1]"),
            ("2001:db8::1", "[2001:db8::]/32"),
            ("192.0.2.1", "0.0.0.0/0"),
        ] {
            assert!(contains(list, host), "{host} in {list:?}");
        }
        for malformed in ["[::1", "[]", "[::1]]", "[[::1]"] {
            assert!(!contains(malformed, "::1"), "{malformed}");
        }
    }
}
