//! How the connection ended: the fields of the record, each with what it means.

use super::stored::{ExpectedClose, Stored};
use super::words::visible;

/// Longer than any reason of a Close, in hexadecimal.
const MOST_TEXT: usize = 300;

/// A field of the record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) meaning: &'static str,
}

/// All fields about the end of the connection, in the order of the original.
pub(super) fn facts(stored: &Stored) -> Vec<Fact> {
    let fact = |key, value, meaning| Fact {
        key,
        value,
        meaning,
    };
    vec![
        fact(
            "isServer",
            flag(stored.is_server),
            "The suite was the server, and the testee the client.",
        ),
        fact(
            "closedByMe",
            flag(stored.closed_by_me),
            "The suite was the first to send a Close.",
        ),
        fact(
            "failedByMe",
            flag(stored.failed_by_me),
            "The suite failed the connection, by a Close or by ending TCP: the testee broke a rule, \
             or time was up.",
        ),
        fact(
            "droppedByMe",
            flag(stored.dropped_by_me),
            "The suite ended TCP without waiting for the testee.",
        ),
        fact(
            "wasClean",
            flag(stored.was_clean),
            "Both sides sent a Close, and then the server ended TCP, as is its part.",
        ),
        fact(
            "wasNotCleanReason",
            text(stored.was_not_clean_reason.as_deref()),
            "If the end was not clean: why.",
        ),
        fact(
            "wasServerConnectionDropTimeout",
            flag(stored.was_server_connection_drop_timeout),
            "The tested server did not end TCP in time.",
        ),
        fact(
            "wasOpenHandshakeTimeout",
            flag(stored.was_open_handshake_timeout),
            "The opening handshake was not completed in time.",
        ),
        fact(
            "wasCloseHandshakeTimeout",
            flag(stored.was_close_handshake_timeout),
            "The testee did not answer the suite's Close in time.",
        ),
        fact(
            "localCloseCode",
            code(stored.local_close_code),
            "The code of the suite's Close, if it sent one.",
        ),
        fact(
            "localCloseReason",
            text(stored.local_close_reason.as_deref()),
            "The reason in the suite's Close.",
        ),
        fact(
            "remoteCloseCode",
            code(stored.remote_close_code),
            "The code of the testee's Close, if it sent one.",
        ),
        fact(
            "remoteCloseReason",
            text(stored.remote_close_reason.as_deref()),
            "The reason in the testee's Close.",
        ),
    ]
}

/// What the case wants of the end, in a sentence; nothing if the connection was never open.
pub(super) fn wanted(expected: &ExpectedClose) -> Option<String> {
    let who = match expected.closed_by_me? {
        true => "The suite sends Close first",
        false => "The testee fails the connection, with a Close or by ending TCP",
    };
    let codes: Vec<_> = expected.close_code.iter().map(u16::to_string).collect();
    let codes = match &*codes {
        [] => String::new(),
        codes => format!(
            "; a close code of the testee, if any, is {}",
            codes.join(" or ")
        ),
    };
    let clean = match expected.require_clean {
        true => "; the closing handshake is completed",
        false => "",
    };
    Some(format!("{who}{codes}{clean}."))
}

fn flag(value: Option<bool>) -> String {
    match value {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => "–".to_owned(),
    }
}

fn code(value: Option<u16>) -> String {
    match value {
        Some(code) => match meaning(code) {
            Some(meaning) => format!("{code} ({meaning})"),
            None => code.to_string(),
        },
        None => "none".to_owned(),
    }
}

/// What RFC 6455 §7.4.1 and the registry of close codes say.
fn meaning(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1007 => "invalid payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "extension missing",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        _ => return None,
    })
}

fn text(value: Option<&str>) -> String {
    match value {
        Some(text) => format!("“{}”", visible(text, MOST_TEXT)),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_of_the_original_is_shown() {
        let stored = json!({"closedByMe": true, "remoteCloseCode": 1002, "remoteCloseReason": ""});
        let facts = facts(&serde_json::from_value(stored).unwrap());
        let value = |key: &str| {
            let fact = facts.iter().find(|fact| fact.key == key).unwrap();
            &*fact.value
        };
        assert_eq!(facts.len(), 13);
        assert_eq!(value("closedByMe"), "yes");
        assert_eq!(value("isServer"), "–");
        assert_eq!(value("localCloseCode"), "none");
        assert_eq!(value("remoteCloseCode"), "1002 (protocol error)");
        assert_eq!(value("remoteCloseReason"), "“”");
    }

    #[test]
    fn the_wanted_end_is_a_sentence() {
        let expected = json!({"closedByMe": false, "closeCode": [1002], "requireClean": false});
        let expected = serde_json::from_value(expected).unwrap();
        assert_eq!(
            wanted(&expected).unwrap(),
            "The testee fails the connection, with a Close or by ending TCP; a close code of the \
             testee, if any, is 1002."
        );
        assert_eq!(wanted(&ExpectedClose::default()), None);
    }
}
