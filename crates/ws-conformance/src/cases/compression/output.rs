//! 26.6: how the testee compresses.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::Miss;
use crate::dialogue::Peer;
use crate::dialogue::Wish;
use crate::dialogue::passed;
use crate::role::Role;
use crate::wire::Frame;

const TITLE: &str = "Compression: the testee's messages";
/// Further back than small windows reach.
const HALF: usize = 3000;
const NOISE: usize = 100_000;

pub(super) fn cases() -> Vec<Case> {
    vec![terms(), noise()]
}

/// What a testee may be asked for, the most usual first. Nothing about its context was agreed with
/// a window, so there is one more set for both.
fn wishes() -> Vec<Wish> {
    let both = Wish {
        window_bits: Some(10),
        no_context_takeover: true,
    };
    let windows = (9..=15).map(Wish::window);
    let others = [Wish::NONE, Wish::NO_CONTEXT].into_iter().chain(windows);
    [both].into_iter().chain(others).collect()
}

/// The reader watches the rules. A server that declines one of the wishes may fulfil another; a
/// client comes once.
fn terms() -> Case {
    let rules = &["RFC 7692 §7.1", "RFC 7692 §7.2.1"];
    let case = Case::new("26.6.1", Both, TITLE, rules, |peer| {
        let mut agreed = 0;
        let mut compressed = 0;
        for wish in wishes() {
            match look(peer, wish) {
                Ok(()) => agreed += 1,
                Err(Miss::Unsupported(_)) if peer.testee == Role::Server => {}
                Err(miss) => return Err(miss),
            }
            compressed += usize::from(std::mem::take(&mut peer.said.compressed) > 0);
            if peer.testee == Role::Client {
                break;
            }
            peer.reconnect()?;
        }
        match agreed {
            0 => Miss::unsupported("The server does not agree to permessage-deflate."),
            _ => passed(format!(
                "The testee keeps to {agreed} set(s) of parameters, and compressed with {compressed} of them."
            )),
        }
    });
    case.does("Agrees to compress with windows of 9 to 15 bits, with context and without, each over a connection of its own, and sends messages that repeat themselves and each other; a client comes for one connection, with a window of 10 bits and without context.")
        .wants("Echoes that have RSV1 in their first frames only, and refer no further back than was agreed.")
}

fn look(peer: &mut Peer<'_>, wish: Wish) -> Result<(), Miss> {
    peer.open_compressing(Wish::NONE, wish)?;
    let mut rng = fastrand::Rng::with_seed(26);
    let half: String = (0..HALF).map(|_| rng.alphanumeric()).collect();
    for text in [half.repeat(2), half, "Hello".to_owned(), String::new()] {
        for _ in 0..2 {
            let message = Frame::text(&*text);
            peer.send(message.clone())?;
            peer.expect_echo(&message)?;
        }
    }
    Ok(())
}

fn noise() -> Case {
    let case = Case::new("26.6.2", Both, TITLE, &["RFC 7692 §6"], |peer| {
        peer.open_compressing(Wish::NONE, Wish::NONE)?;
        let mut rng = fastrand::Rng::with_seed(26);
        let noise = std::iter::repeat_with(|| rng.u8(..)).take(NOISE);
        let message = Frame::binary(noise.collect::<Vec<_>>());
        peer.send(message.clone())?;
        peer.expect_echo(&message)?;
        passed(match peer.said.compressed {
            0 => "The testee sent the echo uncompressed.",
            _ => "The testee compressed the echo all the same.",
        })
    });
    case.does(format!(
        "Agrees to compress, then sends {NOISE} random octets, which compressing makes no shorter."
    ))
    .wants("Their echo, compressed or not.")
    .informational()
}
