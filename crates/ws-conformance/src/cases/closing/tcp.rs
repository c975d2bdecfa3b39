//! 24.4: the end of TCP.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::{Both, Client, Server};
use crate::channel::differs;
use crate::dialogue::{Act, Miss, Outcome, Peer, REPLY, passed};
use crate::role::Role;
use crate::wire::Frame;

use super::rules;

pub(super) const TITLE: &str = "Closing: the end of TCP";
/// The time that the suite does not act.
pub(super) const WAIT: Duration = Duration::from_secs(15);
/// The time in which a server ends TCP "immediately" (§5.5.1).
const AT_ONCE: Duration = Duration::from_secs(1);
/// More than the buffers of the system for both sides.
const UNREAD: usize = 16 << 20;
/// The buffers are full if the suite could not write for this time.
pub(super) const STALL: Duration = Duration::from_secs(1);
/// The codes with which a testee refuses a message that is too long for it.
const TOO_LONG: [Option<u16>; 2] = [Some(1008), Some(1009)];

pub(super) fn cases() -> Vec<Case> {
    vec![
        server_ends_tcp(),
        client_waits(),
        client_ends_tcp(),
        half_closed(),
        unread_echo(),
    ]
}

/// Expects the end of TCP after both sides have sent a Close. A server has to end TCP within
/// `at_once`, and misses no more than a SHOULD if it is late.
pub(super) fn expect_end(peer: &mut Peer<'_>, at_once: Duration) -> Outcome {
    if ends_within(peer, at_once)? {
        return passed("The testee ended TCP.");
    }
    match (ends_within(peer, REPLY)?, peer.testee) {
        (true, Role::Server) => Miss::should("The server ended TCP, but not at once."),
        (true, Role::Client) => passed("The client ended TCP."),
        (false, _) => Miss::must("The testee left TCP open."),
    }
}

/// Returns `true` if the testee ends TCP within this time. It has sent its Close.
fn ends_within(peer: &mut Peer<'_>, time: Duration) -> Result<bool, Miss> {
    loop {
        match peer.next_within(time)? {
            None => return Ok(false),
            Some(Act::End) => return Ok(true),
            Some(Act::Pong(_)) => {}
            Some(Act::Close(_)) => return Miss::must("The testee sent a second Close."),
            Some(Act::Message { .. }) => {
                return Miss::must("The testee sent a message after its Close.");
            }
            Some(Act::Violation(what)) => return Miss::must(format!("After its Close, {what}.")),
        }
    }
}

fn server_ends_tcp() -> Case {
    let case = Case::new("24.4.1", Server, TITLE, &rules::SERVER_ENDS_TCP, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        peer.expect_close_only(&[1000])?;
        expect_end(peer, AT_ONCE)
    });
    case.see(&["RFC 6455 §7.1.1"])
        .does(
            "Sends a message and waits for its echo. Then sends a Close with code 1000 and leaves \
             TCP open.",
        )
        .wants("The server answers with a Close and ends TCP within a second.")
}

fn client_waits() -> Case {
    let case = Case::new("24.4.2", Client, TITLE, &rules::CLIENT_WAITS, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        peer.expect_close_only(&[1000])?;
        match ends_within(peer, WAIT)? {
            true => passed("The client ended TCP."),
            false => passed("The client still waited when the suite gave up."),
        }
    });
    case.see(&["RFC 6455 §7.1.1"])
        .does(format!(
            "Sends a message and waits for its echo. Then sends a Close with code 1000 and, after \
             the answer, leaves TCP open for {} s.",
            WAIT.as_secs()
        ))
        .wants("The client answers with a Close. It may wait for the server, or end TCP.")
}

fn client_ends_tcp() -> Case {
    let case = Case::new("24.4.8", Client, TITLE, &rules::BOTH_CLOSED, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        peer.expect_close_only(&[1000])?;
        peer.end_sending();
        expect_end(peer, AT_ONCE)
    });
    case.see(&["RFC 6455 §7.1.1"])
        .does(
            "Sends a message and waits for its echo. Then sends a Close with code 1000 and, after \
             the answer, ends its direction of TCP.",
        )
        .wants("The client answers with a Close and ends TCP, too.")
}

fn half_closed() -> Case {
    let case = Case::new("24.4.3", Both, TITLE, &rules::LOST, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.shutdown();
        match peer.drops_within(REPLY)? {
            true => passed("The testee ended TCP, too."),
            false => Miss::should("The testee left its direction of TCP open."),
        }
    });
    case.see(&["RFC 6455 §7.1.5"])
        .does(
            "Sends a message and waits for its echo. Then ends its direction of TCP without a \
             Close.",
        )
        .wants("The testee ends TCP, too.")
}

/// Returns a case in which the suite does not read, so that the testee cannot write its Close.
fn unread_echo() -> Case {
    let case = Case::new("24.4.4", Both, TITLE, &rules::ANY_MEANS, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let message = vec![b'*'; UNREAD];
        let mut bytes = peer.encoded(&Frame::binary(message.clone()));
        bytes.extend(peer.encoded(&Frame::close(1000, b"")));
        let sent = peer.pour(&bytes, STALL)?;
        peer.pause_unread(WAIT)?;
        peer.allow_for(UNREAD);
        peer.send_bytes(&bytes[sent..])?;
        judge_unread_echo(peer, &message)
    });
    case.see(&["RFC 6455 §5.5.1"])
        .does(format!(
            "Sends a message and waits for its echo. Then sends a message of 16 MiB and a Close \
             with code 1000, reads nothing for {} s, and reads everything.",
            WAIT.as_secs()
        ))
        .wants(
            "The testee ends TCP, or waits until the suite reads: then it sends the echo and a \
             Close, or only the Close. If the testee refuses such a message with code 1008 or \
             1009, the case is not applicable.",
        )
        .takes(Duration::from_secs(120))
        .heavy()
}

fn judge_unread_echo(peer: &mut Peer<'_>, message: &[u8]) -> Outcome {
    let limit = peer.reply_time();
    match peer.next(limit)? {
        Some(Act::End) => passed("The testee ended TCP before the suite read."),
        Some(Act::Close(close)) if TOO_LONG.contains(&close.code) => {
            peer.see_off()?;
            Miss::not_applicable("The testee does not accept messages of 16 MiB.")
        }
        Some(Act::Message {
            binary: true,
            payload,
        }) if payload == message => {
            peer.expect_close(&[1000])?;
            passed("The testee waited until the suite read.")
        }
        Some(Act::Message { binary, payload }) => {
            Miss::must(differs("The echo", (true, message), (binary, &payload)))
        }
        act => peer.judge_fail(act, &[1000]),
    }
}
