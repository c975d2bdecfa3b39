//! The checks of requests and responses (RFC 8441 §4, RFC 9113 §8).

use super::frame::{Fields, all};
use crate::check::Check;

fn has(fields: &Fields, name: &str) -> bool {
    !all(fields, name).is_empty()
}

pub(super) const REQUEST: &[Check<Fields>] = &[
    Check {
        name: "h2-protocol-missing",
        requires: "there is a :protocol",
        passes: |it| has(it, ":protocol"),
    },
    Check {
        name: "h2-protocol",
        requires: ":protocol is websocket",
        passes: |it| {
            all(it, ":protocol")
                .first()
                .is_none_or(|it| *it == "websocket")
        },
    },
    Check {
        name: "h2-protocol-repeated",
        requires: "there is one :protocol",
        passes: |it| all(it, ":protocol").len() < 2,
    },
    Check {
        name: "h2-method",
        requires: "the method is CONNECT",
        passes: |it| all(it, ":method") == ["CONNECT"],
    },
    Check {
        name: "h2-scheme",
        requires: "there is a :scheme",
        passes: |it| has(it, ":scheme"),
    },
    Check {
        name: "h2-path",
        requires: "there is a :path",
        passes: |it| has(it, ":path"),
    },
    Check {
        name: "h2-path-empty",
        requires: "the :path is not empty",
        passes: |it| all(it, ":path") != [""],
    },
    Check {
        name: "h2-authority",
        requires: "there is an :authority",
        passes: |it| has(it, ":authority"),
    },
    Check {
        name: "h2-connection",
        requires: "there is no `connection`",
        passes: |it| !has(it, "connection"),
    },
    Check {
        name: "h2-upgrade",
        requires: "there is no `upgrade`",
        passes: |it| !has(it, "upgrade"),
    },
    Check {
        name: "h2-transfer-encoding",
        requires: "there is no `transfer-encoding`",
        passes: |it| !has(it, "transfer-encoding"),
    },
    Check {
        name: "h2-capitals",
        requires: "names have no capitals",
        passes: |it| it.iter().all(|(name, _)| *name == name.to_lowercase()),
    },
    Check {
        name: "h2-order",
        requires: "pseudo-header fields come first",
        passes: |it| {
            let mut rest = it.iter().skip_while(|(name, _)| name.starts_with(':'));
            rest.all(|(name, _)| !name.starts_with(':'))
        },
    },
    Check {
        name: "h2-host",
        requires: "`host` is the :authority",
        passes: |it| !has(it, "host") || all(it, "host") == all(it, ":authority"),
    },
    Check {
        name: "h2-version",
        requires: "the version is 13",
        passes: |it| all(it, "sec-websocket-version") == ["13"],
    },
];

pub(super) const RESPONSE: &[Check<Fields>] = &[
    Check {
        name: "h2-status-missing",
        requires: "there is a :status",
        passes: |it| has(it, ":status"),
    },
    Check {
        name: "h2-switching",
        requires: "the status is not 101",
        passes: |it| all(it, ":status") != ["101"],
    },
    Check {
        name: "h2-status-4xx",
        requires: "the status is none of 4xx",
        passes: |it| !all(it, ":status").concat().starts_with('4'),
    },
    Check {
        name: "h2-status-5xx",
        requires: "the status is none of 5xx",
        passes: |it| !all(it, ":status").concat().starts_with('5'),
    },
    Check {
        name: "h2-connection-of-answer",
        requires: "there is no `connection`",
        passes: |it| !has(it, "connection"),
    },
    Check {
        name: "h2-subprotocol",
        requires: "the subprotocol was offered",
        passes: |it| !has(it, "sec-websocket-protocol"),
    },
    Check {
        name: "h2-extension",
        requires: "the extension was offered",
        passes: |it| !has(it, "sec-websocket-extensions"),
    },
];
