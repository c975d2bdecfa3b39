//! The checks of a request (RFC 6455 §4.2.1, RFC 9112).

use crate::check::Check;
use crate::opening::head::{Head, is_token};

const KEY: &str = "Sec-WebSocket-Key";
const VERSION: &str = "Sec-WebSocket-Version";
const MAX_HEADERS: usize = 100;

pub(super) const ALL: &[Check<Head>] = &[
    Check {
        name: "request-line",
        requires: "the request line has a version of HTTP",
        passes: |it| it.parts().get(2).is_some_and(|it| it.starts_with("HTTP/")),
    },
    Check {
        name: "method",
        requires: "the method is GET",
        passes: |it| it.parts()[0] == "GET",
    },
    Check {
        name: "http-version",
        requires: "the version is HTTP/1.1",
        passes: |it| it.parts().get(2).is_none_or(|&it| it == "HTTP/1.1"),
    },
    Check {
        name: "fragment",
        requires: "the target has no fragment",
        passes: |it| it.parts().get(1).is_none_or(|target| !target.contains('#')),
    },
    Check {
        name: "header-count",
        requires: "there are 100 headers at most",
        passes: |it| it.fields.len() <= MAX_HEADERS,
    },
    Check {
        name: "header-names",
        requires: "the name of each header is a token",
        passes: |it| it.fields.iter().all(|(name, _)| is_token(name)),
    },
    Check {
        name: "host-missing",
        requires: "there is a Host",
        passes: |it| !it.all("Host").is_empty(),
    },
    Check {
        name: "host-repeated",
        requires: "there is only one Host",
        passes: |it| it.all("Host").len() < 2,
    },
    Check {
        name: "host-value",
        requires: "the Host has no space in it",
        passes: |it| !it.all("Host").iter().any(|host| host.contains(' ')),
    },
    Check {
        name: "upgrade",
        requires: "Upgrade lists websocket",
        passes: |it| it.lists("Upgrade", "websocket"),
    },
    Check {
        name: "connection",
        requires: "Connection lists Upgrade",
        passes: |it| it.lists("Connection", "Upgrade"),
    },
    Check {
        name: "key-missing",
        requires: "there is a key",
        passes: |it| !it.all(KEY).is_empty(),
    },
    Check {
        name: "key-repeated",
        requires: "there is only one key",
        passes: |it| it.all(KEY).len() < 2,
    },
    Check {
        name: "key-length",
        requires: "the key has 16 bytes",
        passes: |it| one_key(it, |key| key.trim_end_matches('=').len() == 22),
    },
    Check {
        name: "key-alphabet",
        requires: "the key consists of characters of base64",
        passes: |it| one_key(it, |key| key.chars().all(is_base64)),
    },
    Check {
        name: "key-padding",
        requires: "the key is padded",
        passes: |it| one_key(it, |key| key.len() % 4 == 0),
    },
    Check {
        name: "version-missing",
        requires: "there is a version",
        passes: |it| !it.all(VERSION).is_empty(),
    },
    Check {
        name: "version-repeated",
        requires: "there is only one version",
        passes: |it| it.all(VERSION).len() < 2,
    },
    Check {
        name: "version",
        requires: "the version is 13",
        passes: |it| it.one(VERSION).is_none_or(|version| version == "13"),
    },
    Check {
        name: "body",
        requires: "the request has no body",
        passes: |it| {
            let length = it.one("Content-Length").is_none_or(|length| length == "0");
            length && it.all("Transfer-Encoding").is_empty()
        },
    },
];

/// Checks a key, if there is exactly one.
fn one_key(request: &Head, passes: fn(&str) -> bool) -> bool {
    request.one(KEY).is_none_or(passes)
}

fn is_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+/=".contains(letter)
}
