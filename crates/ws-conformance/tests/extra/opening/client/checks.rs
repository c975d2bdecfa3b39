//! The checks of a response (RFC 6455 §4.1, RFC 7692 §7.1).

use super::Exchange;
use crate::check::Check;
use crate::opening::extensions::{CLIENT_BITS, Extension, HEADER, Mistakes, SERVER_BITS, number};
use crate::opening::head::{Head, accept};

const ACCEPT: &str = "Sec-WebSocket-Accept";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(super) const ALL: &[Check<Exchange>] = &[
    Check {
        name: "http",
        requires: "the response is HTTP",
        passes: |it| it.response.first.starts_with("HTTP/"),
    },
    Check {
        name: "http-version",
        requires: "the version is HTTP/1.1",
        passes: |it| !is_http(it) || it.response.parts()[0] == "HTTP/1.1",
    },
    Check {
        name: "status",
        requires: "the status is 101",
        passes: |it| !is_http(it) || status(it) == "101",
    },
    Check {
        name: "upgrade-missing",
        requires: "there is an Upgrade",
        passes: |it| !is_http(it) || !it.response.all("Upgrade").is_empty(),
    },
    Check {
        name: "upgrade",
        requires: "Upgrade is websocket",
        passes: |it| {
            let response = &it.response;
            response.all("Upgrade").is_empty() || response.lists("Upgrade", "websocket")
        },
    },
    Check {
        name: "connection-missing",
        requires: "there is a Connection",
        passes: |it| !is_http(it) || !it.response.all("Connection").is_empty(),
    },
    Check {
        name: "connection",
        requires: "Connection lists Upgrade",
        passes: |it| {
            let response = &it.response;
            response.all("Connection").is_empty() || response.lists("Connection", "Upgrade")
        },
    },
    Check {
        name: "accept-missing",
        requires: "there is an accept value",
        passes: |it| !is_http(it) || !it.response.all(ACCEPT).is_empty(),
    },
    Check {
        name: "accept-repeated",
        requires: "there is only one accept value",
        passes: |it| it.response.all(ACCEPT).len() < 2,
    },
    Check {
        name: "accept",
        requires: "the accept value is that of its key",
        passes: |it| {
            let keys = it.request.all("Sec-WebSocket-Key");
            let key = keys.first().copied().unwrap_or_default();
            let mut values = it.response.all(ACCEPT).into_iter();
            values.next().is_none_or(|value| value == accept(key))
        },
    },
    Check {
        name: "protocol-repeated",
        requires: "there is only one subprotocol",
        passes: |it| it.response.all(PROTOCOL).len() < 2,
    },
    Check {
        name: "protocol",
        requires: "the subprotocol was offered",
        passes: |it| {
            let offered = it.request.items(PROTOCOL);
            let chosen = it.response.one(PROTOCOL);
            chosen.is_none_or(|chosen| offered.contains(&chosen))
        },
    },
    Check {
        name: "extension",
        requires: "the extension was offered",
        passes: |it| {
            let offered = offered(it);
            let mut agreed = agreed(it).into_iter().flatten();
            agreed.all(|it| offered.iter().any(|offer| offer.name == it.name))
        },
    },
    Check {
        name: "extension-list",
        requires: "the list of extensions is well-formed",
        passes: |it| agreed(it).is_some(),
    },
    Check {
        name: "extension-repeated",
        requires: "no extension is agreed to twice",
        passes: |it| agreed(it).is_none_or(|agreed| agreed.len() < 2),
    },
    Check {
        name: "client-window-value",
        requires: "client_max_window_bits has a value",
        passes: |it| {
            let agreed = agreed(it).into_iter().flatten();
            let mut values = agreed.flat_map(|it| {
                let values = it.values(CLIENT_BITS).into_iter();
                values.map(|value| value.is_some()).collect::<Vec<_>>()
            });
            values.all(|has_value| has_value)
        },
    },
    Check {
        name: "client-window-unasked",
        requires: "client_max_window_bits was offered",
        passes: |it| {
            let mut agreed = agreed(it).into_iter().flatten();
            let offered = offered(it).iter().any(|offer| offer.has(CLIENT_BITS));
            offered || !agreed.any(|it| it.has(CLIENT_BITS))
        },
    },
    Check {
        name: "server-window-asked",
        requires: "server_max_window_bits is no larger than it asked for",
        passes: |it| {
            let bits = |it: &Extension| match it.values(SERVER_BITS)[..] {
                [Some(bits)] => number(bits).unwrap_or(15),
                _ => 15,
            };
            let most = offered(it).iter().map(bits).max().unwrap_or(15);
            let agreed = agreed(it).into_iter().flatten();
            agreed
                .filter(Extension::is_deflate)
                .all(|it| most >= 15 || bits(&it) <= most)
        },
    },
];

fn is_http(it: &Exchange) -> bool {
    it.response.first.starts_with("HTTP/")
}

pub(super) fn status(it: &Exchange) -> &str {
    it.response.parts().get(1).copied().unwrap_or_default()
}

fn list(head: &Head) -> Option<Vec<Extension>> {
    Extension::list(&head.all(HEADER), Mistakes::Fatal)
}

/// The extensions of the response; none if the list is malformed.
pub(super) fn agreed(it: &Exchange) -> Option<Vec<Extension>> {
    list(&it.response)
}

fn offered(it: &Exchange) -> Vec<Extension> {
    list(&it.request).unwrap_or_default()
}
