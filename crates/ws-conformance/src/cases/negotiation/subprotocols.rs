//! 21.1: subprotocols.

use crate::case::Case;
use crate::case::Roles::Server;
use crate::cases::opening::opened_or_refused;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::passed;
use crate::http::Head;

const TITLE: &str = "Negotiation: subprotocols";
const HEADER: &str = "Sec-WebSocket-Protocol";
const NAMES: [&str; 2] = ["SuperChat", "chat"];

pub(super) fn cases() -> Vec<Case> {
    vec![
        none(),
        two("21.1.2", "in one line", |head| {
            head.add(HEADER, &NAMES.join(", "))
        }),
        two("21.1.3", "in two lines", |head| {
            head.add(HEADER, NAMES[0]).add(HEADER, NAMES[1])
        }),
        malformed("21.1.4", "the same subprotocol twice", "chat, chat"),
        malformed("21.1.5", "an empty list of subprotocols", ""),
        malformed(
            "21.1.6",
            "a subprotocol with a space in its name",
            "super chat",
        ),
    ]
}

fn none() -> Case {
    let rules = &["RFC 6455 §4.2.2"];
    let case = Case::new("21.1.1", Server, TITLE, rules, |peer| {
        let request = peer.request();
        peer.send_request(&request)?;
        peer.expect_opened(&request)?;
        peer.expect_to_be_alive()?;
        passed("The server chose no subprotocol.")
    });
    case.does("Offers no subprotocol.")
        .wants("Status 101 without `Sec-WebSocket-Protocol`.")
}

fn two(id: &str, how: &str, offer: fn(Head) -> Head) -> Case {
    let rules = &["RFC 6455 §4.2.2", "RFC 6455 §11.3.4"];
    let case = Case::new(id, Server, TITLE, rules, move |peer| {
        let request = peer.request().with(offer);
        peer.send_request(&request)?;
        let response = peer.expect_opened(&request)?;
        let outcome = judge(&response.all(HEADER));
        peer.expect_to_be_alive()?;
        outcome
    });
    case.does(format!("Offers two subprotocols, {how}."))
        .wants("Status 101 without `Sec-WebSocket-Protocol`, or with exactly one of the two, in the same case.")
}

fn judge(chosen: &[&str]) -> Outcome {
    match chosen {
        [] => passed("The server chose none."),
        [one] if NAMES.contains(one) => passed(format!("The server chose {one}.")),
        other => Miss::must(format!(
            "The server chose {other:?}, which was not offered."
        )),
    }
}

fn malformed(id: &str, offers: &str, list: &'static str) -> Case {
    let rules = &["RFC 6455 §4.1", "RFC 6455 §4.3"];
    let case = Case::new(id, Server, TITLE, rules, move |peer| {
        let request = peer.request().with(|head| head.add(HEADER, list));
        peer.send_request(&request)?;
        opened_or_refused(peer, &request)
    });
    case.does(format!("Offers {offers}."))
        .wants("An error status, or 101 as if nothing, or not that, were offered.")
        .informational()
}
