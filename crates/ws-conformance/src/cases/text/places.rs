//! 25.4 to 25.7: other places of UTF-8, valid and invalid.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::{fails, fails_with};
use crate::dialogue::{Act, Miss, passed};
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "UTF-8: other places";
/// The offsets at which vectors, and the buffers of implementations, begin and end.
const EDGES: [usize; 10] = [15, 16, 31, 32, 63, 64, 4095, 4096, 65_535, 65_536];
const LONG: usize = 16 << 20;
/// The codes with which a testee refuses a message that is too long for it.
const TOO_LONG: [Option<u16>; 2] = [Some(1008), Some(1009)];

pub(super) fn cases() -> Vec<Case> {
    vec![edges(), last_byte(), not_text(), later_fragment()]
}

/// Returns a case in which a character lies before, across and after each edge.
fn edges() -> Case {
    let case = Case::new("25.4", Both, TITLE, &rules::TEXT, |peer| {
        peer.open()?;
        for edge in EDGES {
            for character in ["é", "€", "𝄞"] {
                for before in 0..=character.len() {
                    let start = "*".repeat(edge - before);
                    let message = Frame::text(format!("{start}{character}*"));
                    peer.send(message.clone())?;
                    peer.expect_echo(&message)?;
                }
            }
        }
        passed("All echoes are right.")
    });
    case.see(&["RFC 6455 §8.1"])
        .does(
            "Sends texts in which a character of 2, 3 or 4 bytes lies before, across or after the \
             offsets 15, 16, 31, 32, 63, 64, 4095, 4096, 65,535 and 65,536.",
        )
        .wants("The testee echoes all texts.")
}

fn last_byte() -> Case {
    let case = Case::new("25.5", Both, TITLE, &rules::INVALID, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let mut text = vec![b'*'; LONG];
        text[LONG - 1] = 0xff;
        peer.send(Frame::text(text))?;
        let limit = peer.reply_time();
        match peer.next(limit)? {
            Some(Act::Close(close)) if TOO_LONG.contains(&close.code) => {
                peer.see_off()?;
                Miss::not_applicable("The testee does not accept messages of 16 MiB.")
            }
            act => peer.judge_fail(act, &[1007]),
        }
    });
    case.does(
        "Sends a message and waits for its echo. Then sends a text of 16 MiB. All bytes are ASCII \
         but the last one, which is ff.",
    )
    .wants(format!(
        "{} If it refuses such a message with code 1008 or 1009, the case is not applicable.",
        fails_with(&[1007])
    ))
    .takes(Duration::from_secs(90))
    .heavy()
}

fn not_text() -> Case {
    const BYTES: &[u8] = b"\xff\xfe\xc0\xaf\xed\xa0\x80\xe2\x82";
    let case = Case::new("25.6", Both, TITLE, &rules::BINARY, |peer| {
        peer.open()?;
        let message = Frame::binary(BYTES);
        peer.send_together(&[Frame::pong(BYTES), Frame::ping(BYTES), message.clone()])?;
        peer.expect_pongs_and_echo(&[BYTES.to_vec()], &message)?;
        passed("The Pong and the echo are right.")
    });
    case.see(&["RFC 6455 §5.5.2", "RFC 6455 §5.5.3"])
        .does("Sends a Pong, a Ping and a binary message of bytes that are not UTF-8.")
        .wants("The testee answers the Ping with the same bytes. Then it echoes the message.")
}

fn later_fragment() -> Case {
    let frames = || {
        vec![
            Frame::text("Hello, ").unfinished(),
            Frame::continuation("κόσμε").unfinished(),
            Frame::continuation([0xff]).unfinished(),
            Frame::continuation("!"),
        ]
    };
    let case = fails("25.7", Both, TITLE, &rules::INVALID, &[1007], frames);
    case.see(&["RFC 6455 §5.6"]).does(
        "Sends a message and waits for its echo. Then sends a text in four fragments: \"Hello, \", \
         \"κόσμε\", the byte ff, and \"!\".",
    )
}
