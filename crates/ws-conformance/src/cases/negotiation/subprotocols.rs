//! 21.1: subprotocols.

use super::rules;
use crate::case::Roles::Server;
use crate::case::{Case, Level, Rule};
use crate::cases::opening::miss;
use crate::dialogue::{Miss, Outcome, Peer, passed};
use crate::http::Head;

const TITLE: &str = "Negotiation: subprotocols";
const HEADER: &str = "Sec-WebSocket-Protocol";

pub(super) fn cases() -> Vec<Case> {
    vec![
        none(),
        right(
            "21.1.2",
            "two subprotocols in one line",
            &rules::CHOSEN_PROTOCOL,
            &["SuperChat, chat"],
            &["SuperChat", "chat"],
        ),
        right(
            "21.1.3",
            "two subprotocols, each in a line of its own",
            &rules::CHOSEN_PROTOCOL,
            &["SuperChat", "chat"],
            &["SuperChat", "chat"],
        )
        .see(&["RFC 6455 §11.3.4"]),
        wrong("21.1.4", "a subprotocol twice", "chat, chat", &["chat"]),
        wrong("21.1.5", "an empty list of subprotocols", "", &[]),
        wrong(
            "21.1.6",
            "a subprotocol with a space in its name",
            "super chat",
            &[],
        ),
        right(
            "21.1.7",
            "a subprotocol between empty elements of the list, `, chat ,,`",
            &rules::EMPTY_ELEMENTS,
            &[", chat ,,"],
            &["chat"],
        ),
    ]
}

fn none() -> Case {
    let case = Case::new("21.1.1", Server, TITLE, &rules::NO_PROTOCOL, |peer| {
        let request = peer.request().with(|head| head.without(HEADER));
        peer.send_request(&request)?;
        peer.expect_opened(&request)?;
        peer.expect_to_be_alive()?;
        passed("The server chose no subprotocol.")
    });
    case.does("Offers no subprotocol, and then sends a message.")
        .wants(
            "The server answers with status 101 and without Sec-WebSocket-Protocol, and echoes \
             the message.",
        )
}

/// Returns a case that offers subprotocols as a client may, each line in a header of its own.
fn right(
    id: &str,
    offers: &str,
    rule: &'static Rule,
    lines: &'static [&'static str],
    names: &'static [&'static str],
) -> Case {
    let case = Case::new(id, Server, TITLE, rule, move |peer| {
        choose(peer, lines, names, rule.level)
    });
    case.does(format!("Offers {offers}, and then sends a message."))
        .wants(
            "The server answers with status 101. It chooses no subprotocol, or one that was \
             offered, in the same case. It echoes the message.",
        )
}

/// Returns a case that offers subprotocols as a client must not.
fn wrong(id: &str, offers: &str, list: &'static str, names: &'static [&'static str]) -> Case {
    let rule = &rules::OFFERED_PROTOCOLS;
    let case = Case::new(id, Server, TITLE, rule, move |peer| {
        choose(peer, &[list], names, rule.level)
    });
    case.see(&["RFC 6455 §4.2.2", "RFC 6455 §4.3"])
        .does(format!("Offers {offers}, and then sends a message."))
        .wants(
            "The server answers with an error status, or with 101, and then echoes the message. \
             If it chooses a subprotocol, the client has offered it.",
        )
}

/// Offers these lines and checks the choice, which is one of the names or none. A refusal is a miss
/// of this level.
fn choose(peer: &mut Peer<'_>, lines: &[&str], names: &[&str], level: Level) -> Outcome {
    let add = |head: Head, line: &&str| head.add(HEADER, line);
    let request = peer.request().with(|head| head.without(HEADER));
    let request = request.with(|head| lines.iter().fold(head, add));
    peer.send_request(&request)?;
    let response = peer.expect_opened_or_refused(&request)?;
    if !response.opens() {
        let status = response.status;
        return miss(level, format!("The server refused with status {status}."));
    }
    peer.expect_to_be_alive()?;
    match response.all(HEADER)[..] {
        [] => passed("The server chose none."),
        [one] if names.contains(&one) => passed(format!("The server chose `{one}`.")),
        ref other => Miss::must(format!(
            "The server chose {other:?}, which was not offered."
        )),
    }
}
