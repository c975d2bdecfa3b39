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
        // An asterisk in a longer list is a name for curl.
        if list.trim() == "*" {
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
        let address = match entry.strip_prefix('[') {
            Some(rest) => rest.replacen(']', "", 1),
            None => entry.to_owned(),
        };
        if let Ok(range) = address.parse() {
            return Some(Self::Range(range));
        }
        let name = entry.strip_suffix('.').unwrap_or(entry);
        let name = name.strip_prefix('.').unwrap_or(name);
        (!name.is_empty()).then(|| Self::Name(name.to_owned()))
    }
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
