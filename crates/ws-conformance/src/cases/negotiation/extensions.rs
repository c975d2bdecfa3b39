//! 21.2 and 21.3: extensions.

use crate::case::Case;
use crate::case::Roles::Server;
use crate::deflate::{DEFLATE, Extension};
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::http::Head;
use crate::wire::Frame;

const LISTS: &str = "Negotiation: lists of extensions";
const DEFLATES: &str = "Negotiation: permessage-deflate";
const HEADER: &str = "Sec-WebSocket-Extensions";

/// What a server made of an offer.
#[derive(Debug)]
enum Answer {
    /// The handshake as a whole was refused with this status.
    Refused(u16),
    Declined,
    Accepted(Extension),
}

use Answer::{Accepted, Declined, Refused};

/// What of that is right.
type Judge = fn(&Answer) -> Outcome;

pub(super) fn cases() -> Vec<Case> {
    [lists(), wrong_parameters(), right_parameters(), choices()]
        .into_iter()
        .flatten()
        .chain([each_window()])
        .collect()
}

#[rustfmt::skip]
fn lists() -> Vec<Case> {
    let malformed = |id, list| {
        offer(id, LISTS, &["RFC 6455 §9.1"], list, judge_malformed)
            .wants("An error status, or 101 without an extension.")
    };
    vec![
        offer("21.2.1", LISTS, &["RFC 6455 §9.1"], "x-unknown; a=1", judge_declined)
            .wants("Status 101 without an extension."),
        offer("21.2.2", LISTS, &["RFC 6455 §9.1"], "x-unknown, permessage-deflate", judge_any)
            .wants("Status 101 without an extension, or with permessage-deflate."),
        malformed("21.2.3", ";"),
        offer("21.2.4", LISTS, &["RFC 6455 §9.1", "RFC 9110 §5.6.6"], "permessage-deflate;", judge_tolerated)
            .wants("Status 101, and frames that keep to the answer, or an error status."),
        malformed("21.2.5", "permessage-deflate, a="),
        malformed("21.2.6", "permessage-deflate, a=\""),
        offer("21.2.7", LISTS, &["RFC 6455 §9.1", "RFC 9110 §5.6.1"], ",,", judge_malformed)
            .wants("An error status, or 101 without an extension."),
        malformed("21.2.8", "permessage-deflate; =1"),
        offer("21.2.9", LISTS, &["RFC 6455 §9.1"], "PERMESSAGE-DEFLATE", judge_any)
            .wants("Status 101, and frames that keep to the answer.").informational(),
    ]
}

#[rustfmt::skip]
fn wrong_parameters() -> Vec<Case> {
    const SERVER_BITS: &[&str] = &["RFC 7692 §7.1.2.1"];
    const CLIENT_BITS: &[&str] = &["RFC 7692 §7.1.2.2"];
    const TAKEOVER: &[&str] = &["RFC 7692 §7.1.1"];
    let wrong = |id, rules, list| {
        offer(id, DEFLATES, rules, list, judge_declined)
            .wants("Status 101 without the extension: the offer is declined.")
    };
    vec![
        wrong("21.3.1", SERVER_BITS, "permessage-deflate; server_max_window_bits=7"),
        wrong("21.3.2", SERVER_BITS, "permessage-deflate; server_max_window_bits=16"),
        wrong("21.3.3", SERVER_BITS, "permessage-deflate; server_max_window_bits=015"),
        wrong("21.3.4", SERVER_BITS, "permessage-deflate; server_max_window_bits=abc"),
        offer("21.3.5", DEFLATES, SERVER_BITS, "permessage-deflate; server_max_window_bits=", judge_malformed)
            .wants("Status 101 without the extension, or an error status: a value is never empty."),
        wrong("21.3.6", SERVER_BITS, "permessage-deflate; server_max_window_bits"),
        wrong("21.3.9", CLIENT_BITS, "permessage-deflate; client_max_window_bits=7"),
        wrong("21.3.10", CLIENT_BITS, "permessage-deflate; client_max_window_bits=16"),
        wrong("21.3.14", TAKEOVER, "permessage-deflate; server_no_context_takeover=1"),
        wrong("21.3.15", TAKEOVER, "permessage-deflate; client_no_context_takeover=x"),
        wrong("21.3.16", &["RFC 7692 §7.1"], "permessage-deflate; client_no_context_takeover; client_no_context_takeover"),
        wrong("21.3.17", &["RFC 7692 §7.1"], "permessage-deflate; x_unknown"),
    ]
}

