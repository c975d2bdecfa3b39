//! 22.3: responses that are unusual and valid, or nearly valid.

use super::agreed::{accept, offer};
use super::odd::as_latin1;
use super::reactions::expect_client_to_open;
use super::responses::{accepts_it, not_applicable};
use super::rules;
use crate::case::Roles::Client;
use crate::case::{Case, Rule};
use crate::deflate::Extension;
use crate::http::Head;

const TITLE: &str = "Opening handshake of a client: odd responses";
const ACCEPT: &str = "Sec-WebSocket-Accept";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(super) fn cases() -> Vec<Case> {
    [first_lines(), fields(), lists(), empty()]
        .into_iter()
        .flatten()
        .collect()
}

fn first_lines() -> Vec<Case> {
    let line = |id, rule, sends: &str, line: &'static str| {
        odd(id, rule, sends, move |head| head.first_line(line))
    };
    vec![
        line(
            "22.3.1",
            &rules::STATUS_LINE,
            "without a reason phrase, whose first line ends with the space after 101",
            "HTTP/1.1 101 ",
        ),
        line(
            "22.3.2",
            &rules::SPACE_BEFORE_REASON,
            "without a reason phrase, whose first line ends with 101",
            "HTTP/1.1 101",
        ),
        line(
            "22.3.3",
            &rules::REASON_PHRASE,
            "with the reason phrase `200 OK`",
            "HTTP/1.1 101 200 OK",
        ),
        line(
            "22.3.4",
            &rules::REASON_PHRASE,
            "with the bytes e9 and ff in its reason phrase",
            "HTTP/1.1 101 Chang\u{e9} \u{ff}",
        ),
    ]
}

fn fields() -> Vec<Case> {
    let folded = &rules::FOLDED_RESPONSE;
    vec![
        odd(
            "22.3.5",
            &rules::OBS_TEXT,
            "with the bytes e9 and ff in the value of an unknown header",
            |head| head.add("X-Note", "Caf\u{e9} \u{ff}"),
        ),
        odd(
            "22.3.6",
            &rules::UNKNOWN_FIELDS,
            "with 8 KiB of unknown headers",
            |head| {
                let add = |head: Head, n| head.add(&format!("X-Unknown-{n}"), &"x".repeat(112));
                (0..64).fold(head, add)
            },
        )
        .see(&["RFC 9110 §5.4"]),
        odd(
            "22.3.7",
            folded,
            "with an unknown header that continues in the next line",
            |head| head.add("X-Test", "a\r\n b"),
        ),
        odd(
            "22.3.8",
            folded,
            "with a Connection that continues in the next line",
            |head| head.set("Connection", "keep-alive,\r\n Upgrade"),
        ),
        odd(
            "22.3.9",
            folded,
            "whose accept value is in the next line",
            |head| {
                let value = format!("\r\n {}", head.value(ACCEPT).unwrap_or_default());
                head.set(ACCEPT, &value)
            },
        ),
    ]
}

fn lists() -> Vec<Case> {
    let connection = |id, rule, sends: &str, lines: &'static [&'static str]| {
        odd(id, rule, sends, move |head| {
            let add = |head: Head, value: &&str| head.add("Connection", value);
            lines.iter().fold(head.without("Connection"), add)
        })
    };
    vec![
        connection(
            "22.3.10",
            &rules::REPEATED_FIELD,
            "with two Connection lines, the second of which has `Upgrade`",
            &["keep-alive", "Upgrade"],
        ),
        connection(
            "22.3.11",
            &rules::REPEATED_FIELD,
            "with two Connection lines, the first of which has `Upgrade`",
            &["Upgrade", "keep-alive"],
        ),
        connection(
            "22.3.12",
            &rules::EMPTY_ELEMENTS,
            "with `Connection: , Upgrade ,,`",
            &[", Upgrade ,,"],
        ),
        connection(
            "22.3.13",
            &rules::EMPTY_ELEMENTS,
            "with two Connection lines, the first of which is empty",
            &["", "Upgrade"],
        ),
        odd(
            "22.3.14",
            &rules::LISTED_UPGRADE,
            "with `Upgrade: , websocket ,,`",
            |head| head.set("Upgrade", ", websocket ,,"),
        )
        .see(&["RFC 9110 §5.6.1.2", "RFC 9110 §7.8"]),
        empty_extensions(),
    ]
}

/// Only a client that offers permessage-deflate can be tested.
fn empty_extensions() -> Case {
    let rule = &rules::EMPTY_ELEMENTS;
    let case = Case::new("22.3.15", Client, TITLE, rule, |peer| {
        let Some(offer) = offer(peer) else {
            return not_applicable(peer, "The client does not offer permessage-deflate.");
        };
        let list = format!(", {} ,,", accept(&offer, ""));
        let answer = peer.answer().with(|head| head.add(EXTENSIONS, &list));
        peer.send_answer(&answer)?;
        for agreed in Extension::list(&[&list]) {
            peer.inflate(agreed.of_client());
        }
        expect_client_to_open(peer, rule.level)
    });
    accepts_it(
        case.see(&["RFC 6455 §9.1"]),
        "with `Sec-WebSocket-Extensions: , permessage-deflate ,,`, if that was offered",
    )
}

fn empty() -> Vec<Case> {
    let empty = |id, rule, name: &'static str| {
        odd(id, rule, &format!("with an empty {name}"), move |head| {
            head.add(name, "")
        })
        .wants("The client opens the connection and echoes the message, or ends TCP.")
    };
    vec![
        empty("22.3.16", &rules::EXTENSION_LIST, EXTENSIONS),
        empty("22.3.17", &rules::EMPTY_PROTOCOL, PROTOCOL),
    ]
}

/// Returns a case with a response, and then a message. Each character of the head takes one byte.
fn odd(
    id: &str,
    rule: &'static Rule,
    sends: &str,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Client, TITLE, rule, move |peer| {
        let answer = peer.answer().with(&change);
        peer.note_answer(&answer);
        peer.send_bytes(&as_latin1(&answer.head))?;
        expect_client_to_open(peer, rule.level)
    });
    accepts_it(case, sends)
}
