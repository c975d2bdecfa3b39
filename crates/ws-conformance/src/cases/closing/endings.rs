//! 24.3 and 24.4: who says what last, and who ends TCP.

use crate::case::Case;
use crate::case::Level;
use crate::case::Roles::Both;
use crate::case::Roles::Client;
use crate::case::Roles::Server;
use crate::cases::fails::fails;
use crate::dialogue::Miss;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::time::Duration;

use crate::dialogue::{REPLY, Tcp};

const LAST_WORDS: &str = "Closing: last words";
const TCP: &str = "Closing: the end of TCP";
/// How long a testee may wait for the other side.
const PATIENCE: Duration = Duration::from_secs(15);
/// A violation that every testee has to see at once.
const RESERVED_OPCODE: u8 = 3;

pub(super) fn cases() -> Vec<Case> {
    vec![
        after_close("24.3.1", "frames that are not allowed", violations),
        after_close("24.3.2", "1 MiB of messages", messages),
        same_code(),
        one_close(),
        deaf_violator(),
        crossing(),
        server_ends_tcp(),
        client_waits(),
        half_closed(),
        unread_echo().heavy(),
        within_a_message(),
    ]
}

fn violations() -> Vec<Frame> {
    vec![
        Frame::new(RESERVED_OPCODE, "Hello"),
        Frame::text("Hello").with_rsv(7),
        Frame::continuation("Hello"),
    ]
}

fn messages() -> Vec<Frame> {
    vec![Frame::binary(vec![b'*'; 64 * 1024]); 16]
}

fn after_close(id: &str, what: &str, frames: fn() -> Vec<Frame>) -> Case {
    let case = Case::new(id, Both, LAST_WORDS, &["RFC 6455 §5.5.1"], move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let mut all = vec![Frame::close(1000, b"")];
        all.extend(frames());
        peer.send_together(&all)?;
        match peer.expect_close(&[1000]) {
            // Octets that were not read turn the end of TCP into a reset, which may overtake it.
            Err(Miss::Must(_)) if peer.tcp == Tcp::Reset && !peer.has_closed() => {
                passed("The testee reset TCP, by which its Close may be lost.")
            }
            other => other,
        }
    });
    case.does(format!("Sends a Close and, behind it, {what}."))
        .wants("A Close in reply, and nothing else.")
}

fn same_code() -> Case {
    let case = Case::new("24.3.3", Both, LAST_WORDS, &["RFC 6455 §5.5.1"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        peer.expect_close(&[1000])
    });
    case.does("Sends a Close with code 1000.")
        .wants("A Close with the same code.")
        .informational()
}

fn one_close() -> Case {
    let frames = || {
        vec![
            Frame::new(RESERVED_OPCODE, "Hello"),
            Frame::text("Hello"),
            Frame::ping("Hello"),
            Frame::new(RESERVED_OPCODE, "Hello"),
        ]
    };
    let rules = &["RFC 6455 §7.1.7", "RFC 6455 §5.5.1"];
    fails("24.3.4", Both, LAST_WORDS, rules, &[1002], frames).does(
        "Sends a message, which has to come back, then a frame that is not allowed, a message, a Ping, and another frame that is not allowed.",
    )
}

/// The suite neither answers the Close nor ends TCP, and goes on sending.
fn deaf_violator() -> Case {
    let case = Case::new("24.3.5", Both, LAST_WORDS, &["RFC 6455 §7.1.7"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::new(RESERVED_OPCODE, "Hello"))?;
        match peer.drops_while_talking(PATIENCE)? {
            true => passed("The testee ended TCP."),
            false => Miss::must("The testee left TCP open."),
        }
    });
    case.does("Sends a frame that is not allowed, does not answer the Close, and goes on sending messages for 15 s.")
        .wants("The testee ends TCP before that.")
        .level(Level::Should)
}

fn crossing() -> Case {
    let case = Case::new("24.3.6", Both, LAST_WORDS, &["RFC 6455 §7.1.2"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_together(&[
            Frame::new(RESERVED_OPCODE, "Hello"),
            Frame::close(1000, b""),
        ])?;
        let outcome = peer.expect_fail(&[1002])?;
        match peer.drops_within(Duration::ZERO)? {
            true => passed(outcome),
            false => Miss::must("Both sides sent a Close, and the testee left TCP open."),
        }
    });
    case.does("Sends a frame that is not allowed and at once a Close, which crosses the Close that it provokes.")
        .wants("The connection fails: Close 1002 or the end of TCP, and TCP ends.")
}

fn server_ends_tcp() -> Case {
    let case = Case::new("24.4.1", Server, TCP, &["RFC 6455 §7.1.1"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        peer.expect_close(&[1000])?;
        match peer.drops_within(Duration::ZERO)? {
            true => passed("The server ended TCP first."),
            false => Miss::must("The server left it to the client to end TCP."),
        }
    });
    case.does("Sends a Close and leaves TCP open.")
        .wants("A Close in reply, then the end of TCP within a second.")
}

fn client_waits() -> Case {
    let case = Case::new("24.4.2", Client, TCP, &["RFC 6455 §7.1.1"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b""))?;
        peer.expect_close_only(&[1000])?;
        match peer.ends_within(PATIENCE)? {
            true => passed("The client lost patience and ended TCP."),
            false => passed("The client still waited when the suite gave up."),
        }
    });
    case.does("Sends a Close and, after the reply, leaves TCP open for 15 s.")
        .wants("A Close in reply, then the end of TCP before that.")
        .informational()
}

fn half_closed() -> Case {
    let case = Case::new("24.4.3", Both, TCP, &["RFC 6455 §7.1.5"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.shutdown();
        match peer.drops_within(REPLY)? {
            true => passed("The testee ended TCP, too."),
            false => Miss::must("The testee left its direction of TCP open."),
        }
    });
    case.does("Ends its direction of TCP without a Close.")
        .wants("The testee ends TCP, too.")
        .level(Level::Should)
}

/// As long as the suite does not read, the testee has no room for its Close.
fn unread_echo() -> Case {
    let rules = &["RFC 6455 §7.1.1", "RFC 6455 §5.5.1"];
    let case = Case::new("24.4.4", Both, TCP, rules, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_unread(&[Frame::binary(vec![b'*'; 16 << 20]), Frame::close(1000, b"")])?;
        peer.pause_unread(PATIENCE)?;
        match peer.has_broken_off()? {
            true => passed("The testee ended TCP although nobody read its echo."),
            false => Miss::must("The testee still waited for the suite to read."),
        }
    });
    case.does("Sends a message of 16 MiB and a Close, and reads nothing for 15 s.")
        .wants("The testee ends TCP before that.")
        .level(Level::Should)
}

fn within_a_message() -> Case {
    let rules = &["RFC 6455 §5.4", "RFC 6455 §5.5.1"];
    let case = Case::new("24.4.5", Both, TCP, rules, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_together(&[Frame::text("Hel").unfinished(), Frame::close(1000, b"")])?;
        peer.expect_close(&[1000])
    });
    case.does("Sends the first fragment of a text, then a Close.")
        .wants("A Close with code 1000, and nothing else.")
}
