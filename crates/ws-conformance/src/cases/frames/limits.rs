//! 23.5: frames and messages that are too long.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::Both;
use crate::channel::differs;
use crate::dialogue::{Act, Miss, Outcome, Peer, passed};
use crate::role::Role;
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Framing: limits";
/// More than echo programs accept, but not too much for a testee without limits.
pub(in crate::cases) const TOO_LONG: usize = 33 << 20;
const FILL: u8 = b'*';
const FRAGMENT: usize = 64 * 1024;
const TIB: u64 = 1 << 40;
/// The time that a testee has to refuse a frame by its header.
const HEADER_TIME: Duration = Duration::from_millis(200);
/// Enough to send 33 MiB to a slow testee and to wait for its echo.
const TIME: Duration = Duration::from_secs(120);
const REFUSES: &str = "The testee refuses the message: it sends a Close with code 1009, or ends \
    TCP. A testee that accepts such messages echoes it. The case is not applicable then.";

pub(super) fn cases() -> Vec<Case> {
    vec![long_frame(), long_message(), announced()]
}

fn long_frame() -> Case {
    let case = Case::new("23.5.1", Both, TITLE, &rules::LIMIT, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let bytes = peer.encoded(&Frame::binary(vec![FILL; TOO_LONG]));
        let (start, rest) = bytes.split_at(FRAGMENT);
        peer.send_bytes(start)?;
        let act = match peer.next_within(HEADER_TIME)? {
            None => {
                peer.send_bytes(rest)?;
                let limit = peer.reply_time();
                peer.next(limit)?
            }
            act => act,
        };
        judge(peer, act, FILL)
    });
    case.see(&["RFC 6455 §7.4.1"])
        .does(
            "Sends a message and waits for its echo. Then sends a binary message of 33 MiB in one \
             frame.",
        )
        .wants(REFUSES)
        .takes(TIME)
        .heavy()
}

fn long_message() -> Case {
    let case = Case::new("23.5.2", Both, TITLE, &rules::LIMIT, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.be_quiet();
        peer.send(Frame::binary(vec![FILL; FRAGMENT]).unfinished())?;
        let more = Frame::continuation(vec![FILL; FRAGMENT]).unfinished();
        for _ in 1..TOO_LONG / FRAGMENT {
            if peer.is_listening() {
                peer.send(more.clone())?;
            }
        }
        peer.send(Frame::continuation(""))?;
        let limit = peer.reply_time();
        let act = peer.next(limit)?;
        judge(peer, act, FILL)
    });
    case.see(&["RFC 6455 §7.4.1"])
        .does(
            "Sends a message and waits for its echo. Then sends a binary message of 33 MiB in \
             fragments of 64 KiB.",
        )
        .wants(REFUSES)
        .takes(TIME)
        .heavy()
}

/// Judges the reaction to a message of [`TOO_LONG`] bytes, all of them `fill`.
pub(in crate::cases) fn judge(peer: &mut Peer<'_>, act: Option<Act>, fill: u8) -> Outcome {
    match act {
        Some(Act::Message {
            binary: true,
            payload,
        }) if payload.len() == TOO_LONG && payload.iter().all(|&byte| byte == fill) => {
            Miss::not_applicable("The testee accepts messages of 33 MiB.")
        }
        Some(Act::Message { binary, payload }) => {
            let sent = vec![fill; TOO_LONG];
            Miss::must(differs("The echo", (true, &sent), (binary, &payload)))
        }
        act => peer.judge_fail(act, &[1009]),
    }
}

fn announced() -> Case {
    let case = Case::new("23.5.3", Both, TITLE, &rules::PROTECTION, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::binary(vec![FILL; 1000]).announcing(TIB))?;
        let outcome = match peer.next_within(Duration::from_secs(1))? {
            None => passed("The testee waits for the rest."),
            act => peer.judge_fail(act, &[1009]),
        };
        if peer.testee == Role::Server {
            peer.expect_another_connection("Meanwhile")?;
        }
        // A Close would be a part of the payload.
        peer.shutdown();
        outcome
    });
    case.see(&["RFC 6455 §7.4.1"])
        .does(
            "Sends a message and waits for its echo. Then sends the header of a binary message of \
             1 TiB and 1000 bytes of its payload.",
        )
        .wants(
            "The testee waits for the rest, or fails the connection: it sends a Close with code \
             1009, or ends TCP. Meanwhile a server opens another connection and echoes a message.",
        )
}
