//! 20.1: requests that a server has to accept, however they are written.

use crate::case::Case;
use crate::case::Level;
use crate::case::Roles::Server;
use crate::dialogue::passed;
use crate::http::Head;
use crate::wire::Frame;
use std::time::Duration;

use crate::http::SAMPLE_KEY;

const TITLE: &str = "Opening handshake: right requests";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = spelling();
    cases.extend([
        in_octets(),
        cut_in_the_end(),
        with_a_frame(),
        after_an_empty_line(),
    ]);
    cases
}

#[rustfmt::skip]
fn spelling() -> Vec<Case> {
    vec![
        opens("20.1.1", "with the key that the standard shows", &["RFC 6455 §1.3", "RFC 6455 §4.2.2"],
            |head| head.set("Sec-WebSocket-Key", SAMPLE_KEY)),
        opens("20.1.2", "whose header names have odd capitals, with spaces and tabs around values", &["RFC 9110 §5.1", "RFC 9110 §5.5"],
            |head| head.set("uPGRADE", " \t websocket \t ").set("CONNECTION", "\tUpgrade  ").set("sec-websocket-VERSION", " 13 ")),
        opens("20.1.3", "with `Upgrade: WEBSOCKET`", &["RFC 6455 §4.2.1"],
            |head| head.set("Upgrade", "WEBSOCKET")),
        opens("20.1.4", "with `Upgrade: foo, websocket`", &["RFC 9110 §7.8", "RFC 9110 §5.6.1"],
            |head| head.set("Upgrade", "foo, websocket")),
        opens("20.1.5", "with two Upgrade lines, the second of which has websocket", &["RFC 9110 §5.3"],
            |head| head.set("Upgrade", "foo").add("Upgrade", "websocket")),
        opens("20.1.6", "with `Connection: keep-alive, Upgrade`", &["RFC 6455 §4.2.1", "RFC 9110 §7.6.1"],
            |head| head.set("Connection", "keep-alive, Upgrade")),
        opens("20.1.7", "with `connection: upgrade`", &["RFC 6455 §4.2.1", "RFC 9110 §7.6.1"],
            |head| head.set("connection", "upgrade")),
        opens("20.1.8", "with two Connection lines, the second of which has Upgrade", &["RFC 6455 §4.2.1", "RFC 9110 §7.6.1"],
            |head| head.set("Connection", "keep-alive").add("Connection", "Upgrade")),
        opens("20.1.9", "whose target is a whole URL", &["RFC 9112 §3.2.2"],
            Head::with_absolute_target),
        opens("20.1.13", "with 8 KiB of headers that nobody knows", &["RFC 9110 §5.1"],
            |head| (0..64).fold(head, |head, n| head.add(&format!("X-Unknown-{n}"), &"x".repeat(112))))
            .level(Level::Should),
    ]
}

/// A request with a change that changes nothing in what it says.
fn opens(id: &str, sends: &str, rules: &'static [&'static str], change: fn(Head) -> Head) -> Case {
    let case = Case::new(id, Server, TITLE, rules, move |peer| {
        let request = peer.request().with(change);
        peer.send_request(&request)?;
        peer.expect_opened(&request)?;
        peer.expect_to_be_alive()?;
        passed("The server opened the connection and echoed.")
    });
    opens_it(case, sends)
}

fn opens_it(case: Case, sends: &str) -> Case {
    case.does(format!("Sends a request {sends}."))
        .wants("Status 101 with the answer to the key, then the echo of a message.")
}

fn in_octets() -> Case {
    let case = Case::new("20.1.10", Server, TITLE, &["RFC 9112 §2.2"], |peer| {
        let request = peer.request();
        peer.note_request(&request.octets());
        for octet in request.octets() {
            peer.send_octets(&[octet])?;
        }
        peer.expect_opened(&request)?;
        peer.expect_to_be_alive()?;
        passed("The server opened the connection and echoed.")
    });
    opens_it(case, "octet by octet")
}

fn cut_in_the_end() -> Case {
    let case = Case::new("20.1.11", Server, TITLE, &["RFC 9112 §2.2"], |peer| {
        let request = peer.request();
        let octets = request.octets();
        peer.note_request(&octets);
        let (most, end) = octets.split_at(octets.len() - 1);
        peer.send_octets(most)?;
        peer.pause(Duration::from_millis(50))?;
        peer.send_octets(end)?;
        peer.expect_opened(&request)?;
        peer.expect_to_be_alive()?;
        passed("The server opened the connection and echoed.")
    });
    opens_it(case, "that is cut before its last octet")
}

fn with_a_frame() -> Case {
    let case = Case::new("20.1.12", Server, TITLE, &["RFC 6455 §4.1"], |peer| {
        let request = peer.request();
        let early = Frame::text("Too early?");
        let frame = peer.encoded(&early);
        peer.note_request(&request.octets());
        peer.send_octets(&[request.octets(), frame].concat())?;
        peer.expect_opened(&request)?;
        peer.expect_echo(&early)?;
        passed("The server opened the connection and echoed the early message.")
    });
    opens_it(
        case,
        "and, with it, a message that should wait for the response",
    )
    .informational()
}

fn after_an_empty_line() -> Case {
    let case = Case::new("20.1.14", Server, TITLE, &["RFC 9112 §2.2"], |peer| {
        let request = peer.request();
        peer.note_request(&request.octets());
        peer.send_octets(&[b"\r\n", &*request.octets()].concat())?;
        peer.expect_opened(&request)?;
        peer.expect_to_be_alive()?;
        passed("The server opened the connection and echoed.")
    });
    opens_it(case, "after an empty line").informational()
}
