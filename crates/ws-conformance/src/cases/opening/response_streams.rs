//! 22.2, the rest: responses in odd pieces, and responses that do not end.

use crate::case::Case;
use crate::case::Level;
use crate::case::Roles::Client;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::time::Duration;

const TITLE: &str = "Opening handshake of a client: pieces of responses";
/// How long the client may take to lose patience.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn cases() -> Vec<Case> {
    vec![
        in_octets(),
        with_a_frame(),
        cut(),
        endless(),
        garbage(),
        nothing(),
    ]
}

fn in_octets() -> Case {
    let case = Case::new("22.2.32", Client, TITLE, &["RFC 6455 §4.1"], |peer| {
        let answer = peer.answer();
        peer.note_answer(&answer);
        for octet in answer.head.octets() {
            peer.send_octets(&[octet])?;
        }
        peer.opened();
        peer.expect_to_be_alive()?;
        passed("The client opened the connection and echoed.")
    });
    case.does("Sends a response octet by octet, then a message.")
        .wants("The client opens the connection and echoes.")
}

fn with_a_frame() -> Case {
    let rules = &["RFC 6455 §4.1", "RFC 6455 §5.1"];
    let case = Case::new("22.2.33", Client, TITLE, rules, |peer| {
        let answer = peer.answer();
        peer.note_answer(&answer);
        let message = Frame::text("Are you there?");
        let frame = peer.encoded(&message);
        peer.send_octets(&[answer.head.octets(), frame].concat())?;
        peer.opened();
        peer.expect_echo(&message)?;
        passed("The client opened the connection and echoed.")
    });
    case.does("Sends a response and a message in one write.")
        .wants("The client opens the connection and echoes.")
}

fn cut() -> Case {
    let case = Case::new("22.2.34", Client, TITLE, &["RFC 6455 §4.1"], |peer| {
        let octets = peer.answer().head.octets();
        peer.send_octets(&octets[..octets.len() / 2])?;
        peer.end_sending();
        peer.expect_not_opened()
    });
    case.does("Sends half a response and ends its direction of TCP.")
        .wants("The client sends nothing and ends TCP.")
}

/// No standard says how much is too much, but that much is.
fn endless() -> Case {
    let rules = &["RFC 9110 §5.4", "RFC 6455 §10.4"];
    let case = Case::new("22.2.35", Client, TITLE, rules, |peer| {
        let octets = peer.answer().head.octets();
        peer.send_octets(&octets[..octets.len() - 2])?;
        let line = format!("X-Endless: {}\r\n", "x".repeat(1011));
        for _ in 0..1024 {
            peer.send_octets(line.as_bytes())?;
        }
        peer.expect_not_opened()
    });
    case.does("Sends a response with 1 MiB of headers and no end.")
        .wants("The client sends nothing and ends TCP.")
        .level(Level::Should)
}

fn garbage() -> Case {
    let case = Case::new("22.2.36", Client, TITLE, &["RFC 6455 §4.1"], |peer| {
        let mut rng = fastrand::Rng::with_seed(22);
        let mut octets: Vec<u8> = (0..1000).map(|_| rng.u8(..)).collect();
        octets.extend(b"\r\n\r\n");
        peer.send_octets(&octets)?;
        peer.expect_not_opened()
    });
    case.does("Sends 1000 random octets and an empty line instead of a response.")
        .wants("The client sends nothing and ends TCP.")
}

fn nothing() -> Case {
    let case = Case::new(
        "22.2.37",
        Client,
        TITLE,
        &["RFC 6455 §10.4"],
        |peer| match peer.ends_within(PATIENCE)? {
            true => passed("The client lost patience and ended TCP."),
            false => passed("The client still waited when the suite gave up."),
        },
    );
    case.does("Sends nothing for 15 s.")
        .wants("The client ends TCP before that.")
        .informational()
}
