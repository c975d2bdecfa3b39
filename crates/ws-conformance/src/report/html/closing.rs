//! The end of the connection: the fields of the record with their meaning.

use super::stored::{ExpectedClose, Stored};
use super::words::visible;

/// The most characters of a text, more than any close reason in hexadecimal has.
const MOST_TEXT: usize = 300;

/// A field of the record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) meaning: &'static str,
}

/// The key and the meaning of each field, in the order of the original.
const FIELDS: [(&str, &str); 13] = [
    (
        "isServer",
        "The suite was the server, and the testee the client.",
    ),
    ("closedByMe", "The suite was the first to send a Close."),
    (
        "failedByMe",
        "The suite failed the connection, by a Close or by ending TCP: the testee broke a rule, or a \
         time limit passed.",
    ),
    (
        "droppedByMe",
        "The suite ended TCP without waiting for the testee.",
    ),
    (
        "wasClean",
        "Both sides sent a Close, and then the server ended TCP, as it should.",
    ),
    ("wasNotCleanReason", "The reason why the end was not clean."),
    (
        "wasServerConnectionDropTimeout",
        "The tested server did not end TCP in time.",
    ),
    (
        "wasOpenHandshakeTimeout",
        "The opening handshake was not completed in time.",
    ),
    (
        "wasCloseHandshakeTimeout",
        "The testee did not answer the suite's Close in time.",
    ),
    (
        "localCloseCode",
        "The code of the suite's Close, if it sent one.",
    ),
    ("localCloseReason", "The reason in the suite's Close."),
    (
        "remoteCloseCode",
        "The code of the testee's Close, if it sent one.",
    ),
    ("remoteCloseReason", "The reason in the testee's Close."),
];

/// Returns all fields about the end of the connection.
pub(super) fn facts(stored: &Stored) -> Vec<Fact> {
    let values = [
        flag(stored.is_server),
        flag(stored.closed_by_me),
        flag(stored.failed_by_me),
        flag(stored.dropped_by_me),
        flag(stored.was_clean),
        text(stored.was_not_clean_reason.as_deref()),
        flag(stored.was_server_connection_drop_timeout),
        flag(stored.was_open_handshake_timeout),
        flag(stored.was_close_handshake_timeout),
        code(stored.local_close_code),
        text(stored.local_close_reason.as_deref()),
        code(stored.remote_close_code),
        text(stored.remote_close_reason.as_deref()),
    ];
    let facts = FIELDS.into_iter().zip(values);
    facts
        .map(|((key, meaning), value)| Fact {
            key,
            value,
            meaning,
        })
        .collect()
}

/// Describes the expected end in a sentence. Returns `None` if the connection was never open.
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

/// Returns the meaning of a close code in RFC 6455 §7.4.1 and in the registry.
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
