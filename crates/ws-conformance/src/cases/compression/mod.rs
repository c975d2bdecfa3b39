//! Group 26: compressed messages.

mod blocks;
mod bulk;
mod context;
mod faults;
mod final_blocks;
mod forms;
mod lengths;
mod messages;
mod output;
mod pairs;
mod rules;
mod stored_blocks;

use crate::case::Case;
use crate::dialogue::{Act, Miss, Outcome, Peer, Tcp, Terms, Wish, passed};
use crate::role::Role;
use crate::wire::{Frame, Payload};

/// The bit that marks a compressed message (RFC 7692 §6).
const RSV1: u8 = 4;
/// The window bits of the largest window.
const MAX_BITS: u8 = 15;
/// The text `Hello` in a block with fixed codes (RFC 7692 §7.2.3.1).
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
/// The text `Hello` again: a literal and a reference to the text before it (RFC 7692 §7.2.3.2).
const HELLO_AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";
/// The codes that fit bytes which cannot be inflated. No code is defined for them.
const UNDECODABLE: &[u16] = &[1002, 1003, 1007, 1008, 1011];
/// The accepted reactions if no sentence prescribes one.
const ANYTHING_ELSE: &str = "The testee may fail the connection, ignore the text or send it back.";

pub(super) fn cases() -> Vec<Case> {
    [
        bulk::cases(),
        context::cases(),
        faults::cases(),
        final_blocks::cases(),
        lengths::cases(),
        messages::cases(),
        output::cases(),
        pairs::cases(),
        stored_blocks::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns a text with these compressed bytes.
fn text(compressed: impl Into<Payload>) -> Frame {
    Frame::text(compressed).with_rsv(RSV1)
}

/// Returns a binary message with these compressed bytes.
fn binary(compressed: impl Into<Payload>) -> Frame {
    Frame::binary(compressed).with_rsv(RSV1)
}

/// Splits a message into fragments with these payloads. RSV1 stays on the first one.
fn in_fragments<'a>(message: &Frame, payloads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for payload in payloads {
        let mut frame = match frames.is_empty() {
            true => message.clone(),
            false => Frame::continuation(""),
        };
        frame.payload = payload.into();
        frames.push(frame.unfinished());
    }
    if let Some(last) = frames.last_mut() {
        last.fin = true;
    }
    frames
}

/// Splits a message where its second fragment begins, its third one, and so on.
fn cut(message: &Frame, places: &[usize]) -> Vec<Frame> {
    let bytes = message.payload.as_bytes();
    let ends = places.iter().copied().chain([bytes.len()]);
    let mut start = 0;
    let pieces: Vec<_> = ends
        .map(|end| &bytes[std::mem::replace(&mut start, end)..end])
        .collect();
    in_fragments(message, pieces)
}

/// Opens a connection with these parameters, or stricter ones.
fn open_with(peer: &mut Peer<'_>, own: Wish, testees: Wish) -> Result<Terms, Miss> {
    let terms = peer.open_compressing(own, testees)?;
    let alive = peer.expect_to_be_alive();
    // A client fails the connection if it does not support the parameters (RFC 7692 §7).
    let left = peer.tcp != Tcp::Open && !peer.has_closed();
    match peer.testee == Role::Client && left && alive.is_err() {
        true => Miss::unsupported("The client does not support the parameters, and ended TCP."),
        false => alive.and(Ok(terms)),
    }
}

/// Opens a connection with the default parameters.
fn open(peer: &mut Peer<'_>) -> Result<Terms, Miss> {
    let terms = peer.open_compressing(Wish::NONE, Wish::NONE)?;
    peer.expect_to_be_alive()?;
    Ok(terms)
}

/// Opens a connection on which a message of the suite may refer to earlier messages, as far back as
/// the largest window reaches.
fn open_with_context(peer: &mut Peer<'_>) -> Result<(), Miss> {
    let own = open(peer)?.own;
    match own.context_takeover && own.window_bits == MAX_BITS {
        true => Ok(()),
        false => {
            Miss::not_applicable("The testee does not agree to the largest window with context.")
        }
    }
}

/// Writes a number with a comma between thousands.
fn grouped(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        1000.. => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

/// Expects these texts as echoes.
fn expect_texts(peer: &mut Peer<'_>, texts: &[&str]) -> Outcome {
    for text in texts {
        peer.expect_echo(&Frame::text(*text))?;
    }
    passed(match texts.len() {
        1 => "The echo is right.",
        _ => "The echoes are right.",
    })
}

/// Expects a reaction to a text that may be refused or sent back as `echo`: no sentence prescribes
/// what the testee does.
fn expect_no_wrong_echo(peer: &mut Peer<'_>, echo: &str) -> Outcome {
    match peer.next(peer.reply_time())? {
        None => {
            peer.expect_to_be_alive()?;
            passed("The testee ignored the text.")
        }
        Some(Act::Message { payload, binary }) => match payload == echo.as_bytes() && !binary {
            true => passed(format!("The testee sent `{echo}` back.")),
            false => Miss::must(format!("The testee sent a message that is not `{echo}`.")),
        },
        act => match peer.judge_fail(act, UNDECODABLE) {
            Err(Miss::Should(what)) => passed(what),
            outcome => outcome,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let numbers = [0, 999, 1000, 65_537, 1_000_001];
        let grouped = numbers.map(grouped);
        assert_eq!(grouped, ["0", "999", "1,000", "65,537", "1,000,001"]);
    }

    #[test]
    fn a_message_is_cut_at_the_places() {
        let frames = cut(&text("abc"), &[0, 2]);
        let shape = |frame: &Frame| {
            let payload = String::from_utf8(frame.payload.to_vec()).unwrap();
            (frame.opcode, frame.rsv, frame.fin, payload)
        };
        let shapes: Vec<_> = frames.iter().map(shape).collect();
        assert_eq!(
            shapes,
            [
                (1, RSV1, false, "".into()),
                (0, 0, false, "ab".into()),
                (0, 0, true, "c".into()),
            ]
        );
    }
}
