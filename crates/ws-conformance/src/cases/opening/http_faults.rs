//! 20.5: requests that a server refuses because they are wrong HTTP.

use super::reactions::{
    ToRequest, expect_server_to_open, expect_server_to_refuse, expect_server_to_reject,
    judge_opened, to_request,
};
use super::rules;
use crate::case::Roles::Server;
use crate::case::{Case, Rule};
use crate::dialogue::{Outcome, Peer};
use crate::http::{Head, Request};

pub(super) const TITLE: &str = "Opening handshake: wrong HTTP";

type Change = fn(Head) -> Head;

pub(super) fn cases() -> Vec<Case> {
    [bad_requests(), wrong_lines(), wrong_values(), folded()]
        .into_iter()
        .flatten()
        .collect()
}

/// Requests for which a sentence names the status.
fn bad_requests() -> Vec<Case> {
    let bad = |id, sends, rule, change: Change| {
        let case = request(id, sends, rule, change, |peer, _| {
            to_request(peer)?.expect_status(400)
        });
        case.wants("The server answers with status 400.")
    };
    vec![
        bad("20.5.1", "without Host", &rules::HOST, |head| {
            head.without("Host")
        }),
        bad("20.5.2", "with two Host lines", &rules::HOST, |head| {
            head.add("Host", "elsewhere")
        }),
        bad(
            "20.5.3",
            "with a space within its Host",
            &rules::HOST,
            |head| head.set("Host", "some where"),
        ),
        bad(
            "20.5.10",
            "with a space before the colon of a header",
            &rules::SPACE_BEFORE_COLON,
            |head| head.add("X-Test ", "a"),
        ),
    ]
}

fn wrong_lines() -> Vec<Case> {
    let refused = |id, sends, rule: &'static Rule, change: Change| {
        let case = request(id, sends, rule, change, |peer, _| {
            expect_server_to_refuse(peer, rule.level)
        });
        case.wants("The server answers with an error status, not with 101.")
    };
    vec![
        refused("20.5.4", "with the method POST", &rules::MISMATCH, |head| {
            head.with_method("POST")
        }),
        refused("20.5.5", "with the method HEAD", &rules::MISMATCH, |head| {
            head.with_method("HEAD")
        }),
        refused("20.5.6", "of HTTP/1.0", &rules::MISMATCH, |head| {
            head.with_version("HTTP/1.0")
        })
        .see(&["RFC 9110 §7.8"]),
        newer_version(),
        no_version(),
        refused(
            "20.5.9",
            "whose target has a fragment",
            &rules::REQUEST_LINE,
            |head| head.with_suffix("#fragment"),
        )
        .see(&["RFC 9112 §3.2", "RFC 6455 §3"]),
    ]
}

fn newer_version() -> Case {
    let rule = &rules::MAJOR_VERSION;
    let change = |head: Head| head.with_version("HTTP/2.0");
    let sends = "with HTTP/2.0 in its first line";
    let case = request("20.5.7", sends, rule, change, |peer, request| {
        expect_server_to_open(peer, request, rule.level)
    });
    case.see(&["RFC 6455 §4.2.1"]).wants(
        "The server answers with status 505 or another error, or with 101, and then echoes a \
         message.",
    )
}

/// Returns a case with HTTP/0.9, which has no status and no headers. The end of TCP is therefore
/// also an answer.
fn no_version() -> Case {
    let change = |head: Head| head.with_version("").trimmed();
    let sends = "whose first line has no version";
    let case = request("20.5.8", sends, &rules::MISMATCH, change, |peer, _| {
        expect_server_to_reject(peer)
    });
    case.see(&["RFC 9112 §3"])
        .wants("The server answers with an error status, not with 101, or ends TCP.")
}

fn wrong_values() -> Vec<Case> {
    let rejected = |id, sends, rule, change: Change| {
        let case = request(id, sends, rule, change, |peer, _| {
            expect_server_to_reject(peer)
        });
        case.wants("The server answers with an error status, not with 101, or ends TCP.")
    };
    vec![
        rejected(
            "20.5.12",
            "whose only `Upgrade: websocket` is in the value of another header, after a lone CR",
            &rules::BARE_CR,
            |head| {
                head.without("Upgrade")
                    .add("X-Test", "a\rUpgrade: websocket")
            },
        ),
        rejected(
            "20.5.13",
            "with a NUL within its Upgrade",
            &rules::NUL,
            |head| head.set("Upgrade", "web\0socket"),
        ),
    ]
}

fn folded() -> Vec<Case> {
    let folded = |id, sends, change: Change| {
        let case = request(
            id,
            sends,
            &rules::FOLDED_REQUEST,
            change,
            open_or_bad_request,
        );
        case.wants("The server answers with status 400, or with 101, and then echoes a message.")
    };
    vec![
        folded(
            "20.5.11",
            "with an unknown header that continues in the next line",
            |head| head.add("X-Test", "a\r\n b"),
        ),
        folded(
            "20.5.21",
            "with a Connection that continues in the next line",
            |head| head.set("Connection", "keep-alive,\r\n Upgrade"),
        ),
    ]
}

fn open_or_bad_request(peer: &mut Peer<'_>, request: &Request) -> Outcome {
    match to_request(peer)? {
        ToRequest::Opened(response) => judge_opened(peer, &response, request),
        other => other.expect_status(400),
    }
}

/// Returns a case with a changed request, and the right reaction.
fn request(
    id: &str,
    sends: &str,
    rule: &'static Rule,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
    judge: impl Fn(&mut Peer<'_>, &Request) -> Outcome + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Server, TITLE, rule, move |peer| {
        let request = peer.request().with(&change);
        peer.send_request(&request)?;
        judge(peer, &request)
    });
    case.does(format!("Sends a request {sends}."))
}
