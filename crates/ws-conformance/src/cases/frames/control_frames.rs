//! 23.4.4 to 23.4.8: many fragments, and control frames between them.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::channel::differs;
use crate::dialogue::{Act, Miss, REPLY, Tcp, passed};
use crate::wire::Frame;

use super::rules;

pub(super) const TITLE: &str = "Framing: control frames between fragments";
const EMPTY_FRAGMENTS: usize = 100_000;
/// A testee may need as long for a fragment as for this many bytes.
const FRAGMENT_COST: usize = 100;
/// The codes with which a testee refuses what it could do.
const POLICY: &[u16] = &[1008, 1009];
const PINGS: usize = 100;
/// Characters of one to four bytes.
const TEXT: &str = "Hello, κόσμε €𝄞";

pub(super) fn cases() -> Vec<Case> {
    vec![empty_fragments(), pings(), flood(), pongs(), at_once()]
}

fn empty_fragments() -> Case {
    let case = Case::new("23.4.4", Both, TITLE, &rules::FRAGMENTS, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.be_quiet();
        let mut frames = vec![Frame::continuation("").unfinished(); EMPTY_FRAGMENTS];
        frames[0] = Frame::text("").unfinished();
        frames.push(Frame::continuation(""));
        peer.allow_for(EMPTY_FRAGMENTS * FRAGMENT_COST);
        peer.send_together(&frames)?;
        let limit = peer.reply_time();
        match peer.next(limit)? {
            Some(Act::Message {
                binary: false,
                payload,
            }) if payload.is_empty() => passed("The echo is right."),
            Some(Act::Message { binary, payload }) => {
                Miss::must(differs("The echo", (false, b""), (binary, &payload)))
            }
            act => peer.judge_fail(act, POLICY),
        }
    });
    case.see(&["RFC 6455 §10.4"])
        .does(
            "Sends a message and waits for its echo. Then sends an empty text in 100,001 fragments.",
        )
        .wants(
            "The testee echoes the empty text. A testee with a limit may fail the connection \
             instead: it sends a Close with code 1008 or 1009, or ends TCP.",
        )
        .alone()
}

fn pings() -> Case {
    let case = Case::new("23.4.5", Both, TITLE, &rules::BETWEEN_FRAGMENTS, |peer| {
        peer.open()?;
        let (frames, pings) = with_control_frames(Frame::ping);
        peer.send_together(&frames)?;
        peer.expect_pongs_and_echo(&pings, &Frame::text(TEXT))?;
        passed("The Pongs came, then the echo.")
    });
    case.see(&["RFC 6455 §5.5.2", "RFC 6455 §5.5.3"])
        .does("Sends a text in fragments of one byte, with a Ping before each but the first.")
        .wants(
            "The testee answers the last Ping at least, and Pings in order if it answers more. \
             Then it echoes the text.",
        )
}

fn pongs() -> Case {
    let case = Case::new("23.4.7", Both, TITLE, &rules::BETWEEN_FRAGMENTS, |peer| {
        peer.open()?;
        let (frames, _) = with_control_frames(Frame::pong);
        peer.send_together(&frames)?;
        peer.expect_echo(&Frame::text(TEXT))?;
        passed("The echo is right.")
    });
    case.see(&["RFC 6455 §5.5.3"])
        .does("Sends a text in fragments of one byte, with a Pong before each but the first.")
        .wants("The testee echoes the text. It does not answer the Pongs.")
}

/// Returns the text in fragments of one byte, and the payloads of the control frames between them.
fn with_control_frames(control: fn(Vec<u8>) -> Frame) -> (Vec<Frame>, Vec<Vec<u8>>) {
    let bytes: Vec<_> = TEXT.bytes().map(|byte| [byte]).collect();
    let payloads = (1..bytes.len()).map(|number| format!("number {number}").into_bytes());
    let payloads: Vec<_> = payloads.collect();
    let mut frames = vec![Frame::text(bytes[0]).unfinished()];
    for (byte, payload) in bytes[1..].iter().zip(&payloads) {
        frames.push(control(payload.clone()));
        frames.push(Frame::continuation(*byte).unfinished());
    }
    if let Some(last) = frames.last_mut() {
        last.fin = true;
    }
    (frames, payloads)
}

fn flood() -> Case {
    let case = Case::new("23.4.6", Both, TITLE, &rules::PONG, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let payloads = (0..PINGS).map(|number| format!("number {number}").into_bytes());
        let payloads: Vec<_> = payloads.collect();
        let frames: Vec<_> = payloads.iter().cloned().map(Frame::ping).collect();
        peer.send_together(&frames)?;
        match peer.expect_pongs(&payloads, REPLY) {
            Err(Miss::Must(_)) if peer.has_closed() || peer.tcp != Tcp::Open => {
                return Miss::should("The testee ended the connection because of the Pings.");
            }
            other => other?,
        }
        peer.expect_to_be_alive()?;
        passed("The testee answered the last Ping.")
    });
    case.see(&["RFC 6455 §5.5.3"])
        .does(format!(
            "Sends a message and waits for its echo. Then sends {PINGS} Pings in one write, and \
             another message after the Pongs."
        ))
        .wants(
            "The testee answers the last Ping at least, and Pings in order if it answers more. \
             Then it echoes the message.",
        )
}

/// Returns a case that expects a Pong before the end of the message.
fn at_once() -> Case {
    let case = Case::new("23.4.8", Both, TITLE, &rules::PONG_SOON, |peer| {
        const PING: &[u8] = b"now";
        peer.open()?;
        let fragment = Frame::text("fragment1").unfinished();
        peer.send_together(&[fragment, Frame::ping(PING)])?;
        let first = peer.next_within(REPLY)?;
        peer.send(Frame::continuation("fragment2"))?;
        let message = Frame::text("fragment1fragment2");
        match first {
            Some(Act::Pong(payload)) if payload == PING => peer.expect_echo(&message)?,
            None => {
                peer.expect_pongs_and_echo(&[PING.to_vec()], &message)?;
                return Miss::should("The Pong came only after the end of the message.");
            }
            _ => return Miss::must("The testee had to send a Pong, but it did something else."),
        }
        passed("The Pong came before the end of the message.")
    });
    case.see(&["RFC 6455 §5.4"])
        .does(format!(
            "Sends the first fragment of a text and a Ping. Sends the rest after the Pong, or \
             after {} s.",
            REPLY.as_secs()
        ))
        .wants("The testee answers the Ping before the rest is sent. Then it echoes the text.")
}
