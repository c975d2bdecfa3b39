//! 20.5, the rest: requests with a body, without an end, or for something else.

use std::time::Duration;

use super::http_faults::TITLE;
use super::reactions::{Echo, ToRequest, echo, expect_right, expect_server_to_open, to_request};
use super::rules;
use crate::case::Case;
use crate::case::Roles::Server;
use crate::dialogue::{Miss, Outcome, Peer, REPLY, Soften, passed};
use crate::http::Head;
use crate::wire::Frame;

/// The time after which the case ends, if the server still waits for the rest of a request.
const WAIT: Duration = Duration::from_secs(15);

pub(super) fn cases() -> Vec<Case> {
    vec![
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

fn body(id: &str, name: &'static str, value: &'static str, body: &'static [u8]) -> Case {
    let case = Case::new(id, Server, TITLE, &rules::BODY, move |peer| {
        let request = peer.request().with(|head| head.add(name, value));
        peer.note_request(&request.bytes());
        peer.send_bytes(&[request.bytes(), body.to_vec()].concat())?;
        match to_request(peer)? {
            ToRequest::Opened(response) => {
                expect_right(&response, &request)?;
                judge_message_after_body(peer)
            }
            ToRequest::Refused(response) => passed(format!(
                "The server refused with status {}.",
                response.status
            )),
            ToRequest::EndedTcp => Miss::should("The server ended TCP without a response."),
        }
    });
    case.see(&["RFC 9110 §7.8"])
        .does(format!(
            "Sends a request with `{name}: {value}` and a body, and then a message."
        ))
        .wants(
            "The server answers with an error status, or with 101 and an echo of the message. It \
             does not treat the body as frames.",
        )
}

fn judge_message_after_body(peer: &mut Peer<'_>) -> Outcome {
    let message = Frame::text("Are you there?");
    peer.send(message.clone())?;
    match echo(peer, &message)? {
        Echo::Right => passed("The server opened the connection and skipped the body."),
        Echo::Failed | Echo::None => {
            Miss::should("The server opened the connection and treated the body as frames.")
        }
    }
}

fn endless() -> Case {
    let case = Case::new("20.5.16", Server, TITLE, &rules::LIMITS, |peer| {
        let head = peer.request().bytes();
        peer.note_request(&head);
        peer.send_bytes(&head[..head.len() - 2])?;
        let line = format!("X-Endless: {}\r\n", "x".repeat(1011));
        for _ in 0..1024 {
            peer.send_bytes(line.as_bytes()).or_should()?;
        }
        match peer.response(REPLY * 2).or_should()? {
            Some(response) if response.status == 101 => {
                Miss::must("The server opened the connection before the end of the request.")
            }
            Some(response) => passed(format!(
                "The server refused with status {}.",
                response.status
            )),
            None => passed("The server ended TCP."),
        }
    });
    case.see(&["RFC 9110 §5.4", "RFC 6455 §10.4"])
        .does("Sends a request with 1 MiB of headers and without an end.")
        .wants("The server answers with status 431 or another error, or ends TCP.")
}

fn many_headers() -> Case {
    let rule = &rules::MANY_FIELDS;
    let case = Case::new("20.5.17", Server, TITLE, rule, |peer| {
        let add = |head: Head| (0..10_000).fold(head, |head, _| head.add("X", "y"));
        let request = peer.request().with(add);
        peer.send_request(&request)?;
        expect_server_to_open(peer, &request, rule.level)
    });
    case.see(&["RFC 9110 §17.5", "RFC 6455 §10.4"])
        .does("Sends a request with 10,000 additional headers.")
        .wants(
            "The server answers with status 431 or another error, or ends TCP, or answers with \
             101 and echoes a message.",
        )
}

fn half() -> Case {
    let case = Case::new(
        "20.5.18",
        Server,
        TITLE,
        &rules::INCOMPLETE_REQUEST,
        |peer| {
            let head = peer.request().bytes();
            peer.note_request(&head);
            peer.send_bytes(&head[..head.len() / 2])?;
            match peer.response(WAIT).or_informs()? {
                Some(response) if response.status == 101 => {
                    Miss::must("The server opened the connection before the end of the request.")
                }
                Some(response) => passed(format!(
                    "The server stopped waiting and answered with status {}.",
                    response.status
                )),
                None => passed("The server stopped waiting and ended TCP."),
            }
        },
    );
    case.see(&["RFC 6455 §10.4"])
        .does("Sends half a request and waits for 15 s.")
        .wants("The server ends TCP before that, with or without an error status.")
}

fn plain_get() -> Case {
    let case = Case::new("20.5.19", Server, TITLE, &rules::UNASKED_SWITCH, |peer| {
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
        match to_request(peer)? {
            ToRequest::Opened(_) => Miss::must("The server switched protocols unasked."),
            ToRequest::Refused(response) => {
                peer.expect_body(&response)?;
                let status = response.status;
                passed(format!(
                    "The server answered with status {status}, completely."
                ))
            }
            ToRequest::EndedTcp => Miss::should("The server ended TCP without a response."),
        }
    });
    case.see(&["RFC 9112 §6.3", "RFC 6455 §10.7"])
        .does("Sends a GET request that asks for no upgrade.")
        .wants("The server answers with a complete HTTP response, not with 101.")
}

fn garbage() -> Case {
    let case = Case::new("20.5.20", Server, TITLE, &rules::NOT_HTTP, |peer| {
        let mut rng = fastrand::Rng::with_seed(20);
        let mut bytes: Vec<u8> = (0..1000).map(|_| rng.u8(..)).collect();
        bytes.extend(b"\r\n\r\n");
        peer.send_bytes(&bytes)?;
        let reaction = peer.response_if_any().or_should()?;
        peer.expect_another_connection("Meanwhile")?;
        match reaction {
            Some(response) if response.status == 101 => {
                peer.opened();
                Miss::must("The server opened the connection.")
            }
            Some(response) => passed(format!(
                "The server refused with status {}.",
                response.status
            )),
            None => Miss::should("The server ended TCP without a response."),
        }
    });
    case.does(
        "Sends 1,000 random bytes and an empty line, and then a right request over another \
         connection.",
    )
    .wants(
        "The server answers the first with status 400 or another error. It opens the second \
         connection.",
    )
}
