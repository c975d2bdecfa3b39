//! 23.5: frames and messages that are too long.

use crate::case::Case;
use crate::case::Level;
use crate::case::Roles::Both;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::time::Duration;

use crate::dialogue::{Act, REPLY};
use crate::role::Role;

const TITLE: &str = "Framing: limits";
const RULES: &[&str] = &["RFC 6455 §7.4.1", "RFC 6455 §10.4"];
/// More than echo programs take, but what a testee without limits can bear.
pub(in crate::cases) const TOO_LONG: usize = 33 << 20;
const FRAGMENT: usize = 64 * 1024;
const TIB: u64 = 1 << 40;
/// How long a testee may take to look at a header.
const GLANCE: Duration = Duration::from_millis(200);

pub(super) fn cases() -> Vec<Case> {
    vec![long_frame().heavy(), long_message().heavy(), announced()]
}

/// Who refuses a frame by its header gets the time to say so.
fn long_frame() -> Case {
    let case = Case::new("23.5.1", Both, TITLE, RULES, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let octets = peer.encoded(&Frame::binary(vec![b'*'; TOO_LONG]));
        let (start, rest) = octets.split_at(FRAGMENT);
        peer.send_octets(start)?;
        match peer.next_within(GLANCE)? {
            None => {
                peer.send_octets(rest)?;
                let act = peer.next_within(REPLY)?;
                judge(peer, act)
            }
            act => judge(peer, act),
        }
    });
    case.does("Sends a message of 33 MiB in one frame.")
        .wants("Close 1009, or the end of TCP, unless messages of that length are taken.")
        .level(Level::Should)
}

fn long_message() -> Case {
    let case = Case::new("23.5.2", Both, TITLE, RULES, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.be_quiet();
        peer.send(Frame::binary(vec![b'*'; FRAGMENT]).unfinished())?;
        let more = Frame::continuation(vec![b'*'; FRAGMENT]).unfinished();
        for _ in 1..TOO_LONG / FRAGMENT {
            if peer.is_listening() {
                peer.send(more.clone())?;
            }
        }
        peer.send(Frame::continuation(""))?;
        let act = peer.next_within(REPLY)?;
        judge(peer, act)
    });
    case.does("Sends a message of 33 MiB in fragments of 64 KiB.")
        .wants("Close 1009, or the end of TCP, unless messages of that length are taken.")
        .level(Level::Should)
}

/// What a testee makes of a message that is [`TOO_LONG`].
pub(in crate::cases) fn judge(peer: &mut Peer<'_>, act: Option<Act>) -> Outcome {
    match act {
        Some(Act::Message { payload, .. }) if payload.len() == TOO_LONG => {
            Miss::unsupported("The testee takes messages of that length.")
        }
        Some(Act::Message { .. }) => Miss::must("The echo differs from what was sent."),
        act => peer.judge_fail(act, &[1009]),
    }
}

fn announced() -> Case {
    let case = Case::new("23.5.3", Both, TITLE, &["RFC 6455 §10.4"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::binary(vec![b'*'; 1000]).announcing(TIB))?;
        let what = match peer.next_within(Duration::from_secs(1))? {
            None => "The testee waits for the rest.".to_owned(),
            act => peer.judge_fail(act, &[1009])?,
        };
        if peer.testee == Role::Server {
            peer.expect_another_connection("Meanwhile")?;
        }
        passed(what)
    });
    case.does("Sends a header that announces 1 TiB, and 1000 octets.")
        .wants("Close 1009, or patience; memory for what is there only.")
        .informational()
}
