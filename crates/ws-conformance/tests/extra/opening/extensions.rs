//! Lists of extensions (RFC 6455 §9.1) and the parameters of permessage-deflate (RFC 7692 §7.1).

use super::head::is_token;
use crate::check::Check;

pub(crate) const HEADER: &str = "Sec-WebSocket-Extensions";
pub(crate) const DEFLATE: &str = "permessage-deflate";

/// One extension of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(crate) parameters: Vec<(String, Option<String>)>,
}

/// The way to treat a list with a mistake in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistakes {
    /// The whole list is void.
    Fatal,
    /// A part that makes no sense is skipped.
    Skipped,
}

impl Extension {
    /// The extensions of some header lines; none if there is a mistake that counts.
    pub(crate) fn list(lines: &[&str], mistakes: Mistakes) -> Option<Vec<Self>> {
        let items = lines.iter().flat_map(|line| line.split(','));
        let items = items.map(str::trim).filter(|item| !item.is_empty());
        let read = items.map(|item| Self::read(item, mistakes));
        match mistakes {
            Mistakes::Fatal => read.collect(),
            Mistakes::Skipped => Some(read.flatten().collect()),
        }
    }

    /// Reads one item. A semicolon without a parameter is allowed.
    fn read(item: &str, mistakes: Mistakes) -> Option<Self> {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().filter(|name| is_token(name))?.to_owned();
        let read = parts.filter(|part| !part.is_empty()).map(parameter);
        let parameters = match mistakes {
            Mistakes::Fatal => read.collect::<Option<_>>()?,
            Mistakes::Skipped => read.flatten().collect(),
        };
        Some(Self { name, parameters })
    }

    pub(crate) fn is_deflate(&self) -> bool {
        self.name.eq_ignore_ascii_case(DEFLATE)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known == name)
    }

    /// The values of the parameters of this name.
    pub(crate) fn values(&self, name: &str) -> Vec<Option<&str>> {
        let named = self.parameters.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_deref()).collect()
    }
}

fn parameter(part: &str) -> Option<(String, Option<String>)> {
    let (name, value) = match part.split_once('=') {
        Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
        None => (part, None),
    };
    let is_right = is_token(name) && value.is_none_or(is_token);
    is_right.then(|| (name.to_owned(), value.map(str::to_owned)))
}

/// The text between quotation marks, if there are two.
fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or(value)
}

/// The checks of an offer of permessage-deflate, and of an answer, except that in an answer
/// `client_max_window_bits` has a value.
pub(crate) const PARAMETERS: &[Check<Extension>] = &[
    Check {
        name: "unknown-parameter",
        requires: "each parameter of permessage-deflate is a known one",
        passes: |it| it.parameters.iter().all(|(name, _)| is_known(name)),
    },
    Check {
        name: "repeated-parameter",
        requires: "no parameter of permessage-deflate is repeated",
        passes: |it| {
            it.parameters
                .iter()
                .all(|(name, _)| it.values(name).len() < 2)
        },
    },
    Check {
        name: "flag-value",
        requires: "no_context_takeover has no value",
        passes: |it| has_only(it, &FLAGS, |value| value.is_none()),
    },
    Check {
        name: "missing-window",
        requires: "server_max_window_bits has a value",
        passes: |it| has_only(it, &[SERVER_BITS], |value| value.is_some()),
    },
    Check {
        name: "window-number",
        requires: "the value of max_window_bits consists of digits",
        passes: |it| windows(it, |value| value.bytes().all(|byte| byte.is_ascii_digit())),
    },
    Check {
        name: "window-zero",
        requires: "the value of max_window_bits has no zero in front",
        passes: |it| windows(it, |value| !value.starts_with('0')),
    },
    Check {
        name: "small-window",
        requires: "max_window_bits is 8 or more",
        passes: |it| windows(it, |value| number(value).is_none_or(|bits| bits >= 8)),
    },
    Check {
        name: "large-window",
        requires: "max_window_bits is 15 or less",
        passes: |it| windows(it, |value| number(value).is_none_or(|bits| bits <= 15)),
    },
];

pub(crate) const SERVER_BITS: &str = "server_max_window_bits";
pub(crate) const CLIENT_BITS: &str = "client_max_window_bits";
pub(crate) const FLAGS: [&str; 2] = ["server_no_context_takeover", "client_no_context_takeover"];

fn is_known(name: &str) -> bool {
    FLAGS.contains(&name) || name == SERVER_BITS || name == CLIENT_BITS
}

fn has_only(it: &Extension, names: &[&str], allowed: fn(Option<&str>) -> bool) -> bool {
    let values = names.iter().flat_map(|name| it.values(name));
    values.into_iter().all(allowed)
}

fn windows(it: &Extension, allowed: fn(&str) -> bool) -> bool {
    let values = [SERVER_BITS, CLIENT_BITS].map(|name| it.values(name));
    values.into_iter().flatten().flatten().all(allowed)
}

pub(crate) fn number(value: &str) -> Option<u32> {
    value.parse().ok()
}
