//! 25.1, 25.2 and 25.8 to 25.10: sequences that are cut by fragments.
//!
//! The sequences are those of group 6. All valid ones are sent over one connection, cut at every
//! place. Each invalid one has its own case, with cuts before and after the byte that makes the
//! text invalid.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails_with;
use crate::cases::original::utf8_families;
use crate::dialogue::{Act, Miss, Peer, passed};
use crate::wire::Frame;

use super::rules;

const VALID: &str = "UTF-8: valid sequences cut by fragments";
const VALID_AROUND: &str = "UTF-8: valid sequences cut by a Ping";
const BEFORE: &str = "UTF-8: invalid sequences cut before the wrong byte";
const BEFORE_AROUND: &str = "UTF-8: invalid sequences cut by a Ping";
const AFTER: &str = "UTF-8: invalid sequences cut after the wrong byte";
const PING: &[u8] = b"between";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (family, number) in utf8_families().into_iter().zip(1..) {
        let mut valid = family.sequences;
        valid.retain(|sequence| std::str::from_utf8(sequence).is_ok());
        if !valid.is_empty() {
            let name = family.title.trim_start_matches("UTF-8: ");
            cases.push(valid_sequences(1, number, name, valid.clone()));
            cases.push(valid_sequences(2, number, name, valid));
        }
    }
    let families = utf8_families().into_iter();
    let sequences = families.flat_map(|family| family.sequences);
    let invalid = sequences.filter_map(|sequence| Some((wrong_byte(&sequence)?, sequence)));
    for ((wrong, sequence), number) in invalid.zip(1..) {
        let before = wrong.min(sequence.len() - 1);
        cases.push(invalid_sequence(8, number, &sequence, before));
        cases.push(invalid_sequence(9, number, &sequence, before));
        // A first fragment that begins with the wrong byte does not differ from a whole message.
        if wrong > 0 {
            let after = sequence.len().min(wrong + 1);
            cases.push(invalid_sequence(10, number, &sequence, after));
        }
    }
    cases
}

/// Returns the position of the first byte that makes the text invalid. It is the end if the text
/// ends within a character. A valid text has no such byte.
fn wrong_byte(text: &[u8]) -> Option<usize> {
    let error = std::str::from_utf8(text).err()?;
    let start = error.valid_up_to();
    let Some(len) = error.error_len() else {
        return Some(text.len());
    };
    Some(match text[start] {
        0xc2..=0xf4 => start + len,
        _ => start,
    })
}

/// Returns a case of group 25.1 without Pings, or of 25.2 with Pings.
fn valid_sequences(second: u8, number: u8, family: &str, sequences: Vec<Vec<u8>>) -> Case {
    let id = format!("25.{second}.{number}");
    let ping = second == 2;
    let title = if ping { VALID_AROUND } else { VALID };
    let texts: Vec<_> = sequences.iter().map(|it| hex(it)).collect();
    let texts = texts.join(", ");
    let case = Case::new(&id, Both, title, &rules::PARTIAL_SEQUENCE, move |peer| {
        peer.open()?;
        for sequence in &sequences {
            for cut in 0..=sequence.len() {
                let echo = expect_valid(peer, sequence, cut, ping);
                echo.map_err(|miss| miss.with(&place(sequence, cut)))?;
            }
        }
        passed("All echoes are right.")
    });
    let (between, pongs) = match ping {
        true => (
            ", with a Ping between the fragments",
            " answers each Ping and",
        ),
        false => ("", ""),
    };
    case.see(&["RFC 6455 §5.4", "RFC 3629 §3"])
        .does(format!(
            "Sends texts in two fragments, cut at every place{between}. The texts ({family}) are \
             {texts}."
        ))
        .wants(format!("The testee{pongs} echoes all texts."))
}

fn expect_valid(peer: &mut Peer<'_>, sequence: &[u8], cut: usize, ping: bool) -> Result<(), Miss> {
    peer.send_together(&halves(sequence, cut, ping))?;
    let pings = ping.then(|| PING.to_vec());
    peer.expect_pongs_and_echo(pings.as_slice(), &Frame::text(sequence))
}

/// Returns a case of 25.8 or 25.10 without a Ping, or of 25.9 with a Ping.
fn invalid_sequence(second: u8, number: u8, sequence: &[u8], cut: usize) -> Case {
    let id = format!("25.{second}.{number}");
    let ping = second == 9;
    let title = match second {
        8 => BEFORE,
        9 => BEFORE_AROUND,
        _ => AFTER,
    };
    let frames = halves(sequence, cut, ping);
    let case = Case::new(&id, Both, title, &rules::INVALID, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_together(&frames)?;
        let limit = peer.reply_time();
        let act = match peer.next(limit)? {
            Some(Act::Pong(payload)) if ping && payload == PING => peer.next(limit)?,
            act => act,
        };
        peer.judge_fail(act, &[1007])
    });
    let (first, last) = sequence.split_at(cut);
    let between = match ping {
        true => ", with a Ping between them",
        false => "",
    };
    let pong = match ping {
        true => " It may answer the Ping before.",
        false => "",
    };
    case.see(&["RFC 6455 §5.6", "RFC 3629 §3"])
        .does(format!(
            "Sends a message and waits for its echo. Then sends the invalid text {} in two \
             fragments, {} and {}{between}.",
            hex(sequence),
            shown(first),
            shown(last)
        ))
        .wants(format!("{}{pong}", fails_with(&[1007])))
}

fn halves(sequence: &[u8], cut: usize, ping: bool) -> Vec<Frame> {
    let (first, second) = sequence.split_at(cut);
    let ping = ping.then(|| Frame::ping(PING));
    let first = Frame::text(first).unfinished();
    let frames = [first].into_iter().chain(ping);
    frames.chain([Frame::continuation(second)]).collect()
}

/// Returns a sequence and its cut for a report.
fn place(sequence: &[u8], cut: usize) -> String {
    format!("{}|{}", hex(&sequence[..cut]), hex(&sequence[cut..]))
}

fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".to_owned(),
        _ => hex(bytes),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_byte_is_the_first_that_no_valid_text_has_there() {
        for (text, wrong) in [
            (&b"a\xc0\xaf"[..], 1),
            (b"a\x80", 1),
            (b"\xed\xa0\x80", 1),
            (b"\xf4\x90\x80\x80", 1),
            (b"\xe1\xbd ", 2),
            (b"\xe2\x82", 2),
            (b"\xf8\x88\x80\x80\x80", 0),
        ] {
            assert_eq!(wrong_byte(text), Some(wrong), "{text:02x?}");
        }
        assert_eq!(wrong_byte("κόσμε".as_bytes()), None);
    }
}
