//! 24.1: codes.

use crate::case::Roles::{Both, Client};
use crate::case::{Case, Level, Rule};
use crate::cases::fails::{at, fails_with};
use crate::dialogue::{Act, Miss, Outcome, Peer, passed};
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Closing: codes";

pub(super) fn cases() -> Vec<Case> {
    let registered = [(1, 1012), (2, 1013), (3, 1014)];
    let unused = [(8, 999), (9, 1), (10, 500)];
    let reserved = [(5, 2999), (11, 1016), (12, 2000)];
    let other = [(6, 5000), (13, 65_535), (14, 10_000)];
    let mut cases = vec![code_1015(), extension_needed()];
    cases.extend(registered.map(|(number, code)| registered_code(number, code)));
    cases.extend(unused.map(|(number, code)| wrong_code(number, code, &rules::UNUSED_CODES)));
    cases.extend(reserved.map(|(number, code)| wrong_code(number, code, &rules::RESERVED_CODES)));
    cases.extend(other.map(|(number, code)| other_code(number, code)));
    cases
}

/// Returns a case with a code that was registered after RFC 6455.
fn registered_code(number: u8, code: u16) -> Case {
    let id = format!("24.1.{number}");
    let case = Case::new(&id, Both, TITLE, &rules::ANSWER, move |peer| {
        send_code(peer, code)?;
        peer.expect_close(&[code, 1000])
    });
    case.see(&["RFC 6455 §7.4.2"])
        .does(does(code))
        .wants("The testee answers with a Close that has the same code, code 1000 or no code.")
}

fn wrong_code(number: u8, code: u16, rule: &'static Rule) -> Case {
    let id = format!("24.1.{number}");
    let case = Case::new(&id, Both, TITLE, rule, move |peer| {
        send_code(peer, code)?;
        judge_answer(peer, code, rule.level)
    });
    case.does(does(code)).wants(format!(
        "{} A testee that accepts the code answers the Close.",
        fails_with(&[1002])
    ))
}

/// Returns a case whose answer violates the rule itself: the MUST NOT binds the testee as a sender.
fn code_1015() -> Case {
    let case = Case::new("24.1.4", Both, TITLE, &rules::CODE_1015, |peer| {
        send_code(peer, 1015)?;
        judge_answer(peer, 1015, Level::Must)
    });
    case.does(does(1015)).wants(format!(
        "{} It never sends code 1015 itself.",
        fails_with(&[1002])
    ))
}

fn other_code(number: u8, code: u16) -> Case {
    let id = format!("24.1.{number}");
    let case = Case::new(&id, Both, TITLE, &rules::OTHER_CODES, move |peer| {
        send_code(peer, code)?;
        judge_answer(peer, code, Level::Informational)
    });
    case.does(does(code))
        .wants("The testee fails the connection, or answers with a Close.")
}

/// 1010 is for clients: a server that needs an extension does not open the connection.
fn extension_needed() -> Case {
    let case = Case::new("24.1.7", Client, TITLE, &rules::CODE_1010, |peer| {
        send_code(peer, 1010)?;
        judge_answer(peer, 1010, Level::Informational)
    });
    case.does(format!("{} Only clients use this code.", does(1010)))
        .wants("The testee fails the connection, or answers with a Close.")
}

fn does(code: u16) -> String {
    format!("Sends a message and waits for its echo. Then sends a Close with code {code}.")
}

fn send_code(peer: &mut Peer<'_>, code: u16) -> Result<(), Miss> {
    peer.open()?;
    peer.expect_to_be_alive()?;
    peer.send(Frame::close(code, b""))
}

/// Judges the answer to a Close with a code that no testee has to accept. `level` says how much it
/// counts if the code comes back. Any testee has to end the connection.
fn judge_answer(peer: &mut Peer<'_>, code: u16, level: Level) -> Outcome {
    let limit = peer.reply_time();
    match peer.next(limit)? {
        Some(Act::Close(close)) if close.code == Some(code) => {
            peer.see_off()?;
            at(level, Miss::must("The testee sent the code back."))
        }
        act @ Some(Act::Close(_)) if level == Level::Informational => {
            let outcome = peer.judge_fail(act, &[1002]);
            match outcome {
                Err(Miss::Should(what)) => passed(what),
                other => other,
            }
        }
        act => peer.judge_fail(act, &[1002]),
    }
}
