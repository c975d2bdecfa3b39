//! 24.3 and 24.4.5: what a testee sends after a Close or a violation.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails;
use crate::dialogue::{Miss, Tcp, passed};
use crate::wire::Frame;

use super::rules;
use super::tcp::{self, WAIT};

const TITLE: &str = "Closing: the last frames";
/// The opcode of a violation that every testee notices at once.
const RESERVED_OPCODE: u8 = 3;

pub(super) fn cases() -> Vec<Case> {
    vec![
        after_close(
            "24.3.1",
            "a frame with a reserved opcode, a text with reserved bits and a continuation frame",
            violations,
        ),
        after_close("24.3.2", "1 MiB of messages", messages),
        same_code(),
        one_close(),
        sends_on(),
        crossing(),
        within_a_message(),
    ]
}

fn violation() -> Frame {
    Frame::new(RESERVED_OPCODE, "Hello")
}

fn violations() -> Vec<Frame> {
    vec![
        violation(),
        Frame::text("Hello").with_rsv(7),
        Frame::continuation("Hello"),
    ]
}

fn messages() -> Vec<Frame> {
    vec![Frame::binary(vec![b'*'; 64 * 1024]); 16]
}

fn after_close(id: &str, what: &str, frames: fn() -> Vec<Frame>) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::NO_MORE_DATA, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let mut all = vec![Frame::close(1000, b"")];
        all.extend(frames());
        peer.send_together(&all)?;
        match peer.expect_close(&[1000]) {
            // Bytes that the testee does not read turn the end of TCP into a reset. A reset can
            // overtake the Close.
            Err(Miss::Must(_)) if peer.tcp == Tcp::Reset && !peer.has_closed() => {
                passed("The testee reset TCP. Its Close may be lost.")
            }
            other => other,
        }
    });
    case.does(format!(
        "Sends a message and waits for its echo. Then sends a Close with code 1000 and, after \
         it, {what}."
    ))
    .wants(
        "The testee answers with a Close that has code 1000 or no code, and sends nothing else. \
         A reset of TCP is fine, too.",
    )
}

fn same_code() -> Case {
    let case = Case::new("24.3.3", Both, TITLE, &rules::USUAL_CODE, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        match peer.expect_close(&[1000]) {
            Err(Miss::Should(what)) => Miss::informs(what),
            other => other,
        }
    });
    case.does("Sends a message and waits for its echo. Then sends a Close with code 1000.")
        .wants("The testee answers with a Close that has code 1000 or no code.")
}

fn one_close() -> Case {
    let frames = || {
        vec![
            violation(),
            Frame::text("Hello"),
            Frame::ping("Hello"),
            violation(),
        ]
    };
    let case = fails("24.3.4", Both, TITLE, &rules::FAILED, &[1002], frames);
    case.see(&["RFC 6455 §5.5.1"]).does(
        "Sends a message and waits for its echo. Then sends a frame with a reserved opcode, a \
         message, a Ping, and another frame with a reserved opcode.",
    )
}

/// Returns a case in which the suite neither answers the Close nor ends TCP, and sends more
/// messages.
fn sends_on() -> Case {
    let case = Case::new("24.3.5", Both, TITLE, &rules::FAILED_TCP, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(violation())?;
        match peer.drops_while_talking(WAIT)? {
            true => passed("The testee ended TCP."),
            false => Miss::should("The testee left TCP open."),
        }
    });
    case.does(format!(
        "Sends a message and waits for its echo. Then sends a frame with a reserved opcode and, \
         for {} s, message after message. Does not answer the Close.",
        WAIT.as_secs()
    ))
    .wants("The testee ends TCP before that time is over.")
}

fn crossing() -> Case {
    let case = Case::new("24.3.6", Both, TITLE, &rules::BOTH_CLOSED, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_together(&[violation(), Frame::close(1000, b"")])?;
        peer.expect_fail(&[1002])?;
        tcp::expect_end(peer, Duration::ZERO)
    });
    case.see(&["RFC 6455 §7.1.2"])
        .does(
            "Sends a message and waits for its echo. Then sends a frame with a reserved opcode \
             and a Close, which crosses the Close of the testee.",
        )
        .wants(
            "The testee fails the connection: it sends a Close with code 1002, or ends TCP, and \
             sends nothing else. It ends TCP in any case.",
        )
}

fn within_a_message() -> Case {
    let case = Case::new("24.4.5", Both, tcp::TITLE, &rules::ANSWER, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_together(&[Frame::text("Hel").unfinished(), Frame::close(1000, b"")])?;
        peer.expect_close(&[1000])
    });
    case.see(&["RFC 6455 §5.4"])
        .does(
            "Sends a message and waits for its echo. Then sends the first fragment of a text, and \
             a Close with code 1000.",
        )
        .wants(
            "The testee answers with a Close that has code 1000 or no code, and sends nothing \
             else.",
        )
}
