//! 20.5, the rest: requests that are answered in more than one right way, or not at all.

use crate::case::Case;
use crate::case::Level;
use crate::case::Roles::Server;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::http::Head;
use std::time::Duration;

use crate::cases::opening::opened_or_refused;

const TITLE: &str = "Opening handshake: strange requests";
/// How long the server may take to lose patience.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn cases() -> Vec<Case> {
    vec![
        no_version(),
        fragment(),
        folded(),
        body(
            "20.5.14",
            "Transfer-Encoding",
            "chunked",
            b"5\r\nHello\r\n0\r\n\r\n",
        ),
        body("20.5.15", "Content-Length", "5", b"Hello"),
        endless(),
        many_headers(),
        half(),
        plain_get(),
        garbage(),
    ]
}

/// HTTP/0.9, which has no status and no headers: silence is an answer, too.
fn no_version() -> Case {
    let case = Case::new("20.5.8", Server, TITLE, &["RFC 6455 §4.2.1"], |peer| {
        let request = peer.request();
        let request = request.with(|head| head.with_version("").trimmed());
        peer.send_request(&request)?;
        refused_or_ended(peer)
    });
    case.does("Sends a request whose first line has no version.")
        .wants("An error status, or the end of TCP, not 101.")
}

fn fragment() -> Case {
    let case = Case::new("20.5.9", Server, TITLE, &["RFC 6455 §3"], |peer| {
        let request = peer.request().with(|head| head.with_suffix("#fragment"));
        peer.send_request(&request)?;
        opened_or_refused(peer, &request)
    });
    case.does("Sends a request whose target has a fragment.")
        .wants("An error status: a target has no fragment.")
        .informational()
}

fn folded() -> Case {
    let case = Case::new("20.5.11", Server, TITLE, &["RFC 9112 §5.2"], |peer| {
        let request = peer.request().with(|head| head.add("X-Test", "a\r\n b"));
        peer.send_request(&request)?;
        opened_or_refused(peer, &request)
    });
    case.does("Sends a request with a header that goes on in the next line.")
        .wants("An error status, or 101: a server may take the line break for a space.")
}

fn body(id: &str, name: &'static str, value: &'static str, body: &'static [u8]) -> Case {
    let case = Case::new(id, Server, TITLE, &["RFC 9112 §6"], move |peer| {
        let request = peer.request().with(|head| head.add(name, value));
        peer.note_request(&request.octets());
        peer.send_octets(&[request.octets(), body.to_vec()].concat())?;
        let status = peer.expect_opened_or_refused(&request)?.status;
        if status != 101 {
            return passed(format!("The server refused with {status}."));
        }
        match peer.expect_to_be_alive() {
            Ok(()) => passed("The server opened the connection and skipped the body."),
            Err(Miss::Must(_)) => {
                Miss::must("The server opened the connection and took the body for frames.")
            }
            other => other.map(|()| String::new()),
        }
    });
    case.does(format!(
        "Sends a request with `{name}: {value}` and a body."
    ))
    .wants("An error status, or 101 if the body is not taken for frames.")
    .informational()
}

/// No standard says how much is too much, but that much is.
fn endless() -> Case {
    let rules = &["RFC 9110 §5.4", "RFC 6455 §10.4"];
    let case = Case::new("20.5.16", Server, TITLE, rules, |peer| {
        let head = peer.request().octets();
        peer.note_request(&head);
        peer.send_octets(&head[..head.len() - 2])?;
        let line = format!("X-Endless: {}\r\n", "x".repeat(1011));
        for _ in 0..1024 {
            peer.send_octets(line.as_bytes())?;
        }
        refused_or_ended(peer)
    });
    case.does("Sends 1 MiB of headers and no end.")
        .wants("Status 431 or another error, or the end of TCP.")
        .level(Level::Should)
}

fn many_headers() -> Case {
    let rules = &["RFC 9110 §5.4", "RFC 6455 §10.4"];
    let case = Case::new("20.5.17", Server, TITLE, rules, |peer| {
        let add = |head: Head| (0..10_000).fold(head, |head, _| head.add("X", "y"));
        let request = peer.request().with(add);
        peer.send_request(&request)?;
        refused_or_ended(peer)
    });
    case.does("Sends a request with 10 000 headers more.")
        .wants("Status 431 or another error, or the end of TCP.")
        .level(Level::Should)
}

fn half() -> Case {
    let case = Case::new("20.5.18", Server, TITLE, &["RFC 6455 §10.4"], |peer| {
        let head = peer.request().octets();
        peer.note_request(&head);
        peer.send_octets(&head[..head.len() / 2])?;
        match peer.response(PATIENCE) {
            Ok(Some(response)) => passed(format!(
                "The server lost patience and answered {}.",
                response.status
            )),
            Ok(None) => passed("The server lost patience and ended TCP."),
            Err(Miss::Must(_)) => Miss::should("The server still waited when the suite gave up."),
            Err(other) => Err(other),
        }
    });
    case.does("Sends half a request and waits for 15 s.")
        .wants("The end of TCP, or an error status, before that.")
        .informational()
}

fn plain_get() -> Case {
    let case = Case::new("20.5.19", Server, TITLE, &["RFC 6455 §4.2.1"], |peer| {
        let names = [
            "Upgrade",
            "Connection",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Version",
        ];
        let plain = |head: Head| names.into_iter().fold(head, Head::without);
        let request = peer
            .request()
            .with(|head| plain(head).add("Connection", "close"));
        peer.send_request(&request)?;
        let status = peer.expect_complete_response()?;
        match status {
            101 => Miss::must("The server switched protocols unasked."),
            status => passed(format!("The server answered {status}, completely.")),
        }
    });
    case.does("Sends a GET that asks for no upgrade.")
        .wants("A complete HTTP response, not 101.")
}

fn garbage() -> Case {
    let case = Case::new("20.5.20", Server, TITLE, &["RFC 9112 §2.2"], |peer| {
        let mut rng = fastrand::Rng::with_seed(20);
        let mut octets: Vec<u8> = (0..1000).map(|_| rng.u8(..)).collect();
        octets.extend(b"\r\n\r\n");
        peer.send_octets(&octets)?;
        let outcome = refused_or_ended(peer)?;
        peer.expect_another_connection("Meanwhile")?;
        passed(outcome)
    });
    case.does(
        "Sends 1000 random octets and an empty line, then a right request over another connection.",
    )
    .wants("An error status or the end of TCP for the first, 101 for the second.")
}

/// For what need not be answered.
fn refused_or_ended(peer: &mut Peer<'_>) -> Outcome {
    match peer.response_if_any()? {
        Some(response) if response.status == 101 => {
            peer.opened();
            Miss::must("The server opened the connection all the same.")
        }
        Some(response) => passed(format!("The server refused with {}.", response.status)),
        None => passed("The server ended TCP."),
    }
}
