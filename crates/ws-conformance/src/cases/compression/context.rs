//! 26.4: references to earlier messages.

use super::blocks::END;
use super::{
    ANYTHING_ELSE, HELLO, HELLO_AGAIN, MAX_BITS, UNDECODABLE, binary, expect_no_wrong_echo,
    grouped, open_with, open_with_context, rules, text,
};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::channel::differs;
use crate::deflate::{Coding, Encoder};
use crate::dialogue::{Act, Miss, Outcome, Peer, Wish, passed};
use crate::wire::Frame;

const TITLE: &str = "Compression: context";
const WINDOW: &str = "Compression: windows";
/// The length of the second message, with which the first one begins.
const REPEATED: usize = 64;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![no_context(), farthest(), kept(), window("26.4.11", 8)];
    cases.extend((9..=MAX_BITS).map(|bits| window(&format!("26.4.{}", bits - 6), bits)));
    cases
}

fn no_context() -> Case {
    let case = Case::new("26.4.1", Both, TITLE, &rules::FORGET_CONTEXT, |peer| {
        open_with(peer, Wish::NO_CONTEXT, Wish::NONE)?;
        peer.send(text(HELLO))?;
        peer.expect_echo(&Frame::text("Hello"))?;
        peer.send(text(HELLO_AGAIN))?;
        expect_no_wrong_echo(peer, "Hello")
    });
    case.does("Agrees not to refer to earlier messages, then sends a text that does.")
        .wants(ANYTHING_ELSE)
        .see(&["RFC 7692 §7.1.1", "RFC 7692 §7.2.1"])
}

fn farthest() -> Case {
    let case = Case::new("26.4.2", Both, TITLE, &rules::LARGEST_WINDOW, |peer| {
        open_with_context(peer)?;
        let [first, second] = repetition(1 << MAX_BITS);
        send(peer, &first)?;
        send(peer, &second)?;
        passed("The echoes are right.")
    });
    case.does("Sends a message of 32,768 bytes, then a message that refers 32,768 bytes back to its beginning.")
        .wants("The testee sends both messages back.")
        .see(&["RFC 7692 §7.1.1"])
}

/// A message before and after it is compressed.
struct Message {
    plain: Vec<u8>,
    compressed: Vec<u8>,
}

/// Builds two messages. The second one refers this many bytes back.
fn repetition(distance: usize) -> [Message; 2] {
    let mut rng = fastrand::Rng::with_seed(26);
    let first: Vec<u8> = std::iter::repeat_with(|| rng.u8(..))
        .take(distance)
        .collect();
    let second = first[..REPEATED].to_vec();
    let mut encoder = Encoder::new(Coding {
        window_bits: MAX_BITS,
        context_takeover: true,
    });
    [first, second].map(|plain| Message {
        compressed: encoder.compress(&plain),
        plain,
    })
}

fn send(peer: &mut Peer<'_>, message: &Message) -> Result<(), Miss> {
    peer.send(binary(&*message.compressed))?;
    peer.expect_echo(&Frame::binary(&*message.plain))
}

fn window(id: &str, bits: u8) -> Case {
    let window = 1_usize << bits;
    let case = Case::new(id, Both, WINDOW, &rules::RECEIVE, move |peer| {
        let own = open_with(peer, Wish::window(bits), Wish::NONE)?.own;
        if own.window_bits != bits || !own.context_takeover {
            return Miss::not_applicable("The testee agrees to other parameters.");
        }
        let [first, second] = repetition(window);
        send(peer, &first)?;
        send(peer, &second)?;
        match bits {
            MAX_BITS => passed("The echoes are right."),
            _ => beyond(peer, window),
        }
    });
    let bytes = grouped(window);
    let (more, any) = match bits {
        MAX_BITS => ("", ""),
        _ => (
            " Then sends a message that refers one byte further.",
            " Any reaction to the last message is fine, except a wrong echo.",
        ),
    };
    case.does(format!(
        "Agrees to a window of {bytes} bytes, then sends a message that refers {bytes} bytes back.{more}"
    ))
    .wants(format!("The testee sends the messages back.{any}"))
    .see(&["RFC 7692 §7.1.2", "RFC 7692 §7.2.2"])
}

/// Returns a case with a reference beyond the window. Many testees use the largest window, whatever
/// was agreed.
fn beyond(peer: &mut Peer<'_>, window: usize) -> Outcome {
    let [first, second] = repetition(window + 1);
    send(peer, &first)?;
    peer.send(binary(second.compressed))?;
    let what = match peer.next(peer.reply_time())? {
        None => "does nothing",
        Some(Act::Message { payload, binary }) if binary && payload == second.plain => {
            "decodes a message"
        }
        Some(Act::Message { payload, binary }) => {
            let sent = (true, &*second.plain);
            let what = "The echo of the last message";
            return Miss::must(differs(what, sent, (binary, &payload)));
        }
        act => {
            peer.judge_fail(act, UNDECODABLE)?;
            "fails the connection"
        }
    };
    passed(format!(
        "The echoes are right; the testee {what} if a reference goes beyond the window."
    ))
}

fn kept() -> Case {
    let case = Case::new("26.4.10", Both, TITLE, &rules::KEEP_CONTEXT, |peer| {
        open_with_context(peer)?;
        peer.send_together(&[
            text(HELLO),
            Frame::text("uncompressed"),
            text(END),
            Frame::ping("between"),
            text(HELLO_AGAIN),
        ])?;
        for text in ["Hello", "uncompressed", "", "Hello"] {
            peer.expect_echo(&Frame::text(text))?;
        }
        passed("The echoes are right.")
    });
    case.does("Sends a compressed text, an uncompressed text, an empty compressed text, a Ping, and a text that refers to the first one.")
        .wants("The testee sends all texts back.")
        .see(&["RFC 7692 §7.2.3.2"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Inflater;

    #[test]
    fn the_second_message_refers_as_far_back_as_required() {
        for (distance, window_bits, beyond) in [
            (256, 8, false),
            (512, 9, false),
            (513, 9, true),
            (1 << 14, 14, false),
        ] {
            let mut inflater = Inflater::new(Coding {
                window_bits,
                context_takeover: true,
            });
            let mut far = None;
            for message in repetition(distance) {
                let mut out = Vec::new();
                inflater.begin();
                inflater
                    .push(&message.compressed, &mut out, usize::MAX)
                    .unwrap();
                far = inflater.end(&mut out, usize::MAX).err();
            }
            assert_eq!(far.is_some(), beyond, "{distance}");
            let shown = far.map(|far| far.to_string()).unwrap_or_default();
            assert!(!beyond || shown.contains(&distance.to_string()), "{shown}");
        }
        let [first, second] = repetition(1 << MAX_BITS);
        assert!(second.compressed.len() < REPEATED && first.compressed.len() > first.plain.len());
    }
}
