//! 23.4.4 to 23.4.8: many fragments, and control frames between them.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::Miss;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::time::Duration;

use crate::dialogue::{Act, REPLY, Tcp};

const TITLE: &str = "Framing: control frames between fragments";
const EMPTY_FRAGMENTS: usize = 100_000;
/// Codes for "I will not", RFC 6455 §7.4.1.
const POLICY: [u16; 2] = [1008, 1009];
const PINGS: usize = 100;
/// Characters of one to four octets.
const TEXT: &str = "Hello, κόσμε €𝄞";

pub(super) fn cases() -> Vec<Case> {
    vec![empty_fragments(), pings(), flood(), pongs(), at_once()]
}

fn empty_fragments() -> Case {
    let rules = &["RFC 6455 §5.4", "RFC 6455 §10.4"];
    let case = Case::new("23.4.4", Both, TITLE, rules, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.be_quiet();
        let mut frames = vec![Frame::continuation("").unfinished(); EMPTY_FRAGMENTS];
        frames[0] = Frame::text("").unfinished();
        frames.push(Frame::continuation(""));
        peer.send_together(&frames)?;
        match peer.next_within(REPLY)? {
            Some(Act::Message {
                binary: false,
                payload,
            }) if payload.is_empty() => passed("The echo is right."),
            Some(Act::Close(close)) if close.code.is_none_or(|code| POLICY.contains(&code)) => {
                passed("The testee closed: it has a limit.")
            }
            Some(Act::End) => passed("The testee ended TCP: it has a limit."),
            None => Miss::must("The testee sent no echo in time."),
            _ => Miss::must("The testee neither sent the echo nor closed with 1008 or 1009."),
        }
    });
    case.does(format!(
        "Sends an empty text in {EMPTY_FRAGMENTS} fragments and one more."
    ))
    .wants("Its echo, or the end of the connection, with code 1008 or 1009 if there is a Close.")
}

fn pings() -> Case {
    let rules = &["RFC 6455 §5.4", "RFC 6455 §5.5.2"];
    let case = Case::new("23.4.5", Both, TITLE, rules, |peer| {
        peer.open()?;
        let (frames, pings) = with_control_frames(Frame::ping);
        peer.send_together(&frames)?;
        peer.expect_pongs_and_echo(&pings, &Frame::text(TEXT))?;
        passed("Pongs came, then the echo.")
    });
    case.does("Sends a text in fragments of one octet, and a Ping before each but the first.")
        .wants("A Pong for the last Ping at least, in order if there are more; then the echo.")
}

fn pongs() -> Case {
    let rules = &["RFC 6455 §5.4", "RFC 6455 §5.5.3"];
    let case = Case::new("23.4.7", Both, TITLE, rules, |peer| {
        peer.open()?;
        let (frames, _) = with_control_frames(Frame::pong);
        peer.send_together(&frames)?;
        peer.expect_echo(&Frame::text(TEXT))?;
        passed("The echo is right.")
    });
    case.does("Sends a text in fragments of one octet, and a Pong before each but the first.")
        .wants("The echo of the text: a Pong that nobody asked for needs no answer.")
}

/// The text in fragments of one octet, and the payloads of the control frames between them.
fn with_control_frames(control: fn(Vec<u8>) -> Frame) -> (Vec<Frame>, Vec<Vec<u8>>) {
    let octets: Vec<_> = TEXT.bytes().map(|octet| [octet]).collect();
    let payloads = (1..octets.len()).map(|number| format!("number {number}").into_bytes());
    let payloads: Vec<_> = payloads.collect();
    let mut frames = vec![Frame::text(octets[0]).unfinished()];
    for (octet, payload) in octets[1..].iter().zip(&payloads) {
        frames.push(control(payload.clone()));
        frames.push(Frame::continuation(*octet).unfinished());
    }
    if let Some(last) = frames.last_mut() {
        last.fin = true;
    }
    (frames, payloads)
}

fn flood() -> Case {
    let case = Case::new("23.4.6", Both, TITLE, &["RFC 6455 §5.5.3"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let payloads = (0..PINGS).map(|number| format!("number {number}").into_bytes());
        let payloads: Vec<_> = payloads.collect();
        let frames: Vec<_> = payloads.iter().cloned().map(Frame::ping).collect();
        peer.send_together(&frames)?;
        match peer.expect_pongs(&payloads, REPLY) {
            Err(Miss::Must(_)) if peer.tcp != Tcp::Open => {
                return Miss::should("The testee ended TCP: it takes so many Pings for an attack.");
            }
            other => other?,
        }
        peer.expect_to_be_alive()?;
        passed("The last Ping was answered.")
    });
    case.does(format!(
        "Sends a message, which has to come back, {PINGS} Pings in one write, and another message."
    ))
    .wants("A Pong for the last Ping at least, in order if there are more; then the echo.")
}

/// A Pong that waits for the end of the message comes too late.
fn at_once() -> Case {
    let rules = &["RFC 6455 §5.4", "RFC 6455 §5.5.2"];
    let case = Case::new("23.4.8", Both, TITLE, rules, |peer| {
        peer.open()?;
        let fragment = Frame::text("fragment1").unfinished();
        peer.send_together(&[fragment, Frame::ping("now")])?;
        peer.expect_pongs(&[b"now".to_vec()], Duration::from_secs(1))?;
        peer.send(Frame::continuation("fragment2"))?;
        peer.expect_echo(&Frame::text("fragment1fragment2"))?;
        passed("The Pong came before the message was complete.")
    });
    case.does("Sends a fragment of a text, a Ping, and after the Pong the rest.")
        .wants("The Pong within a second, then the echo.")
}