#[rustfmt::skip]
fn right_parameters() -> Vec<Case> {
    const CLIENT_BITS: &[&str] = &["RFC 7692 §7.1.2.2"];
    let right = |id, rules, list, wants, judge| {
        offer(id, DEFLATES, rules, list, judge).wants(format!("The extension is declined, or {wants}."))
    };
    vec![
        right("21.3.7", &["RFC 7692 §7.1.2.1"], "permessage-deflate; server_max_window_bits=8",
            "answered with 8, and no distance is above 256", |answer| judge_window(answer, 8)),
        right("21.3.8", &["RFC 6455 §9.1"], "permessage-deflate; server_max_window_bits=\"10\"",
            "answered with a value up to 10", |answer| judge_window(answer, 10)),
        right("21.3.11", CLIENT_BITS, "permessage-deflate; client_max_window_bits",
            "answered with a value or without this parameter", judge_any),
        right("21.3.12", CLIENT_BITS, "permessage-deflate; client_max_window_bits=10",
            "answered with a value, which may be above the hint, or without this parameter", judge_any),
        right("21.3.13", CLIENT_BITS, "permessage-deflate",
            "answered without client_max_window_bits", judge_no_client_bits),
        right("21.3.21", &["RFC 7692 §7.1.1.1"], "permessage-deflate; server_no_context_takeover",
            "answered with that, and every message can be inflated by itself", judge_no_takeover),
    ]
}

#[rustfmt::skip]
fn choices() -> Vec<Case> {
    const ONE_LINE: &str = "permessage-deflate; server_max_window_bits=7, permessage-deflate; server_no_context_takeover";
    const TWO_LINES: &str = "permessage-deflate; server_max_window_bits=7\npermessage-deflate; server_no_context_takeover";
    let choice = |id, rules, lines| {
        offer(id, DEFLATES, rules, lines, judge_no_takeover).wants("The second offer is accepted, or none.")
    };
    vec![
        choice("21.3.18", &["RFC 7692 §5.1"], ONE_LINE),
        choice("21.3.19", &["RFC 7692 §5.1", "RFC 9110 §5.3"], TWO_LINES),
    ]
}

/// Offers this, each line of it in a header line of its own, and then asks for echoes.
fn offer(
    id: &str,
    title: &'static str,
    rules: &'static [&'static str],
    lines: &'static str,
    judge: Judge,
) -> Case {
    let case = Case::new(id, Server, title, rules, move |peer| {
        let answer = negotiate(peer, lines)?;
        judge(&answer)
    });
    let lines: Vec<_> = lines.lines().map(|line| format!("`{line}`")).collect();
    case.does(format!(
        "Offers the extensions {}, then sends messages.",
        lines.join(" and ")
    ))
}

/// Each size of the server's window, each over a connection of its own.
fn each_window() -> Case {
    let case = Case::new(
        "21.3.20",
        Server,
        DEFLATES,
        &["RFC 7692 §7.1.2.1"],
        |peer| {
            let mut shown = Vec::new();
            for bits in 8..=15 {
                let answer = negotiate(peer, &format!("{DEFLATE}; server_max_window_bits={bits}"))?;
                judge_window(&answer, bits)?;
                if let Accepted(answer) = answer {
                    shown.push(format!(
                        "{bits} with {}",
                        answer.number("server_max_window_bits").unwrap_or(15)
                    ));
                }
                peer.reconnect()?;
            }
            match &*shown {
                [] => passed("The server declined every offer."),
                shown => passed(format!("The server answered {}.", shown.join(", "))),
            }
        },
    );
    case.does("Offers `server_max_window_bits` from 8 to 15, one after the other, and sends messages each time.")
        .wants("The extension is declined, or answered with a value up to that one, which the messages keep to.")
}

