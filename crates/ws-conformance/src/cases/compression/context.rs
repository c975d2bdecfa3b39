//! 26.4: what messages refer back to.

use super::messages::{HELLO, HELLO_AGAIN, compressed, open_with_context};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::deflate::{Coding, Encoder};
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::dialogue::{Act, REPLY, Wish};
use crate::wire::Frame;

const TITLE: &str = "Compression: context";
const WINDOW: &str = "Compression: windows";
const UNDECODABLE: &[u16] = &[1002, 1003, 1007, 1011];
/// The widest window.
const MAX_BITS: u8 = 15;
/// What the second message is, and the first one begins with.
const REPEATED: usize = 64;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![no_context(), farthest(), kept()];
    cases.extend((9..=MAX_BITS).map(window));
    cases
}

/// A receiver may keep what it need not (RFC 7692 §7.2.2).
fn no_context() -> Case {
    let case = Case::new("26.4.1", Both, TITLE, &["RFC 7692 §7.1.1"], |peer| {
        peer.open_compressing(Wish::NO_CONTEXT, Wish::NONE)?;
        peer.expect_to_be_alive()?;
        peer.send(compressed(HELLO))?;
        peer.expect_echo(&Frame::text("Hello"))?;
        peer.send(compressed(HELLO_AGAIN))?;
        match peer.next_within(REPLY)? {
            Some(Act::Message { .. }) => passed("The testee kept the context, and sent an echo."),
            act => peer.judge_fail(act, UNDECODABLE),
        }
    });
    case.does("Agrees to compress each of its messages by itself, then sends one that refers to the one before.")
        .wants("The connection fails, or the echo comes back: a testee may keep what it need not.")
        .informational()
}

fn farthest() -> Case {
    let case = Case::new("26.4.2", Both, TITLE, &["RFC 7692 §7.1.1"], |peer| {
        open_with_context(peer)?;
        let [first, second] = repetition(1 << MAX_BITS);
        send(peer, &first)?;
        send(peer, &second)?;
        passed("The echoes are right.")
    });
    case.does("Sends a message of 32768 octets, then one that refers to its beginning, 32768 octets back.")
        .wants("Both echoes.")
}

/// A message, and how it is compressed.
struct Sent {
    plain: Vec<u8>,
    octets: Vec<u8>,
}

/// Two messages, of which the second refers so many octets back.
fn repetition(distance: usize) -> [Sent; 2] {
    let mut rng = fastrand::Rng::with_seed(26);
    let first: Vec<u8> = std::iter::repeat_with(|| rng.u8(..))
        .take(distance)
        .collect();
    let second = first[..REPEATED].to_vec();
    let mut encoder = Encoder::new(Coding {
        window_bits: MAX_BITS,
        context_takeover: true,
    });
    [first, second].map(|plain| Sent {
        octets: encoder.compress(&plain),
        plain,
    })
}

fn send(peer: &mut Peer<'_>, message: &Sent) -> Result<(), Miss> {
    peer.send(Frame::binary(message.octets.clone()).with_rsv(4))?;
    peer.expect_echo(&Frame::binary(message.plain.clone()))
}

fn window(bits: u8) -> Case {
    let id = format!("26.4.{}", bits - 6);
    let window = 1_usize << bits;
    let case = Case::new(&id, Both, WINDOW, &["RFC 7692 §7.1.2"], move |peer| {
        let own = peer.open_compressing(Wish::window(bits), Wish::NONE)?.own;
        if own.window_bits != bits || !own.context_takeover {
            return Miss::unsupported("The testee agrees to other terms.");
        }
        let [first, second] = repetition(window);
        send(peer, &first)?;
        send(peer, &second)?;
        match bits {
            MAX_BITS => passed("The echoes are right."),
            _ => beyond(peer, window),
        }
    });
    let beyond = match bits {
        MAX_BITS => "",
        _ => "; after that, the same with one octet more",
    };
    case.does(format!(
        "Agrees to refer at most {window} octets back, and does so{beyond}."
    ))
    .wants("The echoes. Where a message refers further back, any reaction is fine.")
}

/// Many a testee has the largest window whatever was agreed.
fn beyond(peer: &mut Peer<'_>, window: usize) -> Outcome {
    let [first, second] = repetition(window + 1);
    send(peer, &first)?;
    peer.send(Frame::binary(second.octets).with_rsv(4))?;
    passed(match peer.next_within(REPLY)? {
        Some(Act::Message { .. }) => {
            "The echoes are right; references beyond the window work, too."
        }
        Some(Act::Close(_) | Act::End) => {
            "The echoes are right; the testee fails the connection at a reference beyond the window."
        }
        _ => return Miss::should("The testee does nothing at a reference beyond the window."),
    })
}

fn kept() -> Case {
    let rules = &["RFC 7692 §7.1.1", "RFC 7692 §7.2.2"];
    let case = Case::new("26.4.10", Both, TITLE, rules, |peer| {
        open_with_context(peer)?;
        peer.send_together(&[
            compressed(HELLO),
            Frame::text("uncompressed"),
            compressed(*b"\x00"),
            Frame::ping("between"),
            compressed(HELLO_AGAIN),
        ])?;
        for text in ["Hello", "uncompressed", "", "Hello"] {
            peer.expect_echo(&Frame::text(text))?;
        }
        passed("The echoes are right.")
    });
    case.does("Sends a compressed text, an uncompressed one, an empty one, a Ping, and a text that refers to the first one.")
        .wants("All echoes.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Inflater;

    #[test]
    fn the_second_message_refers_as_far_back_as_it_says() {
        for (distance, window_bits, beyond) in
            [(512, 9, false), (513, 9, true), (1 << 14, 14, false)]
        {
            let mut inflater = Inflater::new(Coding {
                window_bits,
                context_takeover: true,
            });
            let mut far = None;
            for message in repetition(distance) {
                let mut out = Vec::new();
                inflater.begin();
                inflater
                    .push(&message.octets, &mut out, usize::MAX)
                    .unwrap();
                far = inflater.end(&mut out, usize::MAX).err();
            }
            assert_eq!(far.is_some(), beyond, "{distance}");
            let shown = far.map(|far| far.to_string()).unwrap_or_default();
            assert!(!beyond || shown.contains(&distance.to_string()), "{shown}");
        }
        let [first, second] = repetition(1 << MAX_BITS);
        assert!(second.octets.len() < REPEATED && first.octets.len() > first.plain.len());
    }
}
