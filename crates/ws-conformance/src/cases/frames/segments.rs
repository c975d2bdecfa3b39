//! 23.4.1 to 23.4.3, 23.4.9 and 23.4.10: frames and the segments of TCP.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::{Both, Server};
use crate::dialogue::{Act, Miss, passed};
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Framing: segments of TCP";
/// The testee has to read one segment before the next one arrives.
const PAUSE: Duration = Duration::from_millis(2);
const MANY: usize = 1000;
const MIB: usize = 1 << 20;
const LONGEST_SEGMENT: usize = 4096;
/// The codes of a Close that reports the end of TCP within a frame.
const CUT_OFF: &[u16] = &[1000, 1001, 1002, 1011];

pub(super) fn cases() -> Vec<Case> {
    vec![
        cut_headers(),
        one_write(),
        random_segments(),
        cut_off(),
        reset(),
    ]
}

fn cut_headers() -> Case {
    let case = Case::new("23.4.1", Both, TITLE, &rules::PARSED_AS_FRAMES, |peer| {
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
    case.does(
        "Sends messages of 5, 126 and 65,536 bytes in two segments each, with the header cut at \
         every place. Then sends each of them with every byte of the header in a segment of its \
         own.",
    )
    .wants("The testee echoes all messages.")
}

fn one_write() -> Case {
    let case = Case::new("23.4.2", Both, TITLE, &rules::NEXT_MESSAGE, |peer| {
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
        .wants("The testee echoes all texts in order.")
}

fn random_segments() -> Case {
    let case = Case::new("23.4.3", Both, TITLE, &rules::PARSED_AS_FRAMES, |peer| {
        peer.open()?;
        peer.be_quiet();
        let mut rng = fastrand::Rng::with_seed(23);
        let bytes: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(MIB).collect();
        let message = Frame::binary(bytes);
        let lengths = std::iter::repeat_with(|| rng.usize(1..=LONGEST_SEGMENT));
        let lengths: Vec<_> = lengths.take(2 * MIB / LONGEST_SEGMENT).collect();
        peer.send_in_segments(&message, lengths, Duration::ZERO)?;
        peer.expect_echo(&message)?;
        passed("The echo is right.")
    });
    case.does(format!(
        "Sends a message of 1 MiB in segments of 1 to {LONGEST_SEGMENT} bytes. Their lengths are \
         random, but the same in every run."
    ))
    .wants("The testee echoes the message.")
}

/// Returns a case with a missing end. A testee may report it, but has no message.
fn cut_off() -> Case {
    let case = Case::new("23.4.9", Both, TITLE, &rules::PARSED_AS_FRAMES, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let bytes = peer.encoded(&Frame::text("Hello"));
        peer.send_bytes(&bytes[..bytes.len() - 2])?;
        peer.shutdown();
        let limit = peer.reply_time();
        match peer.next(limit)? {
            Some(Act::End) => passed("The testee ended TCP, too."),
            Some(Act::Message { .. }) => {
                Miss::must("The testee treated a part of a frame as a message.")
            }
            None => Miss::should("The testee left its direction of TCP open."),
            act => peer.judge_fail(act, CUT_OFF),
        }
    });
    case.see(&["RFC 6455 §7.2.1"])
        .does(
            "Sends a message and waits for its echo. Then sends a part of a frame and ends its \
             direction of TCP.",
        )
        .wants(
            "The testee sends no message. It ends TCP. Before that, it may send a Close with code \
             1000, 1001, 1002 or 1011.",
        )
}

/// Returns a case with a reset. A client whose connection is gone cannot be tested further.
fn reset() -> Case {
    let case = Case::new("23.4.10", Server, TITLE, &rules::TCP_CLOSED, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let bytes = peer.encoded(&Frame::text("Hello"));
        peer.send_bytes(&bytes[..bytes.len() - 2])?;
        peer.break_off()?;
        peer.open()?;
        peer.expect_to_be_alive()?;
        passed("The server serves another connection.")
    });
    case.does(
        "Sends a message and waits for its echo. Then sends a part of a frame, resets TCP and \
         opens another connection.",
    )
    .wants("The server opens the other connection and echoes a message.")
}