/// Offers and, if the connection opens, looks at messages: they have to keep to the answer. The
/// second half of one repeats the first, which lies further back than small windows reach, and the
/// next message repeats it again.
fn negotiate(peer: &mut Peer<'_>, lines: &str) -> Result<Answer, Miss> {
    let add = |head: Head, line| head.add(HEADER, line);
    let request = peer.request().with(|head| lines.lines().fold(head, add));
    peer.send_request(&request)?;
    let response = peer.expect_opened_or_refused(&request)?;
    if response.status != 101 {
        return Ok(Refused(response.status));
    }
    let agreed = Extension::list(&response.all(HEADER));
    let answer = match &*agreed {
        [] => Declined,
        [one] => match one.fault() {
            Some(fault) => return Miss::must(format!("The server's answer is wrong: {fault}.")),
            None => Accepted(one.clone()),
        },
        _ => return Miss::must("The server agreed to more than one extension."),
    };
    if let Accepted(extension) = &answer {
        peer.inflate(extension.of_server());
    }
    let mut rng = fastrand::Rng::with_seed(21);
    let half: String = (0..3000).map(|_| rng.alphanumeric()).collect();
    for _ in 0..2 {
        let message = Frame::text(half.repeat(2));
        peer.send(message.clone())?;
        peer.expect_echo(&message)?;
    }
    Ok(answer)
}

fn judge_any(answer: &Answer) -> Outcome {
    match answer {
        Refused(status) => Miss::should(format!(
            "The server refused the whole handshake with {status}."
        )),
        Declined => passed("The server declined."),
        Accepted(_) => passed("The server accepted, and its messages keep to it."),
    }
}

fn judge_declined(answer: &Answer) -> Outcome {
    match answer {
        Accepted(_) => Miss::must("The server accepted what it had to decline."),
        other => judge_any(other),
    }
}

fn judge_malformed(answer: &Answer) -> Outcome {
    match answer {
        Refused(status) => passed(format!("The server refused with {status}.")),
        other => judge_declined(other),
    }
}

/// For a semicolon without a parameter. RFC 6455 §9.1 has "extension-token *( ";" extension-param )"
/// and fails the connection. But the field "follows the normal rules for HTTP header fields", and
/// RFC 9110 §5.6.6 has "parameters = *( OWS ";" OWS [ parameter ] )": there, the parameter may be
/// missing.
fn judge_tolerated(answer: &Answer) -> Outcome {
    match answer {
        Refused(status) => passed(format!("The server refused with {status}.")),
        other => judge_any(other),
    }
}

fn judge_window(answer: &Answer, most: u8) -> Outcome {
    match answer {
        Accepted(answer) => match answer.number("server_max_window_bits") {
            Some(bits) if bits <= most => {
                passed(format!("The server accepted with {bits} and keeps to it."))
            }
            Some(bits) => Miss::must(format!(
                "The server accepted with {bits}, which is above {most}."
            )),
            None => Miss::must("The server accepted without server_max_window_bits."),
        },
        other => judge_any(other),
    }
}

fn judge_no_client_bits(answer: &Answer) -> Outcome {
    match answer {
        Accepted(answer) if answer.has("client_max_window_bits") => {
            Miss::must("The server's answer has client_max_window_bits, which was not offered.")
        }
        other => judge_any(other),
    }
}

fn judge_no_takeover(answer: &Answer) -> Outcome {
    match answer {
        Accepted(answer) if !answer.has("server_no_context_takeover") => {
            Miss::must("The server accepted without server_no_context_takeover.")
        }
        other => judge_any(other),
    }
}
