//! 24.1 and 24.2: codes and reasons.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Roles::Client;
use crate::cases::fails::fails;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::role::Role;
use crate::wire::Frame;

const CODES: &str = "Closing: codes";
const REASONS: &str = "Closing: reasons";
/// The longest reason.
const MAX_REASON: usize = 123;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        registered("24.1.1", 1012),
        registered("24.1.2", 1013),
        registered("24.1.3", 1014),
        reserved("24.1.4", "code 1015", &["RFC 6455 §7.4.1"], &[1015]),
        reserved(
            "24.1.5",
            "codes below 1000 and from 1016 to 2999",
            &["RFC 6455 §7.4.2"],
            &[2999, 999, 1, 500, 1016, 2000],
        ),
        reserved(
            "24.1.6",
            "codes above 4999",
            &["RFC 6455 §7.4.2"],
            &[5000, 65_535, 10_000],
        )
        .informational(),
        extension_needed(),
        longest_reason(),
    ];
    cases.extend(wrong_reasons());
    cases
}

/// Codes that were registered after RFC 6455.
fn registered(id: &str, code: u16) -> Case {
    let case = Case::new(id, Both, CODES, &["RFC 6455 §7.4.2"], move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(code, b""))?;
        peer.expect_close(&[code, 1000])
    });
    case.does(format!("Sends a Close with code {code}."))
        .wants("A Close with the same code, or with 1000.")
}

/// A client comes for one connection only: it gets the first code.
fn reserved(id: &str, which: &str, rules: &'static [&'static str], codes: &'static [u16]) -> Case {
    let case = Case::new(id, Both, CODES, rules, move |peer| {
        let mut outcome = refuses_code(peer, codes[0])?;
        if peer.testee == Role::Server {
            for code in &codes[1..] {
                peer.reconnect()?;
                outcome = refuses_code(peer, *code)?;
            }
        }
        passed(outcome)
    });
    let list: Vec<_> = codes.iter().map(u16::to_string).collect();
    case.does(format!(
        "Sends a Close with one of the {which}: to a client with {}, to a server with {}, each over a connection of its own.",
        list[0],
        list.join(", ")
    ))
    .wants("The connection fails: Close 1002 or the end of TCP, nothing else.")
}

fn refuses_code(peer: &mut Peer<'_>, code: u16) -> Outcome {
    peer.open()?;
    peer.expect_to_be_alive()?;
    peer.send(Frame::close(code, b""))?;
    let outcome = peer.expect_fail(&[1002]);
    outcome.map_err(|miss| match miss {
        Miss::Must(what) => Miss::Must(format!("Code {code}: {what}")),
        other => other,
    })
}

/// 1010 is for clients: a server that lacks an extension does not open the connection.
fn extension_needed() -> Case {
    let case = Case::new("24.1.7", Client, CODES, &["RFC 6455 §7.4.1"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1010, b""))?;
        peer.expect_close(&[1010, 1000, 1002])
    });
    case.does("Sends a Close with code 1010, which is for clients to send.")
        .wants("A Close with 1002, the same code, or 1000.")
        .informational()
}

#[rustfmt::skip]
fn wrong_reasons() -> Vec<Case> {
    let wrong = |id, which: &str, reason: &'static [u8]| {
        let rules = &["RFC 6455 §5.5.1", "RFC 6455 §8.1"];
        let frames = move || vec![Frame::close(1000, reason)];
        fails(id, Both, REASONS, rules, &[1007, 1002], frames)
            .does(format!("Sends a message, which has to come back, then a Close whose reason {which}."))
    };
    vec![
        wrong("24.2.1", "ends within a character", b"Bye \xe2\x82"),
        wrong("24.2.2", "has a character in more octets than it takes", b"Bye \xc0\xaf"),
        wrong("24.2.3", "has half of a surrogate pair", b"Bye \xed\xa0\x80"),
    ]
}

fn longest_reason() -> Case {
    let case = Case::new("24.2.4", Both, REASONS, &["RFC 6455 §5.5.1"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let reason = "€".repeat(MAX_REASON / 3);
        peer.send(Frame::close(1000, reason.as_bytes()))?;
        peer.expect_close(&[1000])
    });
    case.does("Sends a Close whose reason has 123 octets, in characters of three.")
        .wants("A Close with code 1000.")
}
