//! 23.4.1 to 23.4.3, 23.4.9 and 23.4.10: frames and the segments of TCP.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Roles::Server;
use crate::dialogue::Miss;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::time::Duration;

use crate::dialogue::{Act, REPLY};

const TITLE: &str = "Framing: segments";
const RULES: &[&str] = &["RFC 6455 §5"];
/// So that the testee reads one segment before the next one is there.
const PAUSE: Duration = Duration::from_millis(2);
const MANY: usize = 1000;
const MIB: usize = 1 << 20;
const LONGEST_SEGMENT: usize = 4096;

pub(super) fn cases() -> Vec<Case> {
    vec![
        cut_headers(),
        one_write(),
        random_segments(),
        cut_off(),
        reset(),
    ]
}

/// For a length of each form.
fn cut_headers() -> Case {
    let case = Case::new("23.4.1", Both, TITLE, RULES, |peer| {
        peer.open()?;
        for len in [5, 126, 65_536] {
            let message = Frame::binary(vec![b'*'; len]);
            let header = peer.encoded(&message).len() - len;
            for cut in 1..=header {
                peer.send_in_segments(&message, [cut], PAUSE)?;
                peer.expect_echo(&message)?;
            }
            peer.send_in_segments(&message, vec![1; header], PAUSE)?;
            peer.expect_echo(&message)?;
        }
        passed("All echoes are right.")
    });
    case.does("Sends messages of 5, 126 and 65536 octets, each with its header cut into two segments at every place, and then into segments of one octet.")
        .wants("Their echoes.")
}

fn one_write() -> Case {
    let case = Case::new("23.4.2", Both, TITLE, RULES, |peer| {
        peer.open()?;
        let messages = (0..MANY).map(|number| Frame::text(format!("Message {number}")));
        let messages: Vec<_> = messages.collect();
        peer.send_together(&messages)?;
        for message in &messages {
            peer.expect_echo(message)?;
        }
        passed("All echoes are right.")
    });
    case.does(format!("Sends {MANY} short texts in one write."))
        .wants("Their echoes, in order.")
}

fn random_segments() -> Case {
    let case = Case::new("23.4.3", Both, TITLE, RULES, |peer| {
        peer.open()?;
        peer.be_quiet();
        let mut rng = fastrand::Rng::with_seed(23);
        let octets: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(MIB).collect();
        let message = Frame::binary(octets);
        let lengths = std::iter::repeat_with(|| rng.usize(1..=LONGEST_SEGMENT));
        let lengths: Vec<_> = lengths.take(2 * MIB / LONGEST_SEGMENT).collect();
        peer.send_in_segments(&message, lengths, Duration::ZERO)?;
        peer.expect_echo(&message)?;
        passed("The echo is right.")
    });
    case.does(format!(
        "Sends a message of 1 MiB in segments of 1 to {LONGEST_SEGMENT} octets, of which a fixed seed makes the lengths."
    ))
    .wants("Its echo.")
}

/// A testee may say that something is missing, but has no message.
fn cut_off() -> Case {
    let case = Case::new("23.4.9", Both, TITLE, &["RFC 6455 §7.1.5"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let octets = peer.encoded(&Frame::text("Hello"));
        peer.send_octets(&octets[..octets.len() - 2])?;
        peer.shutdown();
        match peer.next_within(REPLY)? {
            Some(Act::End) => passed("The testee ended TCP, too."),
            Some(Act::Close(_)) => passed("The testee sent a Close."),
            Some(Act::Message { .. }) => Miss::must("The testee made a message of half a frame."),
            _ => Miss::should("The testee left its direction of TCP open."),
        }
    });
    case.does("Sends a part of a frame, then ends its direction of TCP.")
        .wants("No message, and the end of the connection.")
}

/// A client that is gone cannot be asked how it is.
fn reset() -> Case {
    let case = Case::new("23.4.10", Server, TITLE, &["RFC 6455 §7.1.5"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let octets = peer.encoded(&Frame::text("Hello"));
        peer.send_octets(&octets[..octets.len() - 2])?;
        peer.break_off()?;
        peer.open()?;
        peer.expect_to_be_alive()?;
        passed("The server goes on with another connection.")
    });
    case.does("Sends a part of a frame, then resets TCP, and opens another connection.")
        .wants("The other connection is served.")
}
